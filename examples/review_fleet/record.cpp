#include "record.hpp"

#include <algorithm>
#include <cstdlib>

#include "text.hpp"

namespace review {
namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t size = utf8_length(text);
    const char c = text.front();
    if (size == 0) {
      out += '?';
    } else if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += ' ';
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

void append_code_point(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool take(char wanted) {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string::npos) {
      rest_.remove_prefix(1);
    }
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string quoted() {  // after its first quote
    std::string out;
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = next();
      if (c == '\\') {
        escape(out);
      } else {
        out += c;
      }
    }
    take('"');
    return out;
  }
  std::string bare() {  // a number, true, false or null
    const std::size_t size = std::min(rest_.find_first_of(",}"), rest_.size());
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }

 private:
  char next() {
    const char c = rest_.empty() ? '"' : rest_.front();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }
  void escape(std::string& out) {
    const char c = next();
    if (c == 'u') {
      const std::string digits(rest_.substr(0, 4));
      append_code_point(out, static_cast<unsigned>(std::strtoul(digits.c_str(), nullptr, 16)));
      rest_.remove_prefix(digits.size());
    } else {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
  }
  std::string_view rest_;
};

}  // namespace

Record& Record::set(const std::string& key, std::string_view text) {
  members_[key] = {std::string(text), true};
  return *this;
}

Record& Record::set(const std::string& key, std::uint64_t number) {
  members_[key] = {std::to_string(number), false};
  return *this;
}

void Record::merge(const Record& other) {
  for (const auto& [key, member] : other.members_) members_[key] = member;
}

std::string Record::text(const std::string& key) const {
  const auto found = members_.find(key);
  return found == members_.end() ? std::string() : found->second.text;
}

std::uint64_t Record::number(const std::string& key) const {
  return std::strtoull(text(key).c_str(), nullptr, 10);
}

controlplane::Json Record::json() const {
  std::string out = "{";
  for (const auto& [key, member] : members_) {
    if (out.size() > 1) out += ',';
    append_quoted(out, key);
    out += ':';
    if (member.quoted) {
      append_quoted(out, member.text);
    } else {
      out += member.text;
    }
  }
  return out + "}";
}

Record Record::parse(std::string_view json) {
  Record record;
  Reader reader(json);
  if (!reader.take('{')) return record;
  while (reader.take('"')) {
    const std::string key = reader.quoted();
    if (!reader.take(':')) break;
    const bool quoted = reader.take('"');
    record.members_[key] = {quoted ? reader.quoted() : reader.bare(), quoted};
    if (!reader.take(',')) break;
  }
  return record;
}

}  // namespace review
