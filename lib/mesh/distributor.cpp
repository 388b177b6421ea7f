#include "controlplane/distributor.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/wording.hpp"
#include "coordinator/validation.hpp"
#include "coordinator/worker_impl.hpp"
#include "mesh/distributor_impl.hpp"

namespace controlplane {
namespace {

constexpr std::string_view kLabel = "distributor";
constexpr std::int64_t kPauseUs = 1'000'000;  // after an error

Wants wants_of(const TaskSpec& task) { return {task.required_capabilities, task.exclude}; }

bool is_given(const Task& task) { return !is_terminal(task.state) && !task.directed_to.empty(); }

Error not_leading(const std::string& id) {
  return Error::failed_precondition("distributor " + id + " does not lead here: another one does, or none yet");
}

}  // namespace

Distributor::Impl::Impl(const Coordinator& plane, std::shared_ptr<CoordinatorCore> core,
                        DistributorOptions options, MakeWorker make_worker)
    : core_(std::move(core)),
      scheduler_(plane),
      registry_(plane),
      leases_(plane),
      options_(std::move(options)),
      make_worker_(std::move(make_worker)) {}

Result<void> Distributor::Impl::start(const Coordinator& plane) {
  ElectionOptions election;
  election.name = lease_name();
  election.candidate = options_.candidate;
  election.ttl = options_.leader_ttl;
  election.on_elected = [weak = weak_from_this()](std::uint64_t) {
    if (const auto self = weak.lock()) self->elected();
  };
  election.on_lost = [weak = weak_from_this()](const Error&) {
    if (const auto self = weak.lock()) self->lost();
  };
  const std::lock_guard lock(changing_);  // what is elected at once waits for what follows
  auto standing = LeaderElection::start(plane, std::move(election));
  if (!standing) return std::move(standing.error());
  election_ = *std::move(standing);
  return {};
}

void Distributor::Impl::elected() {
  {
    const std::lock_guard lock(mutex_);
    elected_ = true;
  }
  lead();
}

// At once: another one leads now, or could. What was forwarded goes on without this one.
void Distributor::Impl::lost() {
  {
    const std::lock_guard lock(mutex_);
    elected_ = leads_ = false;
    for (const auto& [copy, flight] : flights_) flight->cancelled = true;
    changed_.notify_all();
  }
  const std::lock_guard lock(changing_);
  end_lead(std::chrono::milliseconds(0));
}

bool Distributor::Impl::is_to_lead() const {
  const std::lock_guard lock(mutex_);
  return elected_ && !stopped_;
}

void Distributor::Impl::lead() {
  const std::lock_guard lock(changing_);
  if (worker_ != nullptr || !is_to_lead() || !election_->is_leader()) return;
  if (auto begun = begin(); !begun) {
    core_->log().write(LogLevel::warning, "a distributor cannot lead yet",
                       {{"agent", options_.agent_id}, {"error", begun.error().to_string()}});
    end_lead(std::chrono::milliseconds(0));
    later(kPauseUs, &Impl::lead);
  }
}

void Distributor::Impl::later(std::int64_t delay_us, void (Impl::*step)()) {
  core_->loop().schedule(core_->calls().now_us() + delay_us, [weak = weak_from_this(), step] {
    const auto self = weak.lock();
    if (!self) return;
    const bool taken = self->core_->pool().submit([self, step] { (self.get()->*step)(); });
    if (!taken && self->is_to_lead()) self->later(kPauseUs, step);
  });
}

// Every agent's: one that leaves the pool for another does so without its label. And what is given to
// the pool: who led before may still be giving.
Result<void> Distributor::Impl::listen() {
  const auto hearing = [this](EventFilter filter, void (Impl::*tell)(const EventBatch&)) {
    SubscribeOptions options;
    options.filter = std::move(filter);
    return core_->subscribe(std::move(options), [weak = weak_from_this(), tell](const EventBatch& batch) {
      if (const auto self = weak.lock()) (self.get()->*tell)(batch);
    });
  };
  auto agents = hearing({.types = {"agent.*"}}, &Impl::hear);
  if (!agents) return std::move(agents.error());
  EventFilter given{.types = {"task.submitted"}};
  given.label_key = kLabel;
  given.label_value = options_.agent_id;
  auto tasks = hearing(std::move(given), &Impl::hear_tasks);
  if (!tasks) return std::move(tasks.error());
  events_ = *std::move(agents);
  tasks_ = *std::move(tasks);
  return {};
}

void Distributor::Impl::hear_tasks(const EventBatch& batch) {
  if (batch.missed > 0) return adopt_again();
  for (const Event& event : batch.events) {
    const TaskId id(event.subject);
    {
      const std::lock_guard lock(mutex_);
      if (pool_.knows(id)) continue;
    }
    const auto task = scheduler_.get_task(id);
    if (task && is_given(*task)) adopt(*task);
    if (!task && task.error().code == ErrorCode::unavailable) return later(kPauseUs, &Impl::adopt_again);
  }
}

// What was missed while a lead begins may be behind what begin() has looked at.
void Distributor::Impl::adopt_again() {
  if (!is_to_lead()) return;
  if (!has_begun() || !adopt_all()) later(kPauseUs, &Impl::adopt_again);
}

void Distributor::Impl::hear(const EventBatch& batch) {
  bool own = batch.missed > 0, pool = own;
  const std::pair<std::string, std::string> label{kLabel, options_.agent_id};
  {
    const std::lock_guard lock(mutex_);
    for (const Event& event : batch.events) {
      own |= event.subject == options_.agent_id;
      pool |= pool_.has(event.subject) ||
              std::find(event.labels.begin(), event.labels.end(), label) != event.labels.end();
    }
  }
  if (pool) refresh();
  if (own) later(0, &Impl::look_after_itself);  // not here: who ends the lead waits for this
}

// Its name was taken away: it takes it again, unless somebody else has registered it, whose it is
// now. A successor has, too: then it hears of the lost lead with the next renewal.
void Distributor::Impl::look_after_itself() {
  {
    const std::lock_guard lock(changing_);
    if (worker_ == nullptr || !election_->is_leader()) return;
    const auto agent = registry_.get_agent(options_.agent_id);
    if (agent && agent->incarnation == incarnation_) return;
    if (!agent && agent.error().code != ErrorCode::not_found) {
      return later(kPauseUs, &Impl::look_after_itself);
    }
    const auto holder = leases_.holder(lease_name());
    if (!holder || holder->owner != options_.candidate) return;
    if (agent) return give_up();
    end_lead(std::chrono::milliseconds(0));
  }
  lead();
}

// Under changing_. The election ends where nothing waits for it.
void Distributor::Impl::give_up() {
  core_->log().write(LogLevel::warning, "a distributor stopped: somebody else registered its agent",
                     {{"agent", options_.agent_id}});
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  end_lead(std::chrono::milliseconds(0));
  core_->pool().submit([self = shared_from_this()] { self->election_->stop(); });
}

// The events first, so that nothing happens unseen between them and the lists.
Result<void> Distributor::Impl::begin() {
  {
    const std::lock_guard lock(mutex_);
    pool_.clear();  // a late word may have come since the last lead
  }
  if (auto heard = listen(); !heard) return heard;
  if (auto read = read_pool(); !read) return read;
  if (auto adopted = adopt_all(); !adopted) return adopted;
  const std::uint64_t incarnation = core_->calls().entropy().next() | 1;
  worker_ = make_worker_(incarnation);
  worker_->on("*", [weak = weak_from_this()](TaskContext& context) -> Result<Json> {
    const auto self = weak.lock();
    return self ? self->forward(context) : Error::cancelled("the distributor is gone");
  });
  {
    const std::lock_guard lock(mutex_);
    if (!elected_) return Error::failed_precondition("the lead was lost");
    leads_ = true;
    incarnation_ = incarnation;
  }
  if (auto started = worker_->start(); !started) return started;
  refresh();
  return {};
}

// Under changing_.
void Distributor::Impl::end_lead(std::chrono::milliseconds deadline) {
  if (worker_ != nullptr) (void)worker_->stop(deadline);
  worker_.reset();
  events_.reset();
  tasks_.reset();
  const std::lock_guard lock(mutex_);
  leads_ = false;
  pool_.clear();
}

// What an earlier leader gave away and has not ended.
Result<void> Distributor::Impl::adopt_all() {
  TaskFilter filter;
  filter.label_key = kLabel;
  filter.label_value = options_.agent_id;
  PageRequest page;
  page.max_items = core_->limits().max_page;
  do {
    auto tasks = scheduler_.list_tasks(filter, page);
    if (!tasks) return std::move(tasks.error());
    for (const Task& task : tasks->items) {
      if (is_given(task)) adopt(task);
    }
    page.cursor = std::move(tasks->next_cursor);
  } while (!page.cursor.empty());
  return {};
}

void Distributor::Impl::adopt(const Task& copy) {
  given(copy.id, copy.directed_to, {copy.required_capabilities, copy.exclude});
}

Result<void> Distributor::Impl::stop(std::chrono::milliseconds deadline) {
  if (auto refused = core_->refuse_block(Entry::any);
      refused && refused->code == ErrorCode::failed_precondition) {
    return std::move(*refused);
  }
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  {
    const std::lock_guard lock(changing_);
    end_lead(deadline);
  }
  if (election_) election_->stop();
  return {};
}

void Distributor::Impl::stop_elsewhere() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  core_->pool().submit([self = shared_from_this()] { (void)self->stop(self->options_.drain_timeout); });
}

