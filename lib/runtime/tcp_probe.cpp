#include <memory>
#include <utility>

#include "runtime/dialer.hpp"
#include "runtime/probe.hpp"

namespace controlplane {
namespace {

class TcpProbe final : public Dialer {
 public:
  using Dialer::Dialer;

 private:
  void connected() override { finish(true, ""); }
};

}  // namespace

bool start_tcp_probe(Loop& loop, CallbackPool& resolver, const HostPort& address,
                     std::chrono::milliseconds timeout, ProbeDone done) {
  return loop.post([handle = loop.handle(), &clock = loop.clock(), &resolver, to = address, timeout,
                    done = std::move(done)]() mutable {
    auto* io = LoopIo::context(handle);
    if (io == nullptr) return;
    std::make_shared<TcpProbe>(handle, *io, std::move(to), timeout, std::move(done))
        ->dial(clock, resolver);
  });
}

}  // namespace controlplane
