#include "coordinator/worker_impl.hpp"

#include <algorithm>
#include <system_error>

#include "base/deadline.hpp"
#include "base/wording.hpp"
#include "coordinator/task_calls.hpp"

namespace controlplane {
namespace {

// A parked claim counts as a sign of life of its agent, so it must not outlive a dead process for
// long.
constexpr std::chrono::milliseconds kClaimWait{10'000};
constexpr std::chrono::milliseconds kPause{1'000};  // after a claim that failed
constexpr auto kMax = std::chrono::milliseconds::max();

std::chrono::milliseconds or_default(std::chrono::milliseconds value,
                                     std::chrono::milliseconds fallback) {
  return value.count() > 0 ? value : fallback;
}

thread_local const RosterMember* running_worker = nullptr;  // whose thread this is

}  // namespace

Worker::Impl::Impl(TaskScheduler scheduler, AgentRegistry registry,
                   std::shared_ptr<CoordinatorCore> core, WorkerOptions options,
                   std::uint64_t incarnation)
    : core_(std::move(core)),
      scheduler_(std::move(scheduler)),
      registry_(std::move(registry)),
      options_(std::move(options)),
      incarnation_(incarnation != 0 ? incarnation : core_->incarnation()),
      lease_ttl_(or_default(options_.lease_ttl, core_->config().lease_ttl)),
      renew_interval_(std::max(lease_ttl_ / 3, std::chrono::milliseconds(1))),
      heartbeat_interval_(
          or_default(options_.heartbeat_interval, core_->config().heartbeat_interval)) {}

// Its threads share it, so those that are left have ended, but for this one.
Worker::Impl::~Impl() { join_threads(); }

void Worker::Impl::on(std::string task_type, TaskHandler handler) {
  auto shared = std::make_shared<const TaskHandler>(std::move(handler));
  std::lock_guard lock(mutex_);
  handlers_[std::move(task_type)].swap(shared);  // the old one is destroyed after the lock
}

// Under the lock; null: none.
Worker::Impl::Handler Worker::Impl::handler_for(const std::string& task_type) const {
  auto place = handlers_.find(task_type);
  if (place == handlers_.end()) place = handlers_.find("*");
  return place == handlers_.end() ? nullptr : place->second;
}

Result<void> Worker::Impl::check() const {
  if (core_->calls().pumped()) {
    return Error::failed_precondition("a Worker needs a coordinator with threads, this is pumped");
  }
  Checks checks(core_->limits());
  checks.count("concurrency", options_.concurrency, 1, core_->limits().max_worker_concurrency,
               "max_worker_concurrency");
  constexpr std::chrono::milliseconds kNone{0};
  checks.within("lease_ttl", options_.lease_ttl, kNone, core_->limits().max_delay, "max_delay");
  checks.within("heartbeat_interval", options_.heartbeat_interval, kNone, kMax, "");
  checks.within("drain_timeout", options_.drain_timeout, kNone, kMax, "");
  const std::chrono::milliseconds silence = core_->config().heartbeat_timeout;
  checks.rule(heartbeat_interval_ < silence, [&] {
    return "heartbeat_interval is " + seconds(heartbeat_interval_) +
           "; it must be below heartbeat_timeout, which is " + seconds(silence);
  });
  return checks.result();
}

// The state is taken before the lock: a handler that starts its own worker again must not wait for
// a stop() that waits for the handler.
Result<void> Worker::Impl::start() {
  if (auto valid = check(); !valid) return valid;
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::idle) {
      return Error::failed_precondition("worker " + options_.agent_id + " was started before");
    }
    state_ = State::running;
  }
  std::lock_guard one(changing_);
  if (!running()) return too_late();
  {
    std::lock_guard lock(mutex_);
    ++active_;  // a shutdown that comes now waits for what this comes to
  }
  if (!std::exchange(listed_, true)) core_->workers().join(weak_from_this());
  Result<void> started = enroll();
  if (started) {
    started = set_going();
  } else {
    std::lock_guard lock(mutex_);
    state_ = State::idle;
  }
  rest();
  return started;
}

Error Worker::Impl::too_late() const {
  return Error::cancelled("worker " + options_.agent_id + " was stopped before it had started");
}

Result<void> Worker::Impl::set_going() {
  if (!running()) {  // the coordinator began to shut down
    stop_locked(std::chrono::milliseconds(0));
    return too_late();
  }
  again(heartbeat_interval_, &Impl::beat);
  again(renew_interval_, &Impl::renew);
  try {
    start_threads();
  } catch (const std::system_error& e) {
    rest();  // the thread that is not
    stop_locked(std::chrono::milliseconds(0));
    return Error::resource_exhausted(std::string("no thread for a handler: ") + e.what());
  }
  return {};
}

// In the roster by now: a shutdown that this does not see yet sees the worker.
Result<void> Worker::Impl::enroll() {
  if (auto closing = core_->refuse(Entry::new_work)) return std::move(*closing);
  AgentSpec spec;
  spec.agent_id = options_.agent_id;
  spec.capabilities = options_.capabilities;
  spec.model = options_.model;
  spec.provider = options_.provider;
  spec.endpoint = options_.endpoint;
  spec.metadata = options_.metadata;
  spec.labels = options_.labels;
  spec.max_concurrency = options_.concurrency;
  spec.incarnation = incarnation_;
  Result<Agent> agent = registry_.register_agent(std::move(spec));
  std::lock_guard lock(mutex_);
  registered_ = agent || agent.error().outcome_unknown;  // then stop() sees to it
  if (!agent) return std::move(agent.error());
  return {};
}

void Worker::Impl::start_threads() {
  threads_.reserve(options_.concurrency);
  for (std::uint32_t i = 0; i < options_.concurrency; ++i) {
    {
      std::lock_guard lock(mutex_);
      ++active_;
    }
    threads_.emplace_back([self = shared_from_this()] { self->run_thread(); });
  }
}

void Worker::Impl::rest() {
  {
    std::lock_guard lock(mutex_);
    --active_;
    changed_.notify_all();
  }
  core_->workers().changed();
}

void Worker::Impl::run_thread() {
  running_worker = this;
  ClaimRequest request;
  request.agent_id = options_.agent_id;
  request.capabilities = options_.capabilities;
  request.wait = std::min(kClaimWait, core_->config().heartbeat_timeout);
  request.lease_ttl = lease_ttl_;
  request.incarnation = incarnation_;
  while (running()) {
    Result<std::optional<ClaimedTask>> task = scheduler_.claim_task(request);
    if (!task) {
      refused(std::move(task.error()));
    } else if (*task) {
      handle(std::move(**task));
    }
  }
  rest();
}

void Worker::Impl::handle(ClaimedTask task) {
  auto attempt = std::make_shared<HeldAttempt>(scheduler_, std::move(task), options_.agent_id);
  std::unique_lock lock(mutex_);
  if (state_ != State::running) {
    lock.unlock();
    (void)scheduler_.release_task(attempt->ref());
    return;
  }
  complained_ = false;
  const std::uint64_t number = ++numbers_;
  held_.emplace(number, attempt);
  const Handler handler = handler_for(attempt->task().task_type.str());
  lock.unlock();
  attempt->run(handler.get(), core_->limits());
  lock.lock();
  held_.erase(number);
  changed_.notify_all();
  lock.unlock();
  core_->workers().changed();
}

// The store is away, the agent is offline or failed, somebody else is this agent, or the
// coordinator shuts down.
void Worker::Impl::refused(Error error) {
  if (error.code == ErrorCode::cancelled) return drain();
  if (error.code == ErrorCode::invalid_argument) return stop_by_itself(std::move(error), false);
  if (!running()) return;
  if (error.code == ErrorCode::failed_precondition || error.code == ErrorCode::not_found) {
    Result<Agent> agent = registry_.get_agent(options_.agent_id);
    const bool gone = agent ? agent->incarnation != incarnation_
                            : agent.error().code == ErrorCode::not_found;
    if (gone) return stop_by_itself(std::move(error));
  }
  std::unique_lock lock(mutex_);
  if (state_ != State::running) return;
  const std::uint64_t beats = beats_;
  if (!std::exchange(complained_, true)) {
    core_->log().write(LogLevel::warning, "worker: its claims are refused",
                       {{"agent", options_.agent_id}, {"error", error.to_string()}});
  }
  changed_.wait_for(lock, std::min(kPause, heartbeat_interval_),
                    [&] { return state_ != State::running || beats_ != beats; });
}

// An agent that is still ours is left to stop(), which unregisters it.
void Worker::Impl::stop_by_itself(Error why, bool gone) {
  {
    std::lock_guard lock(mutex_);
    if (!registered_ || !status_) return;  // it has left, or stopped before
    core_->log().write(LogLevel::warning, "worker stopped by itself",
                       {{"agent", options_.agent_id}, {"error", why.to_string()}});
    if (gone) registered_ = false;
    status_ = std::move(why);
  }
  drain();
}

// --- On the loop ---

void Worker::Impl::again(std::chrono::milliseconds after, void (Impl::*step)()) {
  const std::int64_t when = deadline_after(core_->calls().now_us(), after);
  core_->loop().schedule(when, [weak = weak_from_this(), step] {
    if (auto self = weak.lock()) (*self.*step)();
  });
}

void Worker::Impl::beat() {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::stopped || !registered_) return;
  }
  again(heartbeat_interval_, &Impl::beat);
  HeartbeatReport report;
  report.incarnation = incarnation_;
  registry_.heartbeat(options_.agent_id, report, [weak = weak_from_this()](Result<void> answer) {
    const auto self = weak.lock();
    if (!self) return;
    const bool gone = !answer && (answer.error().code == ErrorCode::failed_precondition ||
                                  answer.error().code == ErrorCode::not_found);
    if (gone) return self->stop_by_itself(std::move(answer.error()));
    std::lock_guard lock(self->mutex_);
    ++self->beats_;
    self->changed_.notify_all();
  });
}

