#include "coordinator/coded_tenant.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/entropy.hpp"
#include "coordinator/orphan.hpp"

namespace controlplane {

// The tasks that one claim may not hand out.
class CodedTenant::Unreadable {
 public:
  explicit Unreadable(const ClaimTasks& op) : given_(op.tasks == nullptr ? 0 : op.tasks->size()) {}

  // Takes them out of what the store answered. True: it is the caller's answer; else claim again.
  // Either way what is in ends() has to end first.
  bool sort_out(const PayloadCodec& codec, ClaimTasks& op) {
    ends_.failures.clear();
    if (op.failed) return true;
    if (op.tasks == nullptr) {
      if (op.one && !keep(codec, op, *op.one)) op.one.reset();
    } else {
      const auto first = op.tasks->begin() + static_cast<std::ptrdiff_t>(given_);
      const auto last = std::remove_if(first, op.tasks->end(), [&](ClaimedTask& task) {
        return !keep(codec, op, task);
      });
      op.tasks->erase(last, op.tasks->end());
    }
    if (ends_.failures.empty() || has_any(op)) return true;
    if (++rounds_ == kMaxUnreadable) {
      op.failed = Error{why_->code, fmt::format("{} claims in a row brought only tasks that cannot "
                                                "be read; the last: {}", rounds_, why_->message)};
      return true;
    }
    op.random = mix64(op.random + 1);  // other nonces
    return false;
  }

  FailAll& ends() noexcept { return ends_; }

 private:
  bool has_any(const ClaimTasks& op) const {
    return op.tasks == nullptr ? op.one.has_value() : op.tasks->size() > given_;
  }

  bool keep(const PayloadCodec& codec, const ClaimTasks& op, ClaimedTask& task) {
    auto decoded = decode(codec, task);
    if (decoded) return true;
    why_ = std::move(decoded.error());
    Failure& failure = ends_.failures.emplace_back();
    failure.attempt = {task.id, task.lease, op.request->agent_id};
    failure.error = why_->message;
    failure.kind = why_->code == ErrorCode::data_loss ? FailKind::fatal : FailKind::retryable;
    ends_.random = mix64(op.random + task.lease.nonce());
    ends_.op.origin = op.origin;
    return false;
  }

  const std::size_t given_;  // tasks of the caller's before
  int rounds_ = 0;
  std::optional<Error> why_;
  FailAll ends_;
};

// An operation that the store answers later: stands between it and who asked. Deletes itself.
class CodedTenant::Started final : public OperationDone {
 public:
  Started(std::shared_ptr<CodedTenant> tenant, Operation& op, OperationDone& then)
      : tenant_(std::move(tenant)), op_(op), then_(then) {
    if (op.kind == OperationKind::claim) unreadable_.emplace(static_cast<ClaimTasks&>(op));
    values_.lend(*tenant_->codec_, op);
  }
  void run() { tenant_->inner_->start(op_, *this); }

 private:
  void done(Operation& op) override {
    if (&op != &op_) return ended(op);
    if (unreadable_) {
      is_answered_ = unreadable_->sort_out(*tenant_->codec_, static_cast<ClaimTasks&>(op));
      return unreadable_->ends().failures.empty() ? finish() : end();
    }
    values_.take_back(op);
    if (!op.failed) decode_answer(*tenant_->codec_, op);
    finish();
  }

  void end() { tenant_->inner_->start(unreadable_->ends().bind(), *this); }

  // If it cannot be brought to the store, timers end these attempts later.
  void ended(const Operation& ends) {
    if (ends.failed && ends.failed->code == ErrorCode::unavailable && ++tries_ < kMaxUnreadable) {
      return end();
    }
    if (!is_answered_) return run();
    finish();
  }

  void finish() {
    const std::unique_ptr<Started> self(this);
    then_.done(op_);  // the tenant is there until it returns
  }

  const std::shared_ptr<CodedTenant> tenant_;
  Operation& op_;
  OperationDone& then_;
  LentValues values_;
  std::optional<Unreadable> unreadable_;  // of a claim
  bool is_answered_ = true;
  int tries_ = 0;
};

// One without values. Whoever called may be gone when the answer comes, and undo it through the tenant.
class CodedTenant::Passed final : public OperationDone {
 public:
  Passed(std::shared_ptr<CodedTenant> tenant, OperationDone& then)
      : tenant_(std::move(tenant)), then_(then) {}

 private:
  void done(Operation& op) override {
    const std::unique_ptr<Passed> self(this);
    then_.done(op);
  }
  const std::shared_ptr<CodedTenant> tenant_;
  OperationDone& then_;
};

bool CodedTenant::apply(Operation& op) {
  if (!carries_values(op)) return inner_->apply(op);
  if (op.kind == OperationKind::claim) return claim(static_cast<ClaimTasks&>(op));
  if (gives_values(op) && !inner_->writes_at_once()) return false;  // start() would encode them again
  LentValues values;
  values.lend(*codec_, op);
  const bool applied = inner_->apply(op);
  values.take_back(op);
  if (applied && !op.failed) decode_answer(*codec_, op);
  return applied;
}

bool CodedTenant::claim(ClaimTasks& op) {
  Unreadable unreadable(op);
  for (;;) {
    if (!inner_->apply(op)) return false;
    const bool is_answered = unreadable.sort_out(*codec_, op);
    if (FailAll& ends = unreadable.ends(); !ends.failures.empty()) {
      Orphan<FailAll>::run(*inner_, std::move(ends));
    }
    if (is_answered) return true;
  }
}

void CodedTenant::start(Operation& op, OperationDone& done) {
  if (!carries_values(op)) return inner_->start(op, *new Passed(shared_from_this(), done));
  (new Started(shared_from_this(), op, done))->run();
}

}  // namespace controlplane
