// Who hears of a tenant's changes.
// Thread safety: every method may be called from any thread; no lock is held during a call.
// Lifetime: after remove() returned, its listener is not called again.
// Errors: none.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "store/store.hpp"

namespace controlplane {

class Listeners {
 public:
  void add(StoreListener& listener);
  void remove(StoreListener& listener);  // waits for its calls in progress; not from within one
  bool empty() const noexcept { return count_.load(std::memory_order_acquire) == 0; }

  template <class Call>
  void each(Call&& call) {
    for (const auto& entry : snapshot()) {
      if (!entry->enter()) continue;
      call(*entry->listener);
      entry->leave();
    }
  }

 private:
  struct Entry {
    StoreListener* listener;
    std::mutex mutex;
    std::condition_variable idle;
    int calls = 0;
    bool removed = false;
    bool enter();
    void leave();
    void close();
  };
  using Entries = std::vector<std::shared_ptr<Entry>>;
  Entries snapshot() const;

  mutable std::mutex mutex_;
  Entries entries_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace controlplane
