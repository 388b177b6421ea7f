#include "engine/row_json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "base/ids.hpp"
#include "base/json_check.hpp"
#include "base/json_text.hpp"
#include "base/names.hpp"
#include "base/wording.hpp"
#include "engine/mailbox_name.hpp"
#include "engine/message_key.hpp"
#include "engine/row_archive.hpp"

namespace controlplane {
namespace {

template <class Enum>
std::string_view word_of(Enum value) {
  if constexpr (requires { Wording<Enum>::words; }) {
    return Wording<Enum>::words[static_cast<std::size_t>(value)];
  } else {
    return to_string(value);
  }
}

// Nothing in it needs an escape.
bool is_plain(std::string_view text) noexcept {
  bool plain = true;
  for (const char c : text) plain &= c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  return plain;
}

// It can stand in a line as it is and be found there again byte for byte.
bool is_one_line(std::string_view json) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  if (is_space(json.front()) || is_space(json.back())) return false;
  return std::memchr(json.data(), '\n', json.size()) == nullptr &&
         std::memchr(json.data(), '\r', json.size()) == nullptr;
}

void write_hex(char* to, std::uint64_t value) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; --i, value >>= 4) to[i] = kDigits[value & 15];
}

class RowWriter {
 public:
  explicit RowWriter(RowBuffer& out) : out_(out) {}

  template <class T>
  void must(std::string_view name, T& value) {
    if constexpr (std::is_same_v<T, JsonText>) {
      json(name, value.text);
    } else {
      key(name);
      write(value);
    }
  }
  template <class T>
  void may(std::string_view name, T& value) {
    if (!is_empty(value)) must(name, value);
  }
  template <class Row>
  void row(Row& row) {
    out_.append(std::string_view("{\"row\":\""));
    out_.append(word_of(Row::kKind));
    out_.append('"');
    fields(*this, row);
    out_.append('}');
  }

 private:
  void key(std::string_view name) {
    char* at = out_.room(name.size() + 4);
    char* const begin = at;
    if (!first_) *at++ = ',';
    first_ = false;
    *at++ = '"';
    std::memcpy(at, name.data(), name.size());
    at += name.size();
    *at++ = '"';
    *at++ = ':';
    out_.used(static_cast<std::size_t>(at - begin));
  }
  void json(std::string_view name, std::string_view value) {
    if (is_one_line(value)) {
      key(name);
      out_.append(value);
    } else {
      key(std::string(name) + "_text");
      write(FreeText{value});
    }
  }
  // Without escapes.
  void quoted(std::string_view text) {
    char* const at = out_.room(text.size() + 2);
    at[0] = '"';
    text.copy(at + 1, text.size());
    at[1 + text.size()] = '"';
    out_.used(text.size() + 2);
  }

  void write(bool value) {
    out_.append(value ? std::string_view("true") : std::string_view("false"));
  }
  template <class Number>
  requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>) void write(Number value) {
    char* const at = out_.room(24);
    out_.used(static_cast<std::size_t>(std::to_chars(at, at + 24, value).ptr - at));
  }
  void write(double value) {
    if (value == std::trunc(value) && std::abs(value) < 1e15) {
      return write(static_cast<std::int64_t>(value));
    }
    char* const at = out_.room(40);
    out_.used(static_cast<std::size_t>(fmt::format_to(at, "{}", value) - at));
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void write(Enum value) { quoted(word_of(value)); }
  void write(NameText value) { quoted(value.text); }
  void write(PartyText value) { quoted(value.text); }
  void write(KeyText value) { quoted(value.text); }
  void write(LabelKeyText value) { quoted(value.text); }
  void write(FreeText value) {
    if (is_plain(value.text)) return quoted(value.text);
    std::string escaped;
    append_json_string(escaped, value.text);
    out_.append(escaped);
  }
  void write(Hex64 value) {
    char digits[16];
    write_hex(digits, value.value);
    quoted({digits, sizeof digits});
  }
  void write(const Fingerprint& value) {
    char digits[64];
    for (std::size_t i = 0; i < 4; ++i) write_hex(digits + 16 * i, load_be64(value.data() + 8 * i));
    quoted({digits, sizeof digits});
  }
  void write(const TaskId& id) {
    if (!id.is_made()) return quoted(id.own_text());
    constexpr std::string_view kPrefix = "\"task_";
    char* const at = out_.room(kPrefix.size() + kUuidText + 1);
    std::memcpy(at, kPrefix.data(), kPrefix.size());
    write_uuid(at + kPrefix.size(), id.uuid());
    at[kPrefix.size() + kUuidText] = '"';
    out_.used(kPrefix.size() + kUuidText + 1);
  }
  template <class T>
  requires IsOptional<T>
  void write(T& value) { write(*value); }
  template <class T>
  requires IsList<T>
  void write(T& list) {
    out_.append('[');
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_.append(',');
      write(list[i]);
    }
    out_.append(']');
  }
  template <class Row>
  requires requires(Row& row, RowWriter& writer) { fields(writer, row); }
  void write(Row& row) {
    out_.append('{');
    first_ = true;
    fields(*this, row);
    first_ = false;
    out_.append('}');
  }

  RowBuffer& out_;
  bool first_ = false;
};