// Its lease may be over, or its coordinator closed, before it is told. The election is there before
// anybody leads.
bool Distributor::Impl::leads() const {
  return has_begun() && election_->is_leader() && !core_->refuse(Entry::any);
}

bool Distributor::Impl::has_begun() const {
  const std::lock_guard lock(mutex_);
  return leads_;
}

std::vector<PoolWorker> Distributor::Impl::workers() const {
  if (!leads()) return {};
  const std::lock_guard lock(mutex_);
  return pool_.list();
}

// What the task is to be, and its worker.
Result<std::string> Distributor::Impl::prepare(TaskSpec& task, std::string_view worker) const {
  const bool is_named = !task.idempotency_key.empty() || !task.task_id.empty();
  if (worker.empty() && is_named) {
    return Error::invalid_argument(
        "a task with a key or an id of its own must name its worker: a repetition may find another "
        "one least loaded, and would be another task");
  }
  if (!task.agent_id.empty()) {
    return Error::invalid_argument("agent_id is " + quote(task.agent_id) +
                                   "; a task given to a distributor's worker must not name one");
  }
  if (!leads()) return not_leading(options_.agent_id);
  const auto excluded = std::find(task.exclude.begin(), task.exclude.end(), worker);
  if (!worker.empty() && excluded != task.exclude.end()) {
    return Error::invalid_argument("exclude names " + quote(worker) + ", the worker that is to have the task");
  }
  const std::lock_guard lock(mutex_);
  if (worker.empty()) {
    const std::string* const best = pool_.choose(wants_of(task), WorkerPool::Room::ignored);
    if (best == nullptr) {
      return Error::not_found("no usable worker of distributor " + options_.agent_id +
                              " offers what the task requires");
    }
    task.agent_id = *best;
  } else if (!pool_.has(worker)) {
    return Error::not_found("agent " + quote(worker) + " is no worker of distributor " + options_.agent_id);
  } else if (!pool_.is_usable(worker)) {
    return Error::failed_precondition("worker " + std::string(worker) + " takes no tasks now");
  } else {
    task.agent_id = worker;
  }
  task.labels.emplace_back(kLabel, options_.agent_id);
  return task.agent_id;
}

