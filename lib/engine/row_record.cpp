#include "engine/row_record.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "base/bytes.hpp"
#include "engine/row_archive.hpp"

namespace controlplane {
namespace {

// Which of the fields that may be there, are.
class Mask {
 public:
  template <class T>
  void must(std::string_view, T&) {}
  template <class T>
  void may(std::string_view, T& value) {
    if (!is_empty(value)) bits |= std::uint64_t{1} << next;
    ++next;
  }
  std::uint64_t bits = 0;
  unsigned next = 0;
};

class RecordWriter {
 public:
  explicit RecordWriter(RowBuffer& out) : out_(out) {}

  template <class T>
  void must(std::string_view, T& value) {
    write(value);
  }
  template <class T>
  void may(std::string_view, T& value) {
    if (!is_empty(value)) write(value);
  }
  template <class Row>
  void row(Row& row) {
    Mask mask;
    fields(mask, row);
    number(mask.bits);
    fields(*this, row);
  }

 private:
  void number(std::uint64_t value) {
    char* const at = out_.room(10);
    std::size_t used = 0;
    for (; value >= 0x80; value >>= 7) at[used++] = static_cast<char>(value | 0x80);
    at[used++] = static_cast<char>(value);
    out_.used(used);
  }
  void text(std::string_view text) {
    number(text.size());
    out_.append(text);
  }
  void fixed(std::uint64_t value) {
    char* const at = out_.room(8);
    for (int i = 0; i < 8; ++i) at[i] = static_cast<char>(value >> (8 * i));
    out_.used(8);
  }

  template <class Number>
  requires std::is_unsigned_v<Number>
  void write(Number value) { number(value); }
  void write(std::int64_t value) {
    number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }
  void write(double value) { fixed(std::bit_cast<std::uint64_t>(value)); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void write(Enum value) { number(static_cast<std::uint64_t>(value)); }
  template <class Text>
  requires IsText<Text>
  void write(const Text& value) { text(value.text); }
  void write(Hex64 value) { fixed(value.value); }
  void write(const Fingerprint& value) {
    out_.append({reinterpret_cast<const char*>(value.data()), value.size()});
  }
  void write(const TaskId& id) {
    if (!id.is_made()) {
      number(id.own_text().size() + 1);
      return out_.append(id.own_text());
    }
    number(0);
    out_.append({reinterpret_cast<const char*>(id.uuid().data()), id.uuid().size()});
  }
  template <class T>
  requires IsOptional<T>
  void write(T& value) { write(*value); }
  template <class T>
  requires IsList<T>
  void write(T& list) {
    number(list.size());
    for (auto& item : list) write(item);
  }
  template <class Row>
  requires requires(Row& row, Mask& mask) { fields(mask, row); }
  void write(Row& nested) { row(nested); }

  RowBuffer& out_;
};

class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void must(std::string_view name, T& value) {
    name_ = name;
    read(value);
  }
  template <class T>
  void may(std::string_view name, T& value) {
    const bool is_there = mask_ & 1;
    mask_ >>= 1;
    if (is_there) must(name, value);
  }
  template <class Row>
  void row(Row& row) {
    const std::uint64_t outer = mask_;
    mask_ = number();
    fields(*this, row);
    if (mask_ != 0) good_ = false;
    mask_ = outer;
  }
  Result<void> finish() const {
    if (good_ && bytes_.empty()) return {};
    return Error::invalid_argument("the record is broken at " + std::string(name_));
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) {
      good_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::string_view byte = take(1);
      if (byte.empty()) return 0;
      const auto bits = static_cast<unsigned char>(byte[0]);
      value |= std::uint64_t{bits & 0x7fU} << shift;
      if (bits < 0x80) return value;
    }
    good_ = false;
    return 0;
  }
  std::uint64_t fixed() {
    std::uint64_t value = 0;
    const std::string_view bytes = take(8);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return value;
  }

