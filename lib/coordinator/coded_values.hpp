// The values of an operation, encoded on their way in and decoded on their way out.
// Thread safety: none; one belongs to one operation.
// Errors: an answer that cannot be decoded.
#pragma once

#include <optional>
#include <vector>

#include "coordinator/payload_codec.hpp"
#include "engine/operations.hpp"

namespace controlplane {

// True: it has values that go in or come out. All others go their way untouched.
bool carries_values(const Operation& op) noexcept;
bool gives_values(const Operation& op) noexcept;  // values go in

// Lends an operation the encoded form of its values. Whoever repeats an operation, and whoever gets
// it back unapplied, finds the plain ones.
class LentValues {
 public:
  void lend(const PayloadCodec& codec, Operation& op);
  void take_back(Operation& op);

 private:
  std::vector<Json> plain_;  // of each item
  const Progress* progress_ = nullptr;
  std::optional<Progress> encoded_progress_;
  const Json* value_ = nullptr;
  Json encoded_value_;
};

// Payload and checkpoint. An error: one of them is not readable.
Result<void> decode(const PayloadCodec& codec, ClaimedTask& task);

// What reads: a single task or document that cannot be decoded fails the operation; in a page it
// says so (`unreadable`), and the others are there.
void decode_answer(const PayloadCodec& codec, Operation& op);

}  // namespace controlplane
