// A serial queue on a callback pool: at most one of its callbacks runs at a time, in the order of
// submission. Strands take turns, one callback each, so that a busy one does not starve others.
// Thread safety: every method may be called from any thread.
// Lifetime: made by CallbackPool::make_strand; may outlive the pool, and then refuses. close() runs
// in the destructor.
// Errors: a callback that throws is reported to the pool's hook; the next one runs.
#pragma once

#include <memory>

#include "runtime/work.hpp"

namespace controlplane {

struct StrandCore;  // lib/runtime/pool_core.hpp

class Strand {
 public:
  explicit Strand(std::shared_ptr<StrandCore> core);
  ~Strand();
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  // False: closed, pool stopped, or its max_queued met; `callback` was destroyed.
  bool submit(Work callback);

  // No further callback begins; those that wait are destroyed. One may still be running.
  void close();

  // And the running one has returned and is destroyed: true. False if one is still running, because
  // waiting for it would be for ever: it is the callback that calls; it waits (through any chain of
  // strands) for the callback that calls; or the pool abandoned it. Blocks: not for the loop.
  bool close_and_wait();

 private:
  std::shared_ptr<StrandCore> core_;
};

}  // namespace controlplane
