// The workers of one coordinator, so that shutdown() can drain them.
// Thread safety: every method may be called from any thread.
// Lifetime: members leave before they are destroyed.
// Errors: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace controlplane {

// Nothing of it may block.
class RosterMember {
 public:
  virtual ~RosterMember() = default;
  virtual void drain() = 0;              // claim no more
  virtual std::size_t held() const = 0;  // attempts
  virtual bool at_rest() const = 0;      // no thread of it starts, claims, handles or leaves
  virtual void leave() = 0;              // unregister, if it holds nothing
  virtual void closing() = 0;  // the coordinator is about to wait for its callbacks, in this thread
  virtual void closed() = 0;             // the coordinator is
};

class WorkerRoster {
 public:
  void join(std::weak_ptr<RosterMember> member) {
    std::lock_guard lock(mutex_);
    members_.push_back(std::move(member));
  }

  // Some attempt ended, or a member came to rest.
  void changed() {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  }

  void drain() {
    for (const auto& member : living()) member->drain();
  }

  // Waits until all are at rest, has them leave and waits for that; answers how many attempts are
  // left at the deadline.
  std::size_t leave(std::chrono::steady_clock::time_point deadline) {
    const auto members = living();
    wait(members, deadline);
    for (const auto& member : members) member->leave();
    wait(members, deadline);
    std::size_t left = 0;
    for (const auto& member : members) left += member->held();
    return left;
  }

  void closing() {
    for (const auto& member : living()) member->closing();
  }

  void closed() {
    for (const auto& member : living()) member->closed();
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  using Members = std::vector<std::shared_ptr<RosterMember>>;

  Members living() {
    Members found;
    std::lock_guard lock(mutex_);
    std::erase_if(members_, [](const auto& member) { return member.expired(); });
    for (const auto& member : members_) {
      if (auto alive = member.lock()) found.push_back(std::move(alive));
    }
    return found;
  }

  void wait(const Members& members, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] {
      return closed_ || std::all_of(members.begin(), members.end(),
                                    [](const auto& member) { return member->at_rest(); });
    });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;                               // guarded: nobody need be waited for
  std::vector<std::weak_ptr<RosterMember>> members_;  // guarded
};

}  // namespace controlplane
