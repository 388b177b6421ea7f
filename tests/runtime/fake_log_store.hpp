// A TenantStore that knows only read_events, over a list that the test writes.
// Thread safety: every method may be called from any thread.
// In async mode apply() refuses and start() keeps the operation until answer_one().
#pragma once

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace controlplane {

class FakeLogStore final : public TenantStore {
 public:
  std::uint64_t append(std::string type) {
    std::lock_guard lock(mutex_);
    Event event;
    event.seq = ++last_;
    event.type = std::move(type);
    log_.push_back(std::move(event));
    return last_;
  }
  std::uint64_t append(int count, const std::string& type) {
    std::uint64_t last = 0;
    for (int i = 0; i < count; ++i) last = append(type);
    return last;
  }
  void trim_to(std::uint64_t first) {
    std::lock_guard lock(mutex_);
    while (!log_.empty() && log_.front().seq < first) log_.pop_front();
  }
  void fail_next(int count, Error error) {
    std::lock_guard lock(mutex_);
    failures_ = count;
    failure_ = std::move(error);
  }
  void set_async(bool async) {
    std::lock_guard lock(mutex_);
    async_ = async;
  }
  // False: nothing was started.
  bool answer_one() {
    std::pair<Operation*, OperationDone*> next{};
    {
      std::lock_guard lock(mutex_);
      if (started_.empty()) return false;
      next = started_.front();
      started_.pop_front();
      answer(static_cast<ReadEvents&>(*next.first));
    }
    next.second->done(*next.first);
    return true;
  }
  int listeners() const {
    std::lock_guard lock(mutex_);
    return listeners_;
  }
  int reads() const {
    std::lock_guard lock(mutex_);
    return reads_;
  }

  bool apply(Operation& op) override {
    std::lock_guard lock(mutex_);
    if (async_) return false;
    answer(static_cast<ReadEvents&>(op));
    return true;
  }
  void start(Operation& op, OperationDone& done) override {
    std::lock_guard lock(mutex_);
    started_.emplace_back(&op, &done);
  }
  void add_listener(StoreListener&) override {}
  void remove_listener(StoreListener&) override {}
  void listen_to_events(int change) override {
    std::lock_guard lock(mutex_);
    listeners_ += change;
  }
  Timestamp now() const override { return 0; }
  const NamespaceOptions& options() const override { return options_; }

 private:
  const NamespaceOptions options_;
  void answer(ReadEvents& op) {
    ++reads_;
    op.events.clear();
    op.first_seq = last_ + 1 - log_.size();
    op.last_seq = last_;
    op.last_visited = op.after;
    if (failures_ > 0) {
      --failures_;
      op.failed = failure_;
    } else if (op.after + 1 < op.first_seq) {
      op.failed = Error::data_loss("trimmed");
    } else if (op.after < last_) {
      visit(op);
    }
  }
  void visit(ReadEvents& op) const {
    const auto& types = op.filter->types;
    for (std::size_t i = op.after + 1 - op.first_seq; i < log_.size(); ++i) {
      if (op.events.size() == op.max_items || i >= op.after + op.max_visited) return;
      const bool wanted = types.empty() || std::count(types.begin(), types.end(), log_[i].type) > 0;
      if (wanted) op.events.push_back(log_[i]);
      op.last_visited = log_[i].seq;
    }
  }

  mutable std::mutex mutex_;
  std::deque<Event> log_;
  std::uint64_t last_ = 0;
  int failures_ = 0;
  Error failure_;
  bool async_ = false;
  int listeners_ = 0;
  int reads_ = 0;
  std::deque<std::pair<Operation*, OperationDone*>> started_;
};

}  // namespace controlplane
