// A flat JSON object of texts and numbers: the payloads and results of this fleet, and the data of
// the library's events.
// Thread safety: a plain value.
// Errors: none. A member that is not there reads as "" and 0; bytes that are not UTF-8 are written
// as
// '?', as JSON cannot carry them.
#pragma once

#include <controlplane/json.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace review {

class Record {
 public:
  Record& set(const std::string& key, std::string_view text);
  Record& set(const std::string& key, std::uint64_t number);
  void merge(const Record& other);  // the other's members win

  bool has(const std::string& key) const { return members_.contains(key); }
  std::string text(const std::string& key) const;
  std::uint64_t number(const std::string& key) const;

  controlplane::Json json() const;
  static Record parse(std::string_view json);  // reads as far as it is such an object

 private:
  struct Member {
    std::string text;
    bool quoted;
  };
  std::map<std::string, Member> members_;
};

}  // namespace review