namespace ondemand = simdjson::ondemand;

// Moments of what has happened; the header's is the last one.
bool is_past(std::string_view name) noexcept {
  constexpr Words<15> kPast = {"submitted_at",  "since",        "first_ready", "claimed_at",
                               "started_at",    "acquired_at",  "created_at",  "updated_at",
                               "registered_at", "last_seen",    "last_probe",  "last_assigned",
                               "status_since",  "idle_since",   "time"};
  return std::find(kPast.begin(), kPast.end(), name) != kPast.end();
}
// Moments of what is to come: no wait or lease is longer than max_delay.
bool is_deadline(std::string_view name) noexcept {
  constexpr Words<6> kDeadlines = {"until",     "deadline",   "lease_until",
                                   "cancel_at", "expires_at", "excused_until"};
  return std::find(kDeadlines.begin(), kDeadlines.end(), name) != kDeadlines.end();
}

// What the envelope of a message adds to its body: a level, names and a signature.
constexpr std::size_t kEnvelopeDepth = 1;
constexpr std::size_t kEnvelopeBytes = 512, kEnvelopeNames = 6;

// How long a JSON value may be: limits are about what was given, in an envelope, encrypted, or both.
std::size_t longest_json(std::string_view name, const Limits& limits) noexcept {
  std::size_t given = std::max(limits.max_document_bytes, limits.max_log_entry_bytes);
  if (name == "payload") given = limits.max_payload_bytes;
  if (name == "result") given = limits.max_result_bytes;
  if (name == "checkpoint") given = limits.max_checkpoint_bytes;
  if (name == "usage") given = limits.max_usage_bytes;
  if (name == "metadata") given = limits.max_metadata_bytes;
  if (name == "metrics") given = limits.max_metrics_bytes;
  return 2 * (given + kEnvelopeBytes + kEnvelopeNames * limits.max_name_bytes) + 1'024;
}
// And a text: the library's own may have a given one inside.
std::size_t longest_text(const Limits& limits) noexcept {
  return 2 * std::max({limits.max_error_bytes, limits.max_note_bytes, limits.max_text_bytes,
                       limits.max_label_value_bytes, limits.max_name_bytes}) + 1'024;
}

}  // namespace

// Not without a name: RowParser has one.
namespace row_reading {

// Walks the members of one object in step with the description of its row.
class RowReader {
 public:
  // `now` is the header's; 0 = not known yet.
  RowReader(ondemand::object object, const Limits& limits, Timestamp now)
      : limits_(limits), now_(now) {
    if (object.begin().get(at_) || object.end().get(end_)) {
      fail("the row", "is no object");
    } else {
      next();
    }
  }

  template <class T>
  void must(std::string_view name, T& value) {
    if (failed_) return;
    if (!take(name, value)) fail(name, "is missing");
  }
  template <class T>
  void may(std::string_view name, T& value) {
    if (!failed_) take(name, value);
  }
  // True: `kind` was the first member.
  std::string_view take_kind() {
    if (failed_ || key_ != "row") return {};
    std::string_view kind;
    if (value_.get_string().get(kind)) return {};
    ++at_;
    next();
    return kind;
  }
  Result<void> finish() {
    if (!failed_ && there_) fail(std::string(key_), "is unknown, or not in its place");
    if (failed_) return Error::invalid_argument(std::move(*failed_));
    return {};
  }

 private:
  void fail(std::string_view name, std::string_view rule) {
    if (!failed_) failed_ = fmt::format("{} {}", is_name(name, 64) ? name : quote(name), rule);
  }
  // The member at hand; none behind the last one.
  void next() {
    there_ = false;
    if (at_ == end_) return;
    ondemand::field field;
    if ((*at_).get(field) || field.unescaped_key().get(key_))
      return fail("the row", "is broken JSON");
    value_ = field.value();
    there_ = true;
  }
  template <class T>
  bool take(std::string_view name, T& value) {
    if (!there_) return false;
    if constexpr (std::is_same_v<T, JsonText>) {
      if (key_.size() == name.size() + 5 && key_.starts_with(name) && key_.ends_with("_text")) {
        read_text(name, value.text);
        return check_value(name, value.text);
      }
    }
    if (key_ != name) return false;
    name_ = name;
    read(value_, value);
    if (!failed_) {
      ++at_;
      next();
    }
    return true;
  }
  void read_text(std::string_view name, std::string_view& text) {
    name_ = name;
    if (value_.get_string().get(text)) return fail(name, "is no text");
    ++at_;
    next();
  }
  bool check_value(std::string_view name, std::string_view text) {
    if (failed_) return true;
    if (text.empty()) fail(name, "is empty");
    if (text.size() > longest_json(name, limits_)) fail(name, "is longer than the limits allow");
    if (failed_) return true;
    const auto checked = check_json(name, text, std::string_view::npos, {},
                                    limits_.max_json_depth + kEnvelopeDepth);
    if (!checked && !failed_) failed_ = checked.error().message;
    return true;
  }