Result<TaskId> Distributor::Impl::assign(TaskSpec task, std::string_view worker) {
  auto chosen = prepare(task, worker);
  if (!chosen) return std::move(chosen.error());
  Wants wants = wants_of(task);
  auto id = scheduler_.submit_task(std::move(task));
  if (id) given(*id, *chosen, std::move(wants));
  return id;
}

Result<std::vector<Result<TaskId>>> Distributor::Impl::assign(std::vector<TaskSpec> tasks,
                                                              std::string_view worker) {
  const std::size_t limit = core_->limits().max_batch;
  if (tasks.size() > limit) {
    return Error::invalid_argument(fmt::format("{} tasks; the limit max_batch is {}",
                                               grouped(tasks.size()), grouped(limit)));
  }
  if (!leads()) return not_leading(options_.agent_id);
  std::vector<Result<TaskId>> answers;
  answers.reserve(tasks.size());
  for (TaskSpec& task : tasks) answers.push_back(assign(std::move(task), worker));
  return answers;
}

void Distributor::Impl::given(const TaskId& task, std::string_view worker, Wants wants) {
  bool strays = false, is_new = false;
  {
    const std::lock_guard lock(mutex_);
    pool_.give(task, worker, std::move(wants));
    is_new = pool_.begin_watch(task);
    strays = leads_ && !pool_.is_usable(worker);
  }
  if (is_new) watch(task);
  if (strays) rescue();
}

