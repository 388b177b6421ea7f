#include "capi/handles.hpp"

#include <pthread.h>

#include <array>
#include <atomic>
#include <mutex>
#include <string>

#include "capi/refusal.hpp"

namespace controlplane::capi::handles {
constinit std::array<Slot, kSlots + 1> slots{};
constinit std::atomic<std::uint32_t> process{0};

namespace {

constinit std::mutex free_mutex;
constinit std::uint32_t first_free = 0;  // guarded by free_mutex
constinit std::uint32_t used = 0;        // slots 1 to this were in use at some time; so guarded

void before_fork() { free_mutex.lock(); }
void after_fork_in_parent() { free_mutex.unlock(); }
void after_fork_in_child() {
  process.fetch_add(1, std::memory_order_relaxed);
  free_mutex.unlock();
}
[[maybe_unused]] const int watches_fork =
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::coordinator:
      return "coordinator";
    case Kind::queue:
      return "queue";
    case Kind::subscription:
      return "subscription";
    case Kind::worker:
      return "worker";
    case Kind::context:
      return "task context";
    case Kind::lease:
      return "lease";
    case Kind::election:
      return "election";
    case Kind::distributor:
      return "distributor";
    case Kind::none:
      break;
  }
  return "handle";
}

struct Parts {
  Kind kind;
  std::uint32_t slot;
  std::uint64_t use;
};

std::uint64_t number_of(const void* handle) { return reinterpret_cast<std::uint64_t>(handle); }

void* join(const Parts& parts) {
  const std::uint64_t number = kMark | parts.use << (kKindBits + kSlotBits) |
                               std::uint64_t{parts.slot} << kKindBits |
                               static_cast<std::uint64_t>(parts.kind);
  return reinterpret_cast<void*>(number);  // NOLINT(performance-no-int-to-ptr): never followed
}

Parts split(const void* handle) {
  const std::uint64_t number = number_of(handle);
  return {static_cast<Kind>(number & kKindMask),
          static_cast<std::uint32_t>(number >> kKindBits & kSlots),
          number >> (kKindBits + kSlotBits) & kUseMask};
}

std::string is_a(Kind wanted, const char* what) {
  return std::string(name_of(wanted)) + " is " + what;
}

std::uint32_t take_slot() {
  const std::lock_guard lock(free_mutex);
  if (first_free != 0) {
    const std::uint32_t index = first_free;
    first_free = slots[index].next_free;
    return index;
  }
  if (used == kSlots) {
    refuse(ErrorCode::resource_exhausted, "65,535 handles are open in this process, which is all");
  }
  return ++used;
}

// Ends the object, then the use of the slot.
void retire(Slot& slot, std::uint32_t index) noexcept {
  slot.destroy(slot.object);
  const std::uint64_t next_use =
      ((slot.word.load(std::memory_order_relaxed) >> kUseShift) + 1) & kUseMask;
  slot.word.store(next_use << kUseShift | kClosed, std::memory_order_release);
  const std::lock_guard lock(free_mutex);
  slot.next_free = first_free;
  first_free = index;
}

}  // namespace

// What is wrong with a handle that is not simply an open one.
void refuse_handle(Kind wanted, const void* handle) {
  if (handle == nullptr) refuse(is_a(wanted, "NULL"));
  const Parts parts = split(handle);
  const bool is_ours = (number_of(handle) & kMarkMask) == kMark && parts.slot != 0 &&
                       parts.kind > Kind::none && parts.kind <= Kind::distributor;
  if (!is_ours) refuse(is_a(wanted, "no handle of this library"));
  if (parts.kind != wanted) {
    refuse(is_a(wanted, "a handle of another type: ") + name_of(parts.kind));
  }
  const Slot& slot = slots[parts.slot];
  const bool is_open = slot.word.load(std::memory_order_acquire) >> kHolderBits == parts.use << 1;
  if (is_open) {
    refuse(ErrorCode::failed_precondition,
           is_a(wanted, "from before fork(); a child process must open its own"));
  }
  refuse(ErrorCode::failed_precondition, is_a(wanted, "closed"));
}

void left_closed(Slot& slot, std::uint64_t before, std::uint64_t holders) noexcept {
  if ((before & kHolderMask) == holders) {
    return retire(slot, static_cast<std::uint32_t>(&slot - slots.data()));
  }
  slot.word.notify_all();
}

void* add(Kind kind, void* object, void (*destroy)(void*) noexcept) {
  std::uint32_t index = 0;
  try {
    index = take_slot();
  } catch (...) {
    destroy(object);
    throw;
  }
  Slot& slot = slots[index];
  slot.kind = kind;
  slot.object = object;
  slot.destroy = destroy;
  slot.process.store(process.load(std::memory_order_relaxed), std::memory_order_relaxed);
  const std::uint64_t use = slot.word.load(std::memory_order_relaxed) >> kUseShift;
  slot.word.store(use << kUseShift | kHolder, std::memory_order_release);
  return join({kind, index, use});
}

void leave_alone(Slot& slot) noexcept {
  for (std::uint64_t word = slot.word.load(std::memory_order_acquire);
       (word & kHolderMask) != 2 * kHolder; word = slot.word.load(std::memory_order_acquire)) {
    slot.word.wait(word, std::memory_order_acquire);
  }
  leave(slot, 2 * kHolder);
}

}  // namespace controlplane::capi::handles
