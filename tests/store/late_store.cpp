#include "store/late_store.hpp"

#include <chrono>

namespace controlplane {
namespace {

template <class Op>
void apply_copy_of(TenantStore& store, const Op& op) {
  Op copy = op;
  store.apply(copy);
}

void apply_copy_of(TenantStore& store, const SubmitTasks& op) {
  std::vector<TaskDraft> drafts(op.tasks.begin(), op.tasks.end());
  std::vector<TaskSpec> specs;
  specs.reserve(drafts.size());
  for (TaskDraft& draft : drafts) draft.spec = &specs.emplace_back(*draft.spec);
  SubmitTasks copy = op;
  copy.tasks = drafts;
  store.apply(copy);
}

void apply_copy_of(TenantStore& store, const ClaimTasks& op) {
  std::vector<ClaimedTask> tasks;
  ClaimTasks copy = op;
  if (op.tasks != nullptr) copy.tasks = &tasks;
  store.apply(copy);
}

void apply_copy_of(TenantStore& store, const EndAttempts& op) {
  std::vector<AttemptEnd> items(op.items.begin(), op.items.end());
  EndAttempts copy = op;
  copy.items = items;
  store.apply(copy);
}

void apply_copy_of(TenantStore& store, const HoldAttempts& op) {
  std::vector<AttemptHold> items(op.items.begin(), op.items.end());
  HoldAttempts copy = op;
  copy.items = items;
  store.apply(copy);
}

// As a store does whose answer was lost: applied, but `op` knows nothing of it.
void apply_unseen(TenantStore& store, const Operation& op) {
  switch (op.kind) {
    case OperationKind::submit:
      return apply_copy_of(store, static_cast<const SubmitTasks&>(op));
    case OperationKind::claim:
      return apply_copy_of(store, static_cast<const ClaimTasks&>(op));
    case OperationKind::end:
      return apply_copy_of(store, static_cast<const EndAttempts&>(op));
    case OperationKind::hold:
      return apply_copy_of(store, static_cast<const HoldAttempts&>(op));
    case OperationKind::cancel:
      return apply_copy_of(store, static_cast<const CancelTask&>(op));
    case OperationKind::assign:
      return apply_copy_of(store, static_cast<const AssignTask&>(op));
    case OperationKind::reassign:
      return apply_copy_of(store, static_cast<const ReassignTasks&>(op));
    case OperationKind::replay:
      return apply_copy_of(store, static_cast<const ReplayTask&>(op));
    case OperationKind::add_agent:
      return apply_copy_of(store, static_cast<const AddAgent&>(op));
    case OperationKind::remove_agent:
      return apply_copy_of(store, static_cast<const RemoveAgent&>(op));
    case OperationKind::heartbeat:
      return apply_copy_of(store, static_cast<const Heartbeat&>(op));
    case OperationKind::select_agent:
      return apply_copy_of(store, static_cast<const SelectAgent&>(op));
    case OperationKind::probe:
      return apply_copy_of(store, static_cast<const RecordProbe&>(op));
    case OperationKind::watch:
      return apply_copy_of(store, static_cast<const Watch&>(op));
    case OperationKind::define_pool:
      return apply_copy_of(store, static_cast<const DefinePool&>(op));
    case OperationKind::remove_pool:
      return apply_copy_of(store, static_cast<const RemovePool&>(op));
    case OperationKind::acquire:
      return apply_copy_of(store, static_cast<const AcquirePermit&>(op));
    case OperationKind::withdraw:
      return apply_copy_of(store, static_cast<const WithdrawAcquire&>(op));
    case OperationKind::renew_permit:
      return apply_copy_of(store, static_cast<const RenewPermit&>(op));
    case OperationKind::end_permit:
      return apply_copy_of(store, static_cast<const EndPermit&>(op));
    case OperationKind::advance:
      return apply_copy_of(store, static_cast<const Advance&>(op));
    case OperationKind::begin_export:
      return apply_copy_of(store, static_cast<const BeginExport&>(op));
    case OperationKind::read_export:
      return apply_copy_of(store, static_cast<const ReadExport&>(op));
    case OperationKind::end_export:
      return apply_copy_of(store, static_cast<const EndExport&>(op));
    case OperationKind::adopt:
      return apply_copy_of(store, static_cast<const AdoptTables&>(op));
    default:
      return;  // reads
  }
}

}  // namespace

class LateStore::Tenant final : public TenantStore {
 public:
  Tenant(LateStore& late, std::shared_ptr<TenantStore> inner)
      : late_(late), inner_(std::move(inner)) {}
  bool apply(Operation&) override { return false; }
  void start(Operation& op, OperationDone& done) override {
    late_.push({inner_.get(), &op, &done});
  }
  void add_listener(StoreListener& listener) override { inner_->add_listener(listener); }
  void remove_listener(StoreListener& listener) override { inner_->remove_listener(listener); }
  void listen_to_events(int change) override { inner_->listen_to_events(change); }
  Timestamp now() const override { return inner_->now(); }
  const NamespaceOptions& options() const override { return inner_->options(); }
  bool writes_at_once() const override { return false; }

 private:
  LateStore& late_;
  const std::shared_ptr<TenantStore> inner_;
};

LateStore::LateStore(std::shared_ptr<Store> inner, LateFaults faults, std::uint64_t seed)
    : inner_(std::move(inner)), dice_(seed), faults_(faults), thread_([this] { run(); }) {}

LateStore::~LateStore() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

Result<std::shared_ptr<TenantStore>> LateStore::open_tenant(std::string_view tenant,
                                                            const NamespaceOptions& options) {
  auto inner = inner_->open_tenant(tenant, options);
  if (!inner) return inner;
  std::shared_ptr<TenantStore> made = std::make_shared<Tenant>(*this, *std::move(inner));
  std::lock_guard lock(mutex_);
  tenants_.push_back(made);
  return made;
}

void LateStore::hold(bool held) {
  std::lock_guard lock(mutex_);
  held_ = held;
  changed_.notify_all();
}

void LateStore::set_faults(LateFaults faults) {
  std::lock_guard lock(mutex_);
  faults_ = faults;
}

std::size_t LateStore::waiting() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

bool LateStore::wait_for_waiting(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20),
                           [&] { return pending_.size() >= count; });
}

void LateStore::push(Pending pending) {
  std::lock_guard lock(mutex_);
  pending_.push_back(pending);
  changed_.notify_all();
}

void LateStore::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (!held_ && !pending_.empty()); });
    if (pending_.empty()) return;
    std::swap(pending_[dice_.next() % pending_.size()], pending_.back());
    const Pending next = pending_.back();
    pending_.pop_back();
    const Fate fate = draw_fate();
    lock.unlock();
    answer(next, fate);
    lock.lock();
  }
}

LateStore::Fate LateStore::draw_fate() {
  auto rolled = static_cast<unsigned>(dice_.next() % 100);
  if (rolled < faults_.unavailable) return Fate::unavailable;
  rolled -= faults_.unavailable;
  if (rolled < faults_.unknown_lost) return Fate::unknown_lost;
  rolled -= faults_.unknown_lost;
  return rolled < faults_.unknown_applied ? Fate::unknown_applied : Fate::normal;
}

void LateStore::answer(const Pending& pending, Fate fate) {
  if (fate == Fate::normal) {
    pending.inner->apply(*pending.op);
  } else {
    if (fate == Fate::unknown_applied) apply_unseen(*pending.inner, *pending.op);
    pending.op->failed = Error::unavailable("the store is away", fate != Fate::unavailable);
  }
  pending.done->done(*pending.op);
}

}  // namespace controlplane
