// Values in the store as [n,"kind id field",value]: no two are the same, as if they were encrypted,
// and one that is decoded at another place than it was encoded for is found out. Unlike encryption it
// is the same in every run of a seed.
// Thread safety: none; simulations have one thread.
#pragma once

#include <cstdint>
#include <string>

#include "coordinator/payload_codec.hpp"

namespace controlplane::simulation {

class SimCodec final : public PayloadCodec {
 public:
  Json encode(const ValuePlace& place, const Json& plain) const override {
    if (plain.empty()) return plain;
    return "[" + std::to_string(++encoded_) + text_of(place) + plain.str() + "]";
  }
  Result<Json> decode(const ValuePlace& place, const Json& stored) const override {
    if (stored.empty()) return stored;
    const std::string_view text = stored.text();
    const std::string wanted = text_of(place);
    const std::size_t begin = text.find(',');
    if (text.substr(begin, wanted.size()) != wanted) {
      return Error::data_loss("not encoded for" + wanted + " " + stored.str());
    }
    const std::size_t value = begin + wanted.size();
    return Json(text.substr(value, text.size() - value - 1));
  }

 private:
  static std::string text_of(const ValuePlace& place) {
    std::string text(",\"");
    text.append(place.kind).append(" ").append(place.id).append(" ").append(place.field);
    return text + "\",";
  }
  mutable std::uint64_t encoded_ = 0;
};

}  // namespace controlplane::simulation