void Distributor::Impl::watch(const TaskId& task) {
  scheduler_.wait_for_result(task, std::chrono::hours(24), [weak = weak_from_this(), task](Result<Task> end) {
    if (const auto self = weak.lock()) self->ended(task, std::move(end));
  });
}

// Only a task that ended, or that nobody can ask for any more, is done with.
void Distributor::Impl::ended(const TaskId& task, Result<Task> end) {
  if (!end && end.error().code == ErrorCode::deadline_exceeded) return watch(task);
  if (!end && end.error().code != ErrorCode::not_found && end.error().code != ErrorCode::cancelled) {
    return watch_later(task);
  }
  const std::lock_guard lock(mutex_);
  pool_.end(task);
  const auto flight = flights_.find(task);
  if (flight != flights_.end()) flight->second->end = std::move(end);
  changed_.notify_all();
}

void Distributor::Impl::watch_later(const TaskId& task) {
  core_->loop().schedule(core_->calls().now_us() + kPauseUs, [weak = weak_from_this(), task] {
    if (const auto self = weak.lock()) self->watch(task);
  });
}

Result<void> Distributor::Impl::read_pool() {
  const std::lock_guard lock(refreshing_);
  AgentFilter filter;
  filter.label_key = kLabel;
  filter.label_value = options_.agent_id;
  PageRequest page;
  page.max_items = core_->limits().max_page;
  std::vector<Agent> agents;
  do {
    auto some = registry_.list_agents(filter, page);
    if (!some) return std::move(some.error());
    std::move(some->items.begin(), some->items.end(), std::back_inserter(agents));
    page.cursor = std::move(some->next_cursor);
  } while (!page.cursor.empty());
  const std::lock_guard inner(mutex_);
  pool_.update(agents);
  had_workers_ |= pool_.size() > 0;
  changed_.notify_all();
  return {};
}

void Distributor::Impl::refresh() {
  if (!has_begun()) return;
  if (!read_pool()) return later(kPauseUs, &Impl::refresh);
  rescue();
  report();
}

void Distributor::Impl::rescue() {
  std::vector<WorkerPool::Stray> strays;
  {
    const std::lock_guard lock(mutex_);
    if (!leads_) return;
    strays = pool_.strays();
  }
  bool all = true;
  for (const WorkerPool::Stray& stray : strays) all &= rescue(stray);
  if (!all) later(kPauseUs, &Impl::refresh);
}

