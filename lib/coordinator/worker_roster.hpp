// The workers of one coordinator, so that shutdown() can drain them.
// Thread safety: every method may be called from any thread.
// Lifetime: members leave before they are destroyed.
// Errors: none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace controlplane {

class RosterMember {
 public:
  virtual ~RosterMember() = default;
  virtual void drain() = 0;              // claim no more; must not block
  virtual std::size_t held() const = 0;  // attempts
  virtual void closed() = 0;             // the coordinator is; must not block
};

class WorkerRoster {
 public:
  void join(std::weak_ptr<RosterMember> member) {
    std::lock_guard lock(mutex_);
    members_.push_back(std::move(member));
  }

  // Some attempt ended.
  void changed() {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  }

  void closed() {
    std::unique_lock lock(mutex_);
    const auto members = living();
    lock.unlock();
    for (const auto& member : members) member->closed();
  }

  // Drains all and waits until they hold nothing; answers how many attempts are left at the
  // deadline.
  std::size_t drain(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    const auto members = living();
    lock.unlock();
    for (const auto& member : members) member->drain();
    lock.lock();
    std::size_t left = 0;
    changed_.wait_until(lock, deadline, [&] {
      left = 0;
      for (const auto& member : members) left += member->held();
      return left == 0;
    });
    return left;
  }

 private:
  std::vector<std::shared_ptr<RosterMember>> living() {
    std::vector<std::shared_ptr<RosterMember>> found;
    std::erase_if(members_, [](const auto& member) { return member.expired(); });
    for (const auto& member : members_) {
      if (auto alive = member.lock()) found.push_back(std::move(alive));
    }
    return found;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::weak_ptr<RosterMember>> members_;  // guarded
};

}  // namespace controlplane
