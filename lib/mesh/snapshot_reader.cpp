#include "mesh/snapshot_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/row_json.hpp"
#include "mesh/snapshot_writer.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kReadBytes = 262'144;

// Values and texts are written as they are or escaped, which makes six bytes of one at most; the
// rest of a row are names and numbers, as many as there may be.
std::size_t longest_line(const Limits& limits) {
  const std::size_t values =
      limits.max_payload_bytes + limits.max_result_bytes + limits.max_metadata_bytes +
      limits.max_checkpoint_bytes + limits.max_document_bytes + limits.max_log_entry_bytes +
      limits.max_usage_bytes + limits.max_metrics_bytes + 2 * limits.max_error_bytes +
      limits.max_note_bytes + 4 * limits.max_text_bytes +
      limits.max_labels * (limits.max_label_key_bytes + limits.max_label_value_bytes);
  const std::size_t names = limits.max_parents + limits.max_capabilities +
                            limits.max_excluded_agents + limits.max_weights + 2 * limits.max_needs;
  return 6 * values + names * (limits.max_name_bytes + 64) +
         16 * limits.max_pool_numbers * limits.max_needs + 1'048'576;
}

Error damaged(std::uint64_t line, std::string_view what) {
  return Error::invalid_argument(fmt::format("line {}: {}", line, what));
}

}  // namespace

SnapshotReader::SnapshotReader(const Snapshots::Source& source, const Limits& limits,
                               NamespaceImport& import)
    : source_(source), import_(import), max_line_(longest_line(limits)) {}

Result<void> SnapshotReader::read_all() {
  for (;;) {
    std::string_view line;
    const auto found = next(line);
    if (!found) return found.error();
    if (!*found) break;
    ++lines_;
    bytes_ += line.size() + 1;
    if (complete_) return damaged(lines_, "there is something behind the trailer");
    if (auto added = add(line); !added) return added;
  }
  if (complete_) return {};
  return damaged(lines_ + 1, "the file ends before its trailer");
}

Result<bool> SnapshotReader::next(std::string_view& line) {
  std::size_t searched = at_;
  for (;;) {
    const std::size_t end = buffer_.text().find('\n', searched);
    if (end != std::string_view::npos) {
      line = buffer_.text().substr(at_, end - at_);
      at_ = end + 1;
      return true;
    }
    if (ended_) break;
    if (buffer_.size() - at_ > max_line_) {
      return damaged(lines_ + 1,
                     fmt::format("it is longer than {} bytes, as no row can be", max_line_));
    }
    searched = buffer_.size() - at_;
    if (auto filled = fill(); !filled) return filled.error();
    searched += at_;
  }
  if (at_ == buffer_.size()) return false;
  return damaged(lines_ + 1, "it has no end");
}

// Behind what is left of the buffer, which moves to its front.
Result<void> SnapshotReader::fill() {
  const std::size_t left = buffer_.size() - at_;
  if (at_ > 0) std::memmove(buffer_.data(), buffer_.data() + at_, left);
  buffer_.truncate(left);
  at_ = 0;
  char* const to = buffer_.room(kReadBytes + RowParser::kPadding);
  const auto size = source_(to, kReadBytes);
  if (!size) return size.error();
  if (*size > kReadBytes)
    return Error::invalid_argument("the source answers more than was asked for");
  std::memset(to + *size, ' ', RowParser::kPadding);
  buffer_.used(*size);
  ended_ = *size == 0;
  return {};
}

Result<void> SnapshotReader::add(std::string_view line) {
  const std::size_t sum_at = line.size() - std::min(line.size(), kSumBytes);
  const std::string_view end = line.substr(sum_at);
  if (!end.starts_with(kSumName) || !end.ends_with(kSumEnd))
    return damaged(lines_, "it has no sum at its end");
  const std::string_view row = line.substr(0, sum_at);
  const std::string_view digits = end.substr(kSumName.size(), kSumDigits);
  char expected[kSumDigits];
  write_hex64(expected, sum_.add(row).finish());
  if (digits != std::string_view(expected, kSumDigits)) {
    return damaged(
        lines_, "its sum is wrong: it is damaged, or not the line that followed the one before it");
  }
  Sha256::Value whole{};
  const bool may_be_last = row.starts_with("{\"row\":\"trailer\"");
  if (may_be_last) whole = whole_.finish();
  whole_.add_bytes(line).add_bytes("\n");
  // The comma before the sum becomes the brace that ends the row.
  const auto offset = static_cast<std::size_t>(line.data() - buffer_.data());
  buffer_.data()[offset + sum_at] = '}';
  const auto kind = import_.add({line.data(), sum_at + 1});
  if (!kind) return kind.error();
  if (*kind != RowKind::trailer) return {};
  if (!may_be_last) return damaged(lines_, "a trailer is not written like this");
  sha256_ = sha256_text(whole);
  return check_trailer();
}

Result<void> SnapshotReader::check_trailer() {
  const TrailerRow& trailer = import_.trailer();
  if (trailer.lines != lines_ - 1) {
    return damaged(lines_,
                   fmt::format("lines is {}; there are {} before it", trailer.lines, lines_ - 1));
  }
  if (trailer.sha256.text != sha256_) {
    return damaged(lines_, fmt::format("sha256 is that of another file; this one has {}", sha256_));
  }
  complete_ = true;
  return {};
}

}  // namespace controlplane
