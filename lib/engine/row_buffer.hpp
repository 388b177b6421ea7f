// Bytes that grow at their end; memory is kept for the next ones.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace controlplane {

class RowBuffer {
 public:
  // Space for so many more; used() says how many were written.
  char* room(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data_.get() + size_;
  }
  void used(std::size_t bytes) noexcept { size_ += bytes; }
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    *room(1) = c;
    ++size_;
  }
  void truncate(std::size_t size) noexcept { size_ = size; }
  void clear() noexcept { size_ = 0; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::string_view text() const noexcept { return {data_.get(), size_}; }
  char* data() noexcept { return data_.get(); }

 private:
  static constexpr std::size_t kFirstBytes = 4'096;
  void grow(std::size_t bytes) {
    const std::size_t capacity = std::max({kFirstBytes, 2 * capacity_, size_ + bytes});
    std::unique_ptr<char[]> larger(new char[capacity]);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = capacity;
  }
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace controlplane
