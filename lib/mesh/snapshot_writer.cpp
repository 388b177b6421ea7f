#include "mesh/snapshot_writer.hpp"

#include <cstring>

#include "base/bytes.hpp"
#include "engine/row_json.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kPieceBytes = 65'536;

}  // namespace

void write_hex64(char* to, std::uint64_t value) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = kSumDigits; i-- > 0; value >>= 4) to[i] = kDigits[value & 15];
}

std::string sha256_text(const Sha256::Value& value) {
  std::string text(2 * value.size(), '0');
  for (std::size_t i = 0; i < value.size(); i += 8)
    write_hex64(text.data() + 2 * i, load_be64(value.data() + i));
  return text;
}

void SnapshotWriter::add_line(std::string_view row) {
  row.remove_suffix(1);  // its last brace
  const std::uint64_t sum = sum_.add(row).finish();
  const std::size_t size = row.size() + kSumBytes + 1;
  char* at = out_.room(size);
  std::memcpy(at, row.data(), row.size());
  at += row.size();
  std::memcpy(at, kSumName.data(), kSumName.size());
  at += kSumName.size();
  write_hex64(at, sum);
  at += kSumDigits;
  std::memcpy(at, kSumEnd.data(), kSumEnd.size());
  at[kSumEnd.size()] = '\n';
  out_.used(size);
  ++lines_;
}

Result<void> SnapshotWriter::add(std::string_view rows) {
  while (!rows.empty()) {
    const std::size_t end = rows.find('\n');
    add_line(rows.substr(0, end));
    rows.remove_prefix(end + 1);
  }
  return out_.size() >= kPieceBytes ? flush() : Result<void>();
}

Result<void> SnapshotWriter::flush() {
  if (out_.size() == 0) return {};
  whole_.add_bytes(out_.text());
  bytes_ += out_.size();
  auto taken = sink_(out_.text());
  out_.clear();
  return taken;
}

Result<void> SnapshotWriter::finish() {
  if (auto flushed = flush(); !flushed) return flushed;
  sha256_ = sha256_text(whole_.finish());
  TrailerRow row;
  row.lines = lines_;
  row.sha256.text = sha256_;
  RowBuffer trailer;
  append_row(trailer, row);
  add_line(trailer.text());
  return flush();
}

}  // namespace controlplane
