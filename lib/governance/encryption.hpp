// Encryption at rest: how values are sealed for the store.
//
// A sealed value is JSON, so that what holds no key still sees JSON:
//   {"$sealed":{"v":1,"key":"<key id>","data":"<base64 of nonce, ciphertext and tag>"}}
// AES-256-GCM; each record (tenant, kind, id) has a key of its own, derived from the secret by HKDF.
// Bound to tenant, kind, id, field and key id: moved to any other place it does not open.
//
// Thread safety: from any thread; a reload of the keys counts from the next value on.
// Errors: failed_precondition: a key that is unknown or retired here, or a value in the clear that
// must not be; data_loss: it was damaged, or sealed for another place.
#pragma once

#include <memory>
#include <string>

#include "controlplane/key_ring.hpp"
#include "coordinator/payload_codec.hpp"

namespace controlplane {

// Precondition: the ring has keys.
std::shared_ptr<const PayloadCodec> make_sealing_codec(KeyRing keys, std::string tenant,
                                                       bool require_sealed);

}  // namespace controlplane
