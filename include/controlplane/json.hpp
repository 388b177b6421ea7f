// A JSON text, immutable and shared between its copies: payloads, results, metadata, checkpoints.
// Thread safety: immutable; copies in different threads may be used and destroyed freely.
// Errors: none here. The text is validated once, by the operation that takes it
// (size, UTF-8, depth, number range), and never parsed again.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <ostream>
#include <string>
#include <string_view>

namespace controlplane {

// Immutable shared bytes: one allocation that holds the count, the length, the bytes and a NUL.
class SharedText {
 public:
  SharedText() noexcept = default;
  explicit SharedText(std::string_view text) : block_(text.empty() ? nullptr : Block::make(text)) {}
  SharedText(const SharedText& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->uses.fetch_add(1, std::memory_order_relaxed);
  }
  SharedText(SharedText&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  SharedText& operator=(const SharedText& other) noexcept { return *this = SharedText(other); }
  SharedText& operator=(SharedText&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedText() {
    if (block_ != nullptr && block_->drop()) ::operator delete(block_);
  }

  // Valid as long as this or any copy of it lives.
  std::string_view text() const noexcept {
    return block_ == nullptr ? std::string_view{} : std::string_view(block_->bytes(), block_->size);
  }
  const char* c_str() const noexcept { return block_ == nullptr ? "" : block_->bytes(); }
  std::string str() const { return std::string(text()); }
  bool empty() const noexcept { return block_ == nullptr; }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  operator std::string_view() const noexcept { return text(); }  // NOLINT: implicit by design

  friend bool operator==(const SharedText& a, const SharedText& b) noexcept {
    return a.text() == b.text();
  }
  friend bool operator==(const SharedText& a, std::string_view b) noexcept { return a.text() == b; }
  friend std::ostream& operator<<(std::ostream& out, const SharedText& text) {
    return out << text.text();
  }

 private:
  struct Block {
    std::atomic<std::uint32_t> uses{1};
    std::uint32_t size = 0;
    // True: that was the last use. Who holds the only one need not count it down for others.
    bool drop() noexcept {
      return uses.load(std::memory_order_acquire) == 1 ||
             uses.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
    const char* bytes() const noexcept { return reinterpret_cast<const char*>(this + 1); }
    // A text of 4 GiB or more is cut there: no limit lets one that long in.
    static Block* make(std::string_view text) {
      text = text.substr(0, std::numeric_limits<std::uint32_t>::max());
      auto* block = ::new (::operator new(sizeof(Block) + text.size() + 1)) Block;
      block->size = static_cast<std::uint32_t>(text.size());
      std::memcpy(block->bytes(), text.data(), text.size());
      block->bytes()[text.size()] = '\0';
      return block;
    }
  };
  Block* block_ = nullptr;
};

// SharedText that is meant to be JSON; made from any text, so that literals read well.
class Json : public SharedText {
 public:
  Json() noexcept = default;
  Json(std::string_view text) : SharedText(text) {}    // NOLINT: implicit by design
  Json(const std::string& text) : SharedText(text) {}  // NOLINT
  Json(const char* text) : SharedText(text) {}         // NOLINT
};

}  // namespace controlplane
