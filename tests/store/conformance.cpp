#include "store/conformance.hpp"

#include <condition_variable>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "engine/engine_audit.hpp"
#include "store/memory/memory_store.hpp"

namespace controlplane::conformance {

namespace {

// The bare tables, without a lock; the only kind whose insides can be audited.
class BareTenant final : public TenantStore {
 public:
  BareTenant(std::string name, const NamespaceOptions& options, const Clock& clock)
      : options_(options), timeline_(clock), tables_(std::move(name), options) {}

  bool apply(Operation& op) override {
    tables_.apply(op, timeline_.now_us());
    const std::vector<Signal> signals = tables_.take_signals();
    if (listener_ != nullptr && !signals.empty()) listener_->on_signals(signals);
    return true;
  }
  void start(Operation& op, OperationDone& done) override {
    apply(op);
    done.done(op);
  }
  void add_listener(StoreListener& listener) override { listener_ = &listener; }
  void remove_listener(StoreListener&) override { listener_ = nullptr; }
  void listen_to_events(int) override {}
  Timestamp now() const override { return timeline_.now_us(); }
  const NamespaceOptions& options() const override { return options_; }
  const Namespace& tables() const { return tables_; }

 private:
  const NamespaceOptions options_;
  const Timeline timeline_;
  Namespace tables_;
  StoreListener* listener_ = nullptr;
};

class BareStore final : public Store {
 public:
  explicit BareStore(const Clock& clock) : clock_(clock) {}
  std::string_view name() const override { return "bare"; }
  Result<std::shared_ptr<TenantStore>> open_tenant(std::string_view tenant,
                                                   const NamespaceOptions& options) override {
    return std::shared_ptr<TenantStore>(
        std::make_shared<BareTenant>(std::string(tenant), options, clock_));
  }

