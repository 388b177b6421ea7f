// Callers that wait for a permit. The store keeps who waits, in its order; here is only who has to
// be woken. Whatever ends a wait (the store's word, the deadline, closing) ends it the same way:
// the acquire is withdrawn, and that says whether it was granted meanwhile. So no permit is granted
// that nobody hears of.
// Thread safety: every method may be called from any thread.
// Lifetime: the calls outlive it. close() before destruction.
// Errors: given to the waiters: deadline_exceeded, what the store refuses, cancelled by close().
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "controlplane/agent_registry.hpp"
#include "controlplane/permit.hpp"
#include "coordinator/permit_calls.hpp"
#include "coordinator/store_calls.hpp"
#include "runtime/parker.hpp"

namespace controlplane {

struct PermitWait {
  AcquireRequest request;        // named
  std::int64_t deadline_us = 0;  // steady
  bool blocking = false;         // its thread waits on the parker
  Parker parker;
  Done<Permit> done;             // otherwise
  TimerId timer = 0;             // its deadline; guarded by the lock of the waits
  // Guarded by the lock of the waits; once it is over, they are the one's who ends it.
  std::optional<Error> refused;
  bool over = false;
  bool answered = false;         // the store has said whether it waits
  bool left_to_answer = false;   // it was ended before that: the answer withdraws it
};

class PermitWaits {
 public:
  explicit PermitWaits(StoreCalls& calls) : calls_(calls) {}
  PermitWaits(const PermitWaits&) = delete;
  PermitWaits& operator=(const PermitWaits&) = delete;

  // For valid requests.
  Result<Permit> acquire(const AcquireRequest& request, bool is_lease);
  void acquire(AcquireRequest request, bool is_lease, Done<Permit> done);
  // Ends a wait early with cancelled; false: nobody of this coordinator waits under that name.
  bool cancel(std::string_view operation_id);

  void on_granted(const std::string& operation_id);               // from the store
  void on_refused(const std::string& operation_id, Error error);  // from the store
  std::size_t waiting() const;
  void close();  // ends all with cancelled; idempotent

 private:
  using Wait = std::shared_ptr<PermitWait>;

  Wait make(AcquireRequest request) const;
  AcquireCall call_of(const PermitWait& wait, bool is_lease) const;
  std::optional<Error> add(const Wait& wait);
  bool answered(const Wait& wait, const Result<std::optional<Permit>>& got);
  // Null: it is over.
  Wait take(const std::string& operation_id, std::optional<Error> why = std::nullopt);
  void end(const std::string& operation_id, std::optional<Error> why);
  void hand_over(const Wait& wait);
  void withdraw(const Wait& wait);
  Result<Permit> outcome(const PermitWait& wait, Result<std::optional<Permit>> withdrawn);
  void give_back(Permit permit);

  StoreCalls& calls_;
  mutable std::mutex mutex_;  // guards all below
  bool closed_ = false;
  std::unordered_map<std::string, Wait> waits_;  // by operation id
};

}  // namespace controlplane
