// Steps of the library whose answer nobody waits for and that must not be repeated: giving back
// what an answer brought after its caller had left, ending a watch. They may outlive the
// coordinator.
// Thread safety: from any thread.
// Lifetime: `store` is just calling or kept by the caller; an operation that it starts owns
// itself.
// Errors: ignored: the step only tidies up early what timers tidy up later.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/validation.hpp"
#include "store/store.hpp"

namespace controlplane {

template <class Request>
class Orphan final : public OperationDone {
 public:
  static void run(TenantStore& store, Request request) {
    if (store.apply(request.bind())) return;
    auto* orphan = new Orphan(std::move(request));
    store.start(orphan->request_.bind(), *orphan);  // done() deletes it
  }

 private:
  explicit Orphan(Request request) : request_(std::move(request)) {}
  void done(Operation&) override { delete this; }
  Request request_;
};

struct WatchChange {
  int claims = 0;
  Watch op;
  Operation& bind() {
    op.claims = claims;
    return op;
  }
};

struct ReleaseOne {
  AttemptRef attempt;
  AttemptEnd item;
  EndAttempts op{EndKind::release};
  Operation& bind() {
    item.attempt = &attempt;
    item.digest = release_digest();
    op.items = {&item, 1};
    return op;
  }
};

struct FailAll {
  std::vector<Failure> failures;
  std::uint64_t random = 0;
  std::vector<AttemptEnd> items;
  EndAttempts op{EndKind::fail};
  Operation& bind() {
    items.assign(failures.size(), {});
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Failure& failure = failures[i];
      items[i].attempt = &failure.attempt;
      items[i].error = failure.error;
      items[i].fail_kind = failure.kind;
      items[i].digest = digest_of(failure);
    }
    op.failed.reset();
    op.random = random;
    op.items = items;
    return op;
  }
};

inline void give_back(TenantStore& store, const std::string& agent,
                      const std::vector<ClaimedTask>& tasks) {
  for (const ClaimedTask& task : tasks) {
    Orphan<ReleaseOne>::run(store, {{task.id, task.lease, agent}, {}});
  }
}

}  // namespace controlplane
