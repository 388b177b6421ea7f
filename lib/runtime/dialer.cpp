#include "runtime/dialer.hpp"

#include <boost/asio/ip/address.hpp>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>
#include <utility>

#include "base/deadline.hpp"
#include "base/wording.hpp"

namespace controlplane {
namespace {

namespace asio = boost::asio;
using SystemError = boost::system::error_code;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

}  // namespace

Dialer::Dialer(Loop::Handle loop, asio::io_context& io, HostPort address,
               std::chrono::milliseconds timeout, ProbeDone done)
    : loop_(std::move(loop)),
      address_(std::move(address)),
      timeout_(timeout),
      socket_(io),
      done_(std::move(done)) {}

void Dialer::dial(const Clock& clock, CallbackPool& resolver) {
  const std::int64_t when = deadline_after(clock.steady_us(), timeout_);
  deadline_ = loop_.schedule(when, [self = shared_from_this()] { self->timed_out(); });
  SystemError not_numeric;
  const auto ip = asio::ip::make_address(address_.host, not_numeric);
  if (not_numeric) return resolve_on(resolver);
  resolved({{Tcp::endpoint(ip, address_.port)}, ""});
}

void Dialer::resolve_on(CallbackPool& resolver) {
  begun_ = std::make_shared<std::atomic<bool>>(false);
  const auto work = [weak = weak_from_this(), loop = loop_, address = address_, begun = begun_] {
    begun->store(true);
    loop.post([weak, result = resolve(address)]() mutable {
      if (const auto self = weak.lock()) self->resolved(std::move(result));
    });
  };
  if (resolver.submit(work)) return;
  conclude(ProbeOutcome::not_asked, "the callback pool is full (max_queued_callbacks)");
}

// Blocks, on the pool's thread.
Dialer::Resolved Dialer::resolve(const HostPort& address) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int failure = getaddrinfo(address.host.c_str(), nullptr, &wanted, &list);
  if (failure != 0) return {{}, gai_strerror(failure)};
  const std::unique_ptr<addrinfo, FreeAddresses> owned(list);
  Resolved result;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    Tcp::endpoint endpoint;
    if (at->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
    endpoint.resize(at->ai_addrlen);
    endpoint.port(address.port);
    result.endpoints.push_back(endpoint);
  }
  if (result.endpoints.empty()) result.error = "the name has no address";
  return result;
}

void Dialer::resolved(Resolved result) {
  if (finished()) return;
  if (result.endpoints.empty()) {
    return finish(false, "resolving " + quote(address_.host) + ": " + result.error);
  }
  endpoints_ = std::move(result.endpoints);
  step_ = "connecting";
  connect_to(0);
}

void Dialer::connect_to(std::size_t index) {
  SystemError ignored;
  socket_.close(ignored);
  const auto done = [self = shared_from_this(), index](const SystemError& error) {
    if (self->finished()) return;
    if (!error) return self->connected();
    if (index + 1 < self->endpoints_.size()) return self->connect_to(index + 1);
    self->finish(false, "connecting to " + self->address_.to_string() + ": " + error.message());
  };
  socket_.async_connect(endpoints_[index], done);
}

void Dialer::timed_out() {
  const bool queued = begun_ != nullptr && !begun_->load();
  const std::string_view step = queued ? "waiting for a thread of the callback pool" : step_;
  conclude(queued ? ProbeOutcome::not_asked : ProbeOutcome::failed,
           "timed out after " + seconds(timeout_) + " while " + std::string(step));
}

void Dialer::conclude(ProbeOutcome outcome, std::string error) {
  if (finished()) return;
  loop_.cancel(deadline_);
  SystemError ignored;
  socket_.close(ignored);
  ProbeDone done = std::exchange(done_, nullptr);
  done(outcome, std::move(error));
}

}  // namespace controlplane
