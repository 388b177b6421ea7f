// How values look in the store: a port that the coordinator asks whenever one goes in or comes out.
// Thread safety: from any thread at once.
// Lifetime: shared by the coordinator and by answers that come after it closed.
// Errors: of decode(): failed_precondition if somebody else may be able to, data_loss if nobody can;
// they name what it is a value of.
#pragma once

#include <cstdint>
#include <string_view>

#include "controlplane/json.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

// What a value belongs to: it is decoded for nothing else.
struct ValuePlace {
  std::string_view kind;   // "task", "document"
  std::string_view id;     // of the task for which it was given, or the key of the document
  std::string_view field;  // "payload", "result", "checkpoint", "value"
};

class PayloadCodec {
 public:
  virtual ~PayloadCodec() = default;
  // An empty value stays empty, both ways.
  virtual Json encode(const ValuePlace& place, const Json& plain) const = 0;
  virtual Result<Json> decode(const ValuePlace& place, const Json& stored) const = 0;
};

}  // namespace controlplane