 private:
  const Clock& clock_;
};

class Waiter final : public OperationDone {
 public:
  void done(Operation&) override {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

Fingerprint fingerprint_of(const TaskSpec& spec) {
  return Sha256()
      .add(spec.task_type)
      .add(spec.payload.text())
      .add(static_cast<std::uint64_t>(spec.priority))
      .add(spec.task_id.str())
      .add(spec.idempotency_key)
      .finish();
}

std::string text_of(const Signal& signal) {
  switch (signal.kind) {
    case Signal::Kind::task_ready:
      return "task_ready x" + std::to_string(signal.count);
    case Signal::Kind::agent_eligible:
      return "agent_eligible " + signal.agent;
    case Signal::Kind::agent_offers:
      return "agent_offers " + signal.agent;
    case Signal::Kind::agent_ended:
      return "agent_ended " + signal.agent;
    case Signal::Kind::task_done:
      return "task_done " + signal.task.str();
    case Signal::Kind::permit_granted:
      return "permit_granted " + signal.operation;
    case Signal::Kind::log_changed:
      return "log_changed " + signal.log;
    case Signal::Kind::permit_refused:
      return "permit_refused " + signal.operation + ": " + signal.error.to_string();
  }
  return "?";
}

std::string answer_of(const std::optional<Error>& error, bool duplicate) {
  if (error) return error->to_string();
  return duplicate ? "duplicate" : "ok";
}

void append(std::string& list, std::string_view separator, std::string_view item) {
  if (!list.empty()) list += separator;
  list += item;
}

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"bare", [](const Clock& clock) { return std::unique_ptr<Store>(new BareStore(clock)); }},
      {"memory", [](const Clock& clock) { return make_memory_store(clock, 1'024); }},
  };
  return all;
}

TaskSpec task(std::string_view id) {
  TaskSpec spec;
  spec.task_type = "work";
  spec.task_id = TaskId(id);
  spec.retry.delay = std::chrono::milliseconds(0);
  return spec;
}

TaskSpec task(std::string_view id, std::vector<std::string> required) {
  TaskSpec spec = task(id);
  spec.required_capabilities = std::move(required);
  return spec;
}

TaskSpec child(std::string_view id, std::vector<TaskId> parents) {
  TaskSpec spec = task(id);
  spec.depends_on = std::move(parents);
  return spec;
}

AgentSpec agent(std::string_view id, std::vector<std::string> capabilities, std::uint32_t slots) {
  AgentSpec spec;
  spec.agent_id = id;
  spec.capabilities = std::move(capabilities);
  spec.max_concurrency = slots;
  return spec;
}

ClaimRequest by(std::string_view agent, std::vector<std::string> capabilities) {
  ClaimRequest request;
  request.agent_id = agent;
  request.capabilities = std::move(capabilities);
  return request;
}

ClaimRequest renewing(std::string_view agent, std::int64_t ttl_ms) {
  ClaimRequest request = by(agent);
  request.lease_ttl = std::chrono::milliseconds(ttl_ms);
  return request;
}

ClaimRequest many(std::string_view agent, std::uint32_t max_tasks) {
  ClaimRequest request = by(agent);
  request.max_tasks = max_tasks;
  return request;
}

std::string Claimed::ids() const {
  std::string ids;
  for (const ClaimedTask& claimed : tasks) append(ids, " ", claimed.id.str());
  return ids;
}

// --- the fixture itself --------------------------------------------------------------------------

Plane::Plane(const Kind& kind, const NamespaceOptions& options)
    : kind_(kind), options_(options), store_(kind.open(clock)) {
  tenant_ = store_->open_tenant("main", options).value();
  other_ = store_->open_tenant("other", options).value();
  tenant_->add_listener(*this);
  other_was_ = other_state();
}

Plane::~Plane() { tenant_->remove_listener(*this); }

std::string Plane::move_to(Namespace* tables) {
  std::unique_ptr<Store> store = kind_.open(clock);
  std::shared_ptr<TenantStore> tenant = store->open_tenant("main", options_).value();
  AdoptTables op;
  op.operation_id = "move";
  op.tables = tables;
  if (!tenant->apply(op) || op.failed) return op.failed ? op.failed->to_string() : "not at once";
  tenant_->remove_listener(*this);
  tenant_ = std::move(tenant);
  moved_to_ = std::move(store);
  tenant_->add_listener(*this);
  return "ok";
}

void Plane::on_signals(std::span<const Signal> signals) {
  const std::lock_guard lock(mutex_);
  for (const Signal& signal : signals) signals_.push_back(text_of(signal));
}

void Plane::call(TenantStore& tenant, Operation& op) {
  op.random = entropy_.next();
  op.origin = origin;
  if (tenant.apply(op)) return;
  Waiter waiter;
  tenant.start(op, waiter);
  waiter.wait();
}

std::string Plane::apply(Operation& op) {
  call(*tenant_, op);
  ++unaudited_;
  if (unaudited_ * 64 > submitted_) audit();
  return op.failed ? op.failed->to_string() : "ok";
}

void Plane::audit() {
  unaudited_ = 0;
  if (const auto* bare = dynamic_cast<const BareTenant*>(tenant_.get())) {
    for (const std::string& violation : EngineAudit::check(bare->tables())) FAIL_CHECK(violation);
  }
  check_other();
}

void Plane::check_other() {
  const std::string state = other_state();
  if (!other_mirrored_ && state != other_was_) CHECK(state == other_was_);
  other_was_ = state;
  other_mirrored_ = false;
}

std::string Plane::other_state() {
  ReadStats op;
  call(*other_, op);
  const Stats& stats = op.stats;
  std::string state = "agents " + std::to_string(stats.registry.total_agents) + " available " +
                      std::to_string(stats.registry.available_agents) + " last event " +
                      std::to_string(stats.events.last_seq) + " records";
  for (const std::uint64_t records : stats.scheduler.by_state)
    state += " " + std::to_string(records);
  state += " claimed " + std::to_string(stats.scheduler.claimed_total);
  if (const auto* bare = dynamic_cast<const BareTenant*>(other_.get())) {
    state += " hash " + std::to_string(bare->tables().state_hash());
  }
  return state;
}

Advance Plane::advance() {
  Advance op;
  apply(op);
  return op;
}

std::uint32_t Plane::advance_all(std::int64_t pass_us) {
  clock.advance(pass_us);
  std::uint32_t applied = 0;
  for (;;) {
    const Advance op = advance();
    applied += op.applied;
    if (!op.more_due) return applied;
  }
}

void Plane::listen(int claims) {
  Watch op;
  op.claims = claims;
  apply(op);
}

std::string Plane::signals() {
  const std::lock_guard lock(mutex_);
  std::string list;
  for (const std::string& signal : signals_) append(list, ", ", signal);
  signals_.clear();
  return list;
}

// --- tasks ---------------------------------------------------------------------------------------

TaskDraft Plane::draft(TaskSpec& spec) {
  TaskDraft draft;
  draft.spec = &spec;
  draft.own_id = !spec.task_id.empty();
  draft.has_fingerprint = draft.own_id || !spec.idempotency_key.empty();
  if (draft.has_fingerprint) draft.fingerprint = fingerprint_of(spec);
  draft.id = spec.task_id;
  if (draft.own_id) return draft;
  TaskId::Uuid uuid{};
  store_be64(uuid.data(), static_cast<std::uint64_t>(SimClock::kStart / 1000) << 16 | 0x7000);
  store_be64(uuid.data() + 8, std::uint64_t{1} << 63 | ++ids_);
  draft.id = TaskId(uuid);
  return draft;
}

std::vector<Submitted> Plane::submit_batch(std::vector<TaskSpec> specs) {
  std::vector<TaskSpec> same = specs;
  std::vector<TaskDraft> drafts, mirrored;
  for (TaskSpec& spec : specs) drafts.push_back(draft(spec));
  mirrored = drafts;
  for (std::size_t i = 0; i < same.size(); ++i) mirrored[i].spec = &same[i];
  SubmitTasks mirror;
  mirror.tasks = mirrored;
  call(*other_, mirror);
  other_mirrored_ = true;
  if ((unaudited_ + 1) * 64 > submitted_) check_other();

  SubmitTasks op;
  op.tasks = drafts;
  submitted_ += drafts.size();
  apply(op);
  std::vector<Submitted> answers;
  for (const TaskDraft& one : drafts)
    answers.push_back({answer_of(one.error, one.duplicate), one.id});
  return answers;
}

Submitted Plane::try_submit(TaskSpec spec) {
  std::vector<TaskSpec> specs;
  specs.push_back(std::move(spec));
  return submit_batch(std::move(specs)).front();
}

TaskId Plane::submit(TaskSpec spec) {
  const Submitted submitted = try_submit(std::move(spec));
  if (submitted.answer != "ok") REQUIRE(submitted.answer == "ok");
  return submitted.id;
}

Claimed Plane::claims(const ClaimRequest& request) {
  Claimed claimed;
  ClaimTasks op;
  op.request = &request;
  op.require_registration = require_registration;
  op.parked_until = parked_until;
  op.parks_until = parks_until;
  op.sought = sought;
  if (request.max_tasks > 1) op.tasks = &claimed.tasks;
  claimed.answer = apply(op);
  claimed.refused = op.refused;
  claimed.got_sought = op.got_sought;
  claimed.offered = std::move(op.offered);
  if (op.one) claimed.tasks.push_back(*std::move(op.one));
  return claimed;
}

ClaimedTask Plane::claim(const ClaimRequest& request) {
  Claimed claimed = claims(request);
  if (claimed.answer != "ok") REQUIRE(claimed.answer == "ok");
  if (claimed.tasks.size() != 1) REQUIRE(claimed.tasks.size() == 1);
  return std::move(claimed.tasks.front());
}

std::string Plane::end(EndKind kind, AttemptEnd item) {
  FieldDigest digest;
  digest.add(static_cast<std::uint64_t>(item.fail_kind)).add(item.result.text()).add(item.error);
  item.digest =
      digest.add(static_cast<std::uint64_t>(item.retry_after_us)).add(item.usage.text()).finish();
  item.used = used;
  EndAttempts op(kind);
  op.require_lease = require_lease;
  op.items = std::span(&item, 1);
  apply(op);
  return answer_of(item.failure, item.duplicate);
}

std::string Plane::complete(const Holder& holder, Json result, Json usage) {
  AttemptEnd item;
  item.attempt = &holder;
  item.result = std::move(result);
  item.usage = std::move(usage);
  return end(EndKind::complete, std::move(item));
}

std::string Plane::fail(const Holder& holder, FailKind kind, std::int64_t retry_after_us,
                        std::string_view error, Json usage) {
  AttemptEnd item;
  item.attempt = &holder;
  item.fail_kind = kind;
  item.retry_after_us = retry_after_us;
  item.error = error;
  item.usage = std::move(usage);
  return end(EndKind::fail, std::move(item));
}

std::string Plane::release(const Holder& holder) {
  AttemptEnd item;
  item.attempt = &holder;
  return end(EndKind::release, std::move(item));
}

std::vector<std::string> Plane::end_batch(EndKind kind, const std::vector<ClaimedTask>& tasks) {
  std::vector<Holder> holders(tasks.begin(), tasks.end());
  std::vector<AttemptEnd> items(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) items[i].attempt = &holders[i];
  EndAttempts op(kind);
  op.items = items;
  apply(op);
  std::vector<std::string> answers;
  for (const AttemptEnd& item : items) answers.push_back(answer_of(item.failure, item.duplicate));
  return answers;
}

}  // namespace controlplane::conformance
