// A callable that is moved and never copied, so that it may own what only moves: parked operations,
// sockets, other functions. (std::move_only_function is C++23.)
// Thread safety: none; a value.
// Lifetime: owns the callable. Small ones are kept inside, others in one allocation.
// Errors: calling an empty function is a defect (asserted). The callable's exceptions pass through.
#pragma once

#include <cassert>
#include <cstddef>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

namespace controlplane {

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() noexcept = default;
  UniqueFunction(std::nullptr_t) noexcept {}  // NOLINT: implicit by design

  template <class F, class D = std::decay_t<F>>
    requires(!std::is_same_v<D, UniqueFunction> && std::is_invocable_r_v<R, D&, Args...>)
  UniqueFunction(F&& callable) {  // NOLINT: implicit by design
    if constexpr (kFits<D>) {
      ::new (static_cast<void*>(storage_)) D(std::forward<F>(callable));
      rules_ = &kInside<D>;
    } else {
      ::new (static_cast<void*>(storage_)) D*(new D(std::forward<F>(callable)));
      rules_ = &kOutside<D>;
    }
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  // Destroys the callable. A reference to this object from within the callable's own destructor
  // sees it empty.
  void reset() noexcept {
    if (const Rules* rules = std::exchange(rules_, nullptr)) rules->destroy(storage_);
  }

  explicit operator bool() const noexcept { return rules_ != nullptr; }

  R operator()(Args... args) {
    assert(rules_ != nullptr);
    return rules_->call(storage_, std::forward<Args>(args)...);
  }

 private:
  static constexpr std::size_t kSize = 6 * sizeof(void*);

  struct Rules {
    R (*call)(void* self, Args&&... args);
    void (*move)(void* from, void* to) noexcept;  // and destroys `from`
    void (*destroy)(void* self) noexcept;
  };

  template <class D>
  static constexpr bool kFits = sizeof(D) <= kSize && alignof(D) <= alignof(std::max_align_t) &&
                                std::is_nothrow_move_constructible_v<D>;

  template <class D>
  static D& at(void* self) noexcept {
    return *std::launder(static_cast<D*>(self));
  }

  template <class D>
  static R invoke(D& callable, Args&&... args) {
    if constexpr (std::is_void_v<R>) {
      std::invoke(callable, std::forward<Args>(args)...);
    } else {
      return std::invoke(callable, std::forward<Args>(args)...);
    }
  }

  template <class D>
  static constexpr Rules kInside{
      [](void* self, Args&&... args) -> R {
        return invoke(at<D>(self), std::forward<Args>(args)...);
      },
      [](void* from, void* to) noexcept {
        ::new (to) D(std::move(at<D>(from)));
        at<D>(from).~D();
      },
      [](void* self) noexcept { at<D>(self).~D(); }};

  template <class D>
  static constexpr Rules kOutside{
      [](void* self, Args&&... args) -> R {
        return invoke(*at<D*>(self), std::forward<Args>(args)...);
      },
      [](void* from, void* to) noexcept { ::new (to) D*(at<D*>(from)); },
      [](void* self) noexcept { delete at<D*>(self); }};

  void take(UniqueFunction& other) noexcept {
    if (other.rules_ == nullptr) return;
    other.rules_->move(other.storage_, storage_);
    rules_ = std::exchange(other.rules_, nullptr);
  }

  const Rules* rules_ = nullptr;
  alignas(std::max_align_t) std::byte storage_[kSize];
};

}  // namespace controlplane