void Worker::Impl::renew() {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::stopped) return;
  }
  again(renew_interval_, &Impl::renew);
  std::vector<Attempt> ours = attempts();
  std::erase_if(ours, [](const Attempt& attempt) { return !attempt->ours(); });
  const std::size_t batch = core_->limits().max_batch;
  for (std::size_t first = 0; first < ours.size(); first += batch) {
    const std::vector<Attempt> part(
        ours.begin() + static_cast<std::ptrdiff_t>(first),
        ours.begin() + static_cast<std::ptrdiff_t>(std::min(first + batch, ours.size())));
    std::vector<AttemptRef> refs;
    for (const Attempt& attempt : part) refs.push_back(attempt->ref());
    scheduler_.renew_many(std::move(refs), [part](Result<std::vector<Result<LeaseStatus>>> all) {
      if (!all) return;  // the store is away: the next renewal may come in time
      for (std::size_t i = 0; i < part.size(); ++i) part[i]->renewed((*all)[i]);
    });
  }
}

// --- The end ---

Result<void> Worker::Impl::stop(std::chrono::milliseconds deadline) {
  if (core_->loop().on_loop_thread()) {
    return Error::failed_precondition("would block: stop() was called on the loop thread");
  }
  if (runs_here()) {
    return Error::failed_precondition("would wait for itself: stop() was called by a handler of " +
                                      options_.agent_id);
  }
  return stop_here(deadline);
}

