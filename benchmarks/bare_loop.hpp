// The limit for the cycle submit → claim → complete: what it costs to do it without any product. One
// mutex, a hash map of 36-character ids to a record with its payload, four FIFO queues.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

class BareLoop {
 public:
  std::string submit(std::string_view payload, std::size_t priority) {
    std::string id = next_id();
    const std::lock_guard lock(mutex_);
    tasks_.emplace(id, Record{std::string(payload)});
    queues_[priority].push_back(id);
    return id;
  }
  std::string claim() {
    const std::lock_guard lock(mutex_);
    for (auto& queue : queues_) {
      if (queue.empty()) continue;
      std::string id = std::move(queue.front());
      queue.pop_front();
      tasks_.find(id)->second.claimed = true;
      return id;
    }
    return {};
  }
  void complete(const std::string& id) {
    const std::lock_guard lock(mutex_);
    tasks_.erase(id);
  }

 private:
  struct Record {
    std::string payload;
    bool claimed = false;
  };
  // As cheap as a distinct id of the length of a UUID can be made.
  std::string next_id() {
    std::string id = "00000000-0000-7000-8000-000000000000";
    std::uint64_t rest = ++last_;
    for (std::size_t at = 35; rest != 0; --at, rest >>= 4) id[at] = "0123456789abcdef"[rest & 15];
    return id;
  }

  std::mutex mutex_;
  std::unordered_map<std::string, Record> tasks_;
  std::array<std::deque<std::string>, 4> queues_;
  std::uint64_t last_ = 0;
};
