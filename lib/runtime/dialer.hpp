// What both probes begin with: resolve a name, connect to the first address that accepts, all of it
// within one deadline that also covers what the probe does next.
// Thread safety: belongs to the loop; only the resolver's part runs on the pool.
// Lifetime: shared. It is owned by its deadline's timer and by handlers of the loop alone, so that
// no socket outlives the loop; the pool has a weak pointer.
// Errors: finish() is called once, with a text that names the step.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/loop_io.hpp"
#include "runtime/probe.hpp"

namespace controlplane {

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  using Tcp = boost::asio::ip::tcp;

  Dialer(Loop::Handle loop, boost::asio::io_context& io, HostPort address,
         std::chrono::milliseconds timeout, ProbeDone done);
  virtual ~Dialer() = default;
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Once, on the loop, when it is shared.
  void dial(const Clock& clock, CallbackPool& resolver);

 protected:
  virtual void connected() = 0;
  void finish(bool good, std::string error) {  // the first one counts
    conclude(good ? ProbeOutcome::good : ProbeOutcome::failed, std::move(error));
  }
  bool finished() const noexcept { return !done_; }
  Tcp::socket& socket() noexcept { return socket_; }
  const HostPort& address() const noexcept { return address_; }
  void set_step(std::string_view step) noexcept { step_ = step; }

 private:
  struct Resolved {
    std::vector<Tcp::endpoint> endpoints;
    std::string error;
  };
  static Resolved resolve(const HostPort& address);
  void resolve_on(CallbackPool& resolver);
  void resolved(Resolved result);
  void connect_to(std::size_t index);
  void timed_out();
  void conclude(ProbeOutcome outcome, std::string error);

  const Loop::Handle loop_;
  const HostPort address_;
  const std::chrono::milliseconds timeout_;
  Tcp::socket socket_;
  ProbeDone done_;
  TimerId deadline_ = 0;
  std::vector<Tcp::endpoint> endpoints_;
  std::string_view step_ = "resolving";
  std::shared_ptr<std::atomic<bool>> begun_;  // has the pool begun to resolve? null: it need not
};

}  // namespace controlplane
