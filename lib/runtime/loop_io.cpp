#include "runtime/loop_io.hpp"

#include "runtime/loop_core.hpp"

namespace controlplane {

boost::asio::io_context* LoopIo::context(const Loop::Handle& loop) {
  const auto io = loop.core_->open_io();
  return io == nullptr ? nullptr : &io->context;
}

}  // namespace controlplane
