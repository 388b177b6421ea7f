// Handles that can be checked: a number that names a slot of one table and the use of that slot, so
// that a handle of the past is told from one of today without touching what it stood for.
// Thread safety: everything may be called from any thread.
// Lifetime: an object lives until it was closed and the last call in it has returned.
// Errors: a Refusal that says what is wrong with the handle.
//
// The table is the one thing that a process has once: 65,535 slots, untouched pages until used. It
// knows of fork: a handle of the parent is refused in the child.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace controlplane::capi {

enum class Kind : std::uint8_t {
  none,
  coordinator,
  queue,
  subscription,
  worker,
  context,
  lease,
  election,
  distributor
};

namespace handles {

// A handle, from its low end: kind, slot, use of that slot, and a mark that makes it an address
// that no process has, so that following it stops at once.
static_assert(sizeof(void*) == 8, "a handle is a number of 64 bits");
inline constexpr unsigned kKindBits = 4, kSlotBits = 16, kUseBits = 38;
inline constexpr unsigned kMarkShift = kKindBits + kSlotBits + kUseBits;
inline constexpr std::uint64_t kMark = std::uint64_t{0b10101} << kMarkShift;
inline constexpr std::uint64_t kMarkMask = ~((std::uint64_t{1} << kMarkShift) - 1);
inline constexpr std::uint64_t kKindMask = (std::uint64_t{1} << kKindBits) - 1;
inline constexpr std::uint64_t kUseMask = (std::uint64_t{1} << kUseBits) - 1;
inline constexpr std::size_t kSlots = (std::size_t{1} << kSlotBits) - 1;

// A slot's word: use, whether nobody gets in (it is being closed, or free), and how many hold the
// object: the calls in it, and one for the handle until that is closed.
inline constexpr unsigned kHolderBits = 25;
inline constexpr std::uint64_t kHolder = 1;
inline constexpr std::uint64_t kHolderMask = (std::uint64_t{1} << kHolderBits) - 1;
inline constexpr std::uint64_t kClosed = std::uint64_t{1} << kHolderBits;
inline constexpr unsigned kUseShift = kHolderBits + 1;

// A cache line of its own: two coordinators must not slow each other down.
struct alignas(64) Slot {
  std::atomic<std::uint64_t> word{kClosed};
  std::atomic<std::uint32_t> process{0};  // in which it was opened, counted in forks
  Kind kind = Kind::none;                 // constant while in use, as the two below
  void* object = nullptr;
  void (*destroy)(void*) noexcept = nullptr;
  std::uint32_t next_free = 0;
};

// Constant-initialized and without a destructor: calls that come late in a process find it.
extern constinit std::array<Slot, kSlots + 1> slots;  // slot 0 is nobody's
extern constinit std::atomic<std::uint32_t> process;  // how many forks ago the first one was

[[noreturn]] void refuse_handle(Kind wanted, const void* handle);
// Somebody waits for the others to leave, or this was the last one.
void left_closed(Slot& slot, std::uint64_t before, std::uint64_t holders) noexcept;

// Gets in; with `also` = kClosed as the last one. Every call does this: it is a dozen instructions.
inline Slot& enter(Kind kind, const void* handle, std::uint64_t also) {
  const auto number = reinterpret_cast<std::uint64_t>(handle);
  Slot& slot = slots[number >> kKindBits & kSlots];
  const std::uint64_t use = number >> (kKindBits + kSlotBits) & kUseMask;
  const bool is_of_kind =
      (number & (kMarkMask | kKindMask)) == (kMark | static_cast<std::uint64_t>(kind));
  std::uint64_t word = slot.word.load(std::memory_order_acquire);
  do {
    // All of the word but the holders; and the process.
    if (!is_of_kind || word >> kHolderBits != use << 1 ||
        slot.process.load(std::memory_order_relaxed) != process.load(std::memory_order_relaxed))
        [[unlikely]] {
      refuse_handle(kind, handle);
    }
  } while (!slot.word.compare_exchange_weak(word, (word | also) + kHolder,
                                            std::memory_order_acq_rel, std::memory_order_acquire));
  return slot;
}

inline void leave(Slot& slot, std::uint64_t holders) noexcept {
  const std::uint64_t before = slot.word.fetch_sub(holders, std::memory_order_acq_rel);
  if ((before & kClosed) != 0) [[unlikely]]
    left_closed(slot, before, holders);
}

// Owns the object from now on; `destroy` ends it. resource_exhausted when all slots are in use.
void* add(Kind kind, void* object, void (*destroy)(void*) noexcept);
// After enter() with kClosed: leaves for that call and for the handle, once all other calls have
// left.
void leave_alone(Slot& slot) noexcept;

}  // namespace handles

template <class T>
struct KindOf;  // Kind value of the C++ object behind a handle

// One call in an object.
template <class T>
class Held {
 public:
  explicit Held(const void* handle) : slot_(handles::enter(KindOf<T>::value, handle, 0)) {}
  ~Held() { handles::leave(slot_, handles::kHolder); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  T& operator*() const noexcept { return *static_cast<T*>(slot_.object); }
  T* operator->() const noexcept { return static_cast<T*>(slot_.object); }

 private:
  handles::Slot& slot_;
};

// The call that closes it: nobody after it gets in. Leaves for itself and for the handle.
template <class T>
class Closing {
 public:
  explicit Closing(const void* handle)
      : slot_(handles::enter(KindOf<T>::value, handle, handles::kClosed)) {}
  ~Closing() { handles::leave(slot_, 2 * handles::kHolder); }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  T* operator->() const noexcept { return static_cast<T*>(slot_.object); }

 private:
  handles::Slot& slot_;
};

// Gives the object away for a handle of the C type.
template <class Handle, class T>
Handle* give_out(T* object) {
  return static_cast<Handle*>(handles::add(
      KindOf<T>::value, object, [](void* old) noexcept { delete static_cast<T*>(old); }));
}

}  // namespace controlplane::capi
