// The sockets' side of a loop, for the files of this room that own sockets.
// Thread safety: call it, and use what it answers, on the loop only.
// Lifetime: the context lives until stop(), which destroys its handlers without calling them. What
// owns a socket must be owned by handlers and timers of the loop alone, so that it is gone by then.
// Errors: null after stop().
#pragma once

#include <boost/asio/io_context.hpp>

#include "runtime/loop.hpp"

namespace controlplane {

class LoopIo {
 public:
  static boost::asio::io_context* context(const Loop::Handle& loop);
};

}  // namespace controlplane
