// A tenant's store as a coordinator with a codec sees it: everything the coordinator does goes
// through here, so that no other place needs to know how values look in the store. Without a codec
// there is no such thing, and nothing is asked.
//
// A claimed task that cannot be decoded is not handed out: its attempt fails at once, naming the
// value and why, and the claim goes on to the next task. So it is neither lost nor in the way:
//  - Another process may be able to (a key that is not known here): the failure is retryable. Its
//    backoff leaves the task to the others, the agent's circuit opens after a few of them, and when
//    all are as helpless it ends as a dead letter, which can be replayed when the key is back.
//  - Nobody can (damaged, or swapped): the failure is fatal.
// A claim that meets kMaxUnreadable times nothing else is answered with the reason.
//
// Thread safety: every method may be called from any thread.
// Lifetime: shared; an answer on its way keeps it.
// Errors: those of the store and of the codec, in the operation.
#pragma once

#include <memory>
#include <utility>

#include "coordinator/coded_values.hpp"
#include "coordinator/payload_codec.hpp"
#include "store/store.hpp"

namespace controlplane {

inline constexpr int kMaxUnreadable = 16;  // claims in a row that brought nothing else

class CodedTenant final : public TenantStore, public std::enable_shared_from_this<CodedTenant> {
 public:
  CodedTenant(std::shared_ptr<TenantStore> inner, std::shared_ptr<const PayloadCodec> codec)
      : inner_(std::move(inner)), codec_(std::move(codec)) {}

  bool apply(Operation& op) override;
  void start(Operation& op, OperationDone& done) override;
  void add_listener(StoreListener& listener) override { inner_->add_listener(listener); }
  void remove_listener(StoreListener& listener) override { inner_->remove_listener(listener); }
  void listen_to_events(int change) override { inner_->listen_to_events(change); }
  Timestamp now() const override { return inner_->now(); }
  const NamespaceOptions& options() const override { return inner_->options(); }
  bool writes_at_once() const override { return inner_->writes_at_once(); }

 private:
  class Started;
  class Passed;
  class Unreadable;
  bool claim(ClaimTasks& op);

  const std::shared_ptr<TenantStore> inner_;
  const std::shared_ptr<const PayloadCodec> codec_;
};

}  // namespace controlplane
