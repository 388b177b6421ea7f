#include "store/listeners.hpp"

#include <algorithm>

namespace controlplane {

bool Listeners::Entry::enter() {
  const std::lock_guard lock(mutex);
  if (removed) return false;
  ++calls;
  return true;
}

void Listeners::Entry::leave() {
  const std::lock_guard lock(mutex);
  if (--calls == 0) idle.notify_all();
}

void Listeners::Entry::close() {
  std::unique_lock lock(mutex);
  removed = true;
  idle.wait(lock, [&] { return calls == 0; });
}

void Listeners::add(StoreListener& listener) {
  auto entry = std::make_shared<Entry>();
  entry->listener = &listener;
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
  count_.store(entries_.size(), std::memory_order_release);
}

void Listeners::remove(StoreListener& listener) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const auto& e) { return e->listener == &listener; });
    if (found == entries_.end()) return;
    entry = *found;
    entries_.erase(found);
    count_.store(entries_.size(), std::memory_order_release);
  }
  entry->close();
}

Listeners::Entries Listeners::snapshot() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

}  // namespace controlplane