  template <class Number>
  requires std::is_unsigned_v<Number>
  void read(Number& value) {
    const std::uint64_t read = number();
    value = static_cast<Number>(read);
    good_ &= value == read;
  }
  void read(std::int64_t& value) {
    const std::uint64_t read = number();
    value = static_cast<std::int64_t>(read >> 1 ^ (0 - (read & 1)));
  }
  void read(double& value) {
    value = std::bit_cast<double>(fixed());
    good_ &= std::isfinite(value);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(Enum& value) {
    const std::uint64_t read = number();
    good_ &= read < count_of<Enum>();
    value = good_ ? static_cast<Enum>(read) : Enum{};
  }
  template <class Text>
  requires IsText<Text>
  void read(Text& value) { value.text = take(number()); }
  void read(Hex64& value) { value.value = fixed(); }
  void read(Fingerprint& value) {
    const std::string_view bytes = take(value.size());
    std::copy(bytes.begin(), bytes.end(), value.begin());
  }
  void read(TaskId& value) {
    const std::uint64_t size = number();
    if (size > 0) {
      value = TaskId(take(size - 1));
      return;
    }
    TaskId::Uuid uuid{};
    const std::string_view bytes = take(uuid.size());
    std::copy(bytes.begin(), bytes.end(), uuid.begin());
    value = TaskId(uuid);
  }
  template <class T>
  requires IsOptional<T>
  void read(T& value) { read(value.emplace()); }
  template <class T>
  requires IsList<T>
  void read(T& list) {
    const std::uint64_t size = number();
    if (size > bytes_.size()) {  // an item has at least a byte
      good_ = false;
      return;
    }
    list.resize(size);
    for (auto& item : list) read(item);
  }
  template <class Row>
  requires requires(Row& row, Mask& mask) { fields(mask, row); }
  void read(Row& nested) { row(nested); }

  std::string_view bytes_;
  std::string_view name_ = "its mask";
  std::uint64_t mask_ = 0;
  bool good_ = true;
};

}  // namespace

template <class Row>
void append_record(RowBuffer& out, Row& row) {
  RecordWriter(out).row(row);
}

template <class Row>
Result<void> read_record(std::string_view bytes, Row& row) {
  RecordReader reader(bytes);
  reader.row(row);
  return reader.finish();
}

void close_frame(RowBuffer& out, std::size_t begin, RowKind kind) noexcept {
  const std::size_t size = out.size() - begin - kFrameBytes;
  char* const head = out.data() + begin;
  head[0] = static_cast<char>(kind);
  for (std::size_t i = 1; i < kFrameBytes; ++i) head[i] = static_cast<char>(size >> (8 * (i - 1)));
}

Frame take_frame(std::string_view& frames) noexcept {
  std::size_t size = 0;
  for (std::size_t i = 1; i < kFrameBytes; ++i) {
    size |= std::size_t{static_cast<unsigned char>(frames[i])} << (8 * (i - 1));
  }
  const Frame frame{static_cast<RowKind>(frames[0]), frames.substr(kFrameBytes, size)};
  frames.remove_prefix(kFrameBytes + size);
  return frame;
}

#define CONTROLPLANE_RECORD(Row)                                \
  template void append_record<Row>(RowBuffer & out, Row & row); \
  template Result<void> read_record<Row>(std::string_view bytes, Row & row)
CONTROLPLANE_RECORD(HeaderRow);
CONTROLPLANE_RECORD(TotalsRow);
CONTROLPLANE_RECORD(PoolRow);
CONTROLPLANE_RECORD(PermitRow);
CONTROLPLANE_RECORD(WaiterRow);
CONTROLPLANE_RECORD(CalledRow);
CONTROLPLANE_RECORD(AgentRow);
CONTROLPLANE_RECORD(DocumentRow);
CONTROLPLANE_RECORD(KeyRow);
CONTROLPLANE_RECORD(TaskRow);
CONTROLPLANE_RECORD(LogRow);
CONTROLPLANE_RECORD(EntryRow);
CONTROLPLANE_RECORD(EventRow);
CONTROLPLANE_RECORD(TrailerRow);
#undef CONTROLPLANE_RECORD

}  // namespace controlplane
