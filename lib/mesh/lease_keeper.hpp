// Keeps one lease: renews it on the coordinator's loop and says when it is lost.
// Thread safety: every method may be called from any thread.
// Lifetime: shared by its handle; timers and answers on their way hold it weakly.
// Errors: returned, or told to on_lost.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "controlplane/lease.hpp"
#include "coordinator/coordinator_core.hpp"
#include "runtime/strand.hpp"

namespace controlplane {

class NamedLease::Keeper : public std::enable_shared_from_this<NamedLease::Keeper> {
 public:
  Keeper(std::shared_ptr<CoordinatorCore> core, std::string name, LeaseOptions options,
         Permit permit);

  void begin();  // to renew
  bool held() const noexcept;
  std::uint64_t fence() const noexcept { return permit_.fence; }
  const std::string& name() const noexcept { return name_; }
  Result<void> renew();
  Result<void> release();
  void abandon();  // releases without waiting

 private:
  enum class State : std::uint8_t { held, lost, released };

  std::int64_t local_end(Timestamp expires_at) const;  // steady
  bool leave(State to);                                // false: it was not held
  bool may_renew(std::int64_t now_us) const;
  bool begin_renewal(std::int64_t now_us);
  Error lost_before() const;
  void schedule();
  void tick();
  void renewed(const Result<Timestamp>& answer);
  void lose(Error why);

  const std::shared_ptr<CoordinatorCore> core_;
  const std::string name_;
  const LeaseOptions options_;
  const Permit permit_;
  const std::int64_t hold_until_us_;  // steady; kNoDeadline
  const std::shared_ptr<Strand> strand_;
  std::atomic<State> state_{State::held};
  std::atomic<std::int64_t> ends_us_;  // steady: from then on somebody else may hold it

  std::mutex mutex_;
  TimerId timer_ = 0;  // guarded
  bool renewing_ = false;  // guarded: a renewal is on its way
  std::optional<Error> last_error_;  // guarded: of a renewal that was not answered well
};

}  // namespace controlplane