// False: the store is away. A task that is still held stays: its holder may end it, or its lease
// does, and that is for the next event of its worker. What a dead one holds is taken from it.
bool Distributor::Impl::rescue(const WorkerPool::Stray& stray) {
  std::string target;
  {
    const std::lock_guard lock(mutex_);
    const std::string* const best = pool_.choose(stray.wants, WorkerPool::Room::ignored);
    if (best != nullptr) target = *best;
  }
  const auto worker = registry_.get_agent(stray.worker);
  if (worker && (worker->status == AgentStatus::offline || worker->status == AgentStatus::failed)) {
    (void)scheduler_.reassign_agent_tasks(stray.worker);
  }
  if (target.empty()) return true;
  if (const auto moved = scheduler_.assign_task(stray.task, target); !moved) {
    return moved.error().code != ErrorCode::unavailable;
  }
  const std::lock_guard lock(mutex_);
  pool_.move(stray.task, target);
  return true;
}

// Its health is that of its pool, so that who watches distributors sees their workers. Before the first
// of them came it is just not complete.
void Distributor::Impl::report() {
  HeartbeatReport report;
  {
    const std::lock_guard lock(mutex_);
    report.incarnation = incarnation_;
    const std::size_t usable = pool_.usable();
    const bool is_complete = usable > 0 && usable == pool_.size();
    report.health = is_complete                   ? HealthStatus::healthy
                    : usable > 0 || !had_workers_ ? HealthStatus::degraded
                                                  : HealthStatus::unhealthy;
    report.metrics = Json(fmt::format(R"({{"workers":{},"usable":{},"pending":{},"forwarded":{}}})",
                                      pool_.size(), usable, pool_.tasks(), forwarded_));
  }
  (void)registry_.heartbeat(options_.agent_id, report);  // not registered yet, or away: the next one
}

Result<Distributor> Distributor::start(const Coordinator& plane, DistributorOptions options) {
  const std::shared_ptr<CoordinatorCore>& core = plane.core();
  if (auto refused = core->refuse_block(Entry::any)) return std::move(*refused);
  if (options.candidate.empty()) options.candidate = TaskId(core->make_id()).str();
  Checks checks(core->limits());
  checks.name("agent_id", options.agent_id).name("candidate", options.candidate);
  checks.name("lease name", "distributor/" + options.agent_id);
  if (!checks.ok()) return checks.take();
  WorkerOptions claims;
  claims.agent_id = options.agent_id;
  claims.capabilities = options.capabilities;
  claims.concurrency = options.concurrency;
  claims.labels = options.labels;
  claims.lease_ttl = options.lease_ttl;
  claims.metadata = Json(R"({"role":"distributor"})");
  auto make_worker = [scheduler = TaskScheduler(plane), registry = AgentRegistry(plane), core, claims](std::uint64_t incarnation) {
    return std::unique_ptr<Worker>(
        new Worker(std::make_shared<Worker::Impl>(scheduler, registry, core, claims, incarnation)));
  };
  if (auto valid = make_worker(0)->impl_->check(); !valid) return std::move(valid.error());
  auto impl = std::make_shared<Impl>(plane, core, std::move(options), std::move(make_worker));
  if (auto started = impl->start(plane); !started) return std::move(started.error());
  return Distributor(std::move(impl));
}

// Where it must not wait, a callback thread does.
void Distributor::finish() noexcept {
  if (!impl_) return;
  const auto deadline = impl_->options().drain_timeout;
  if (!impl_->stop(deadline)) impl_->stop_elsewhere();
}

Distributor& Distributor::operator=(Distributor&& other) noexcept {
  if (impl_ != other.impl_) finish();
  impl_ = std::move(other.impl_);
  return *this;
}
Distributor::~Distributor() { finish(); }
bool Distributor::leads() const noexcept { return impl_ && impl_->leads(); }
std::vector<PoolWorker> Distributor::workers() const { return impl_->workers(); }
Result<TaskId> Distributor::assign_task_to_worker(TaskSpec task, std::string_view worker_id) {
  return impl_->assign(std::move(task), worker_id);
}
Result<std::vector<Result<TaskId>>> Distributor::batch_assign_tasks(std::vector<TaskSpec> tasks,
                                                                    std::string_view worker_id) {
  return impl_->assign(std::move(tasks), worker_id);
}
Result<void> Distributor::stop(std::chrono::milliseconds deadline) { return impl_->stop(deadline); }

}  // namespace controlplane