  void read(ondemand::value from, bool& value) {
    if (from.get_bool().get(value)) fail(name_, "is neither true nor false");
  }
  template <class Number>
  requires(std::is_unsigned_v<Number> &&
           !std::is_same_v<Number, bool>) void read(ondemand::value from, Number& value) {
    std::uint64_t number = 0;
    if (from.get_uint64().get(number) || number > std::numeric_limits<Number>::max()) {
      return fail(name_, fmt::format("is no whole number from 0 to {}",
                                     std::numeric_limits<Number>::max()));
    }
    value = static_cast<Number>(number);
  }
  // Moments and durations.
  void read(ondemand::value from, std::int64_t& value) {
    if (from.get_int64().get(value) || value < 0 || value > kLastMoment) {
      return fail(name_, fmt::format("is no whole number from 0 to {}", kLastMoment));
    }
    if (now_ == 0) return;
    if (value > now_ && is_past(name_)) fail(name_, "is later than the header's now");
    const auto max_us = std::chrono::microseconds(limits_.max_delay).count();
    if (value > now_ && (value - now_) / 2 > max_us && is_deadline(name_)) {
      fail(name_, "is further ahead than max_delay allows");
    }
  }
  void read(ondemand::value from, double& value) {
    if (from.get_double().get(value) || !std::isfinite(value)) fail(name_, "is no number");
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(ondemand::value from, Enum& value) {
    std::string_view word;
    if (from.get_string().get(word)) return fail(name_, "is no text");
    for (std::size_t i = 0; i < count_of<Enum>(); ++i) {
      value = static_cast<Enum>(i);
      if (word_of(value) == word) return;
    }
    fail(name_, fmt::format("is {}, which is not known", quote(word)));
  }
  void read(ondemand::value from, NameText& value) {
    if (from.get_string().get(value.text) || !is_name(value.text, limits_.max_name_bytes)) {
      fail(name_, "is no name (1 to max_name_bytes of A-Z a-z 0-9 . _ : / @ + -)");
    }
  }
  void read(ondemand::value from, LabelKeyText& value) {
    if (from.get_string().get(value.text) || !is_name(value.text, limits_.max_label_key_bytes)) {
      fail(name_, "is no name of 1 to max_label_key_bytes");
    }
  }
  void read(ondemand::value from, PartyText& value) {
    std::string_view text;
    if (from.get_string().get(text)) return fail(name_, "is no text");
    value.text = text;
    if (is_mailbox(text)) text.remove_prefix(kMailboxPrefix.size());
    if (!is_name(text, limits_.max_name_bytes)) fail(name_, "is no name, and no mailbox of one");
  }
  void read(ondemand::value from, KeyText& value) {
    const std::size_t max = limits_.max_name_bytes;
    if (from.get_string().get(value.text)) return fail(name_, "is no text");
    if (!is_name(value.text, max) && !is_message_key(value.text, max)) {
      fail(name_, "is no name, and no key of a message");
    }
  }
  void read(ondemand::value from, FreeText& value) {
    if (from.get_string().get(value.text)) return fail(name_, "is no text");
    if (value.text.find('\0') != value.text.npos) fail(name_, "has a NUL");
    if (value.text.size() > longest_text(limits_)) fail(name_, "is longer than the limits allow");
  }
  void read(ondemand::value from, JsonText& value) {
    if (!raw(from, value.text)) return fail(name_, "is no JSON value");
    check_value(name_, value.text);
  }
  static bool raw(ondemand::value from, std::string_view& text) {
    ondemand::json_type type;
    if (from.type().get(type)) return false;
    if (type == ondemand::json_type::object) {
      ondemand::object object;
      return !from.get_object().get(object) && !object.raw_json().get(text);
    }
    if (type == ondemand::json_type::array) {
      ondemand::array array;
      return !from.get_array().get(array) && !array.raw_json().get(text);
    }
    text = from.raw_json_token();
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    if (type != ondemand::json_type::string) return true;
    std::string_view unused;
    return !from.get_string().get(unused);
  }
  static bool parse_hex(std::string_view text, std::uint64_t& value) {
    for (const char c : text) {
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return text.size() == 16 &&
           std::from_chars(text.data(), text.data() + 16, value, 16).ec == std::errc();
  }
  void read(ondemand::value from, Hex64& value) {
    std::string_view text;
    if (from.get_string().get(text) || !parse_hex(text, value.value)) {
      fail(name_, "is not 16 hexadecimal digits");
    }
  }
  void read(ondemand::value from, Fingerprint& value) {
    std::string_view text;
    bool good = !from.get_string().get(text) && text.size() == 64;
    for (std::size_t i = 0; good && i < 4; ++i) {
      std::uint64_t part = 0;
      good = parse_hex(text.substr(16 * i, 16), part);
      store_be64(value.data() + 8 * i, part);
    }
    if (!good) fail(name_, "is not 64 hexadecimal digits");
  }
  void read(ondemand::value from, TaskId& value) {
    NameText text;
    read(from, text);
    if (!failed_) value = TaskId(text.text);
  }
  template <class T>
  requires IsOptional<T>
  void read(ondemand::value from, T& value) { read(from, value.emplace()); }
  template <class T>
  requires IsList<T>
  void read(ondemand::value from, T& list) {
    ondemand::array array;
    if (from.get_array().get(array)) return fail(name_, "is no list");
    const std::string_view name = name_;
    for (auto item : array) {
      ondemand::value value;
      if (item.get(value)) return fail(name, "is broken JSON");
      name_ = name;
      read(value, list.emplace_back());
      if (failed_) return;
    }
  }
  template <class Row>
  requires requires(Row& row, RowReader& reader) { fields(reader, row); }
  void read(ondemand::value from, Row& row) {
    ondemand::object object;
    if (from.get_object().get(object)) return fail(name_, "is no object");
    const std::string_view name = name_;
    RowReader inner(object, limits_, now_);
    fields(inner, row);
    const auto done = inner.finish();
    if (!done) failed_ = fmt::format("{}: {}", name, done.error().message);
  }

  const Limits& limits_;
  const Timestamp now_;
  ondemand::object_iterator at_, end_;
  std::string_view key_;
  ondemand::value value_;
  std::string_view name_;
  bool there_ = false;
  std::optional<std::string> failed_;
};

}  // namespace row_reading

std::string_view to_string(RowKind kind) noexcept { return word_of(kind); }

template <class Row>
void append_row(RowBuffer& out, Row& row) {
  RowWriter(out).row(row);
}

struct RowParser::Impl {
  explicit Impl(const Limits& l) : limits(l) {}
  const Limits& limits;
  Timestamp now = 0;
  ondemand::parser parser;
  ondemand::document document;
  std::optional<row_reading::RowReader> reader;
};

RowParser::RowParser(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RowParser::~RowParser() = default;
void RowParser::set_now(Timestamp now) noexcept { impl_->now = now; }

Result<RowKind> RowParser::begin(std::string_view line) {
  Impl& self = *impl_;
  self.reader.reset();
  const auto error =
      self.parser.iterate(line.data(), line.size(), line.size() + kPadding).get(self.document);
  ondemand::object object;
  if (error || self.document.get_object().get(object)) {
    return Error::invalid_argument("the row is no JSON object");
  }
  const std::string_view word = self.reader.emplace(object, self.limits, self.now).take_kind();
  for (std::size_t i = 0; i < kRowKinds; ++i) {
    if (Wording<RowKind>::words[i] == word) return static_cast<RowKind>(i);
  }
  return Error::invalid_argument("row is missing, or of a kind that is not known");
}

template <class Row>
Result<void> RowParser::read(Row& row) {
  fields(*impl_->reader, row);
  auto done = impl_->reader->finish();
  if (done && impl_->document.current_location().error() == simdjson::SUCCESS) {
    return Error::invalid_argument("the row is followed by something else");
  }
  return done;
}

#define CONTROLPLANE_ROW(Row)                                \
  template void append_row<Row>(RowBuffer & out, Row & row); \
  template Result<void> RowParser::read<Row>(Row & row)
CONTROLPLANE_ROW(HeaderRow);
CONTROLPLANE_ROW(TotalsRow);
CONTROLPLANE_ROW(PoolRow);
CONTROLPLANE_ROW(PermitRow);
CONTROLPLANE_ROW(WaiterRow);
CONTROLPLANE_ROW(CalledRow);
CONTROLPLANE_ROW(AgentRow);
CONTROLPLANE_ROW(DocumentRow);
CONTROLPLANE_ROW(KeyRow);
CONTROLPLANE_ROW(TaskRow);
CONTROLPLANE_ROW(LogRow);
CONTROLPLANE_ROW(EntryRow);
CONTROLPLANE_ROW(EventRow);
CONTROLPLANE_ROW(TrailerRow);
#undef CONTROLPLANE_ROW

}  // namespace controlplane
