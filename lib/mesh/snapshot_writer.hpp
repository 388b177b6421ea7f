// Makes the lines of a snapshot of rows: each gets a checksum that covers it and those before it,
// and the last one a SHA-256 of the whole. Thread safety: none. Errors: those of the sink.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "controlplane/snapshot.hpp"
#include "engine/row_buffer.hpp"

namespace controlplane {

// What ends a line, in place of the brace that ends its row: ,"sum":"0123456789abcdef"}
inline constexpr std::string_view kSumName = ",\"sum\":\"";
inline constexpr std::string_view kSumEnd = "\"}";
inline constexpr std::size_t kSumDigits = 16;
inline constexpr std::size_t kSumBytes = kSumName.size() + kSumDigits + kSumEnd.size();
void write_hex64(char* to, std::uint64_t value) noexcept;  // kSumDigits characters
std::string sha256_text(const Sha256::Value& value);

class SnapshotWriter {
 public:
  explicit SnapshotWriter(const Snapshots::Sink& sink) : sink_(sink) {}

  Result<void> add(std::string_view rows);  // whole rows, each with its line break
  Result<void> finish();                    // adds the trailer
  std::uint64_t lines() const noexcept { return lines_; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  const std::string& sha256() const noexcept { return sha256_; }

 private:
  void add_line(std::string_view row);
  Result<void> flush();

  const Snapshots::Sink& sink_;
  RowBuffer out_;
  FieldDigest sum_;
  Sha256 whole_;
  std::string sha256_;
  std::uint64_t lines_ = 0, bytes_ = 0;
};

}  // namespace controlplane