// Where the destructor's thread cannot wait, a callback thread does in its place. If there is none
// either, the threads are let go: they share this object and end when their handlers return.
void Worker::Impl::stop_finally() {
  if (!core_->loop().on_loop_thread() && !runs_here()) {
    (void)stop_here(options_.drain_timeout);
    return;
  }
  if (core_->pool().submit([self = shared_from_this()] { self->stop_in_callback(); })) return;
  drain();
  for (const Attempt& attempt : attempts()) attempt->cancel();
}

bool Worker::Impl::runs_here() const noexcept { return running_worker == this; }

void Worker::Impl::join_threads() {
  for (std::thread& thread : threads_) {
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach();
    } else {
      thread.join();
    }
  }
  threads_.clear();
}

Result<void> Worker::Impl::stop_here(std::chrono::milliseconds deadline) {
  std::lock_guard one(changing_);
  stop_locked(deadline);
  return {};
}

// A handler that then closes the coordinator, too, waits for this callback: its worker's threads are
// let go.
void Worker::Impl::stop_in_callback() {
  std::lock_guard one(changing_);
  release_after(options_.drain_timeout);
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return active_ == 0 || let_go_; });
    if (let_go_) return;
  }
  retire();
}

void Worker::Impl::stop_locked(std::chrono::milliseconds deadline) {
  release_after(deadline);
  retire();
}

// Of a worker that was not started, or stopped before, there is nothing to wait for.
void Worker::Impl::release_after(std::chrono::milliseconds deadline) {
  drain();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, steady_deadline(deadline),
                        [this] { return held_.empty() || let_go_; });
  }
  release_left();
}

void Worker::Impl::retire() {
  join_threads();
  bool registered;
  {
    std::lock_guard lock(mutex_);
    state_ = State::stopped;
    registered = std::exchange(registered_, false);
  }
  if (registered) (void)registry_.unregister_agent(options_.agent_id, incarnation_);
}

// Ends its parked claims, too: the agent takes no more.
void Worker::Impl::drain() {
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::running) return;
    state_ = State::draining;
    changed_.notify_all();
    if (!registered_) return;
  }
  HeartbeatReport report;
  report.status = AgentStatus::draining;
  report.incarnation = incarnation_;
  registry_.heartbeat(options_.agent_id, report, [](const Result<void>&) {});
}

// All in one call, which takes operation_timeout at the most, and before their handlers hear of it,
// so that what these return then is not taken for a result.
void Worker::Impl::release_left() {
  const std::vector<Attempt> left = attempts();
  std::vector<AttemptRef> ours;
  for (const Attempt& attempt : left) {
    if (attempt->ours()) ours.push_back(attempt->ref());
  }
  EndCall<AttemptRef> call(core_->config().require_lease);
  call.take(std::move(ours));
  Checks checks(core_->limits());
  if (!call.inputs.empty()) (void)core_->block(checks, std::move(call));
  for (const Attempt& attempt : left) attempt->lose();
}

// Of an agent that holds attempts the leases stay valid in a shared store.
void Worker::Impl::leave() {
  {
    std::lock_guard lock(mutex_);
    if (!held_.empty() || !std::exchange(registered_, false)) return;
    ++active_;
  }
  registry_.unregister_agent(options_.agent_id, incarnation_,
                             [self = shared_from_this()](const Result<void>&) { self->rest(); });
}

void Worker::Impl::closing() {
  if (!runs_here()) return;
  std::lock_guard lock(mutex_);
  let_go_ = true;
  changed_.notify_all();
}

// Nothing can be renewed or ended any more. Who held nothing has ended in order.
void Worker::Impl::closed() {
  const std::vector<Attempt> left = attempts();
  if (left.empty()) return drain();
  stop_by_itself(Error::cancelled("the coordinator is closed"));
  for (const Attempt& attempt : left) attempt->lose();
}

std::vector<Worker::Impl::Attempt> Worker::Impl::attempts() const {
  std::lock_guard lock(mutex_);
  std::vector<Attempt> found;
  for (const auto& [number, attempt] : held_) found.push_back(attempt);
  return found;
}

bool Worker::Impl::at_rest() const {
  std::lock_guard lock(mutex_);
  return active_ == 0;
}

std::size_t Worker::Impl::held() const {
  std::lock_guard lock(mutex_);
  return held_.size();
}

bool Worker::Impl::running() const {
  std::lock_guard lock(mutex_);
  return state_ == State::running;
}

Result<void> Worker::Impl::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace controlplane
