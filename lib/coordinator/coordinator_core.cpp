#include "coordinator/coordinator_core.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <vector>

#include "base/deadline.hpp"
#include "base/wording.hpp"
#include "coordinator/coded_tenant.hpp"
#include "coordinator/store_url.hpp"
#include "coordinator/transition_log.hpp"
#include "engine/event.hpp"
#include "store/memory/memory_store.hpp"

namespace controlplane {
namespace {

constexpr std::chrono::seconds kCallbackGrace{5};  // closing waits this long for running callbacks
constexpr std::chrono::seconds kFlushTime{1};      // and this long for the last log records

std::int64_t in_us(std::chrono::milliseconds duration) {
  return std::chrono::microseconds(duration).count();
}

NamespaceOptions namespace_options(const Config& config) {
  NamespaceOptions options;
  options.limits = config.limits;
  options.retention = config.retention;
  options.heartbeat_timeout_us = in_us(config.heartbeat_timeout);
  options.offline_retention_us = in_us(config.offline_agent_retention);
  options.event_retention_us = in_us(config.event_retention);
  options.cancel_grace_us = in_us(config.cancel_grace);
  options.ageing_interval_us = in_us(config.ageing_interval);
  options.default_timeout_us = in_us(config.task_timeout);
  options.default_max_retries = static_cast<std::uint32_t>(config.max_task_retries);
  return options;
}

// A tenant's keys are of no use in another one.
std::string message_key_context(std::string_view tenant) {
  std::string context;
  append_field(context, "aragora.message.key.v1");
  append_field(context, tenant);
  return context;
}

Result<void> load_signing_keys(Config& config) {
  if (!config.signing_keys.empty() || config.signing_keys_file.empty()) return {};
  auto ring = KeyRing::from_file(config.signing_keys_file);
  if (!ring) {
    return Error::invalid_argument(fmt::format("signing_keys_file (from {}): {}",
                                               config.origin_of("signing_keys_file"),
                                               ring.error().message));
  }
  config.signing_keys = *std::move(ring);
  return {};
}

std::string host_and_pid() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {"localhost"};
  return fmt::format("{}:{}", host.data(), getpid());
}

Result<std::shared_ptr<Store>> open_store(const Config& config, const Clock& clock) {
  const std::string_view scheme = scheme_of(config.store_url);
  if (scheme == "memory") {
    return std::shared_ptr<Store>(make_memory_store(clock, config.limits.max_tenants));
  }
  return Error::invalid_argument(
      fmt::format("store_url is {} (from {}); this build has memory:// only",
                  redacted(config.store_url), config.origin_of("store_url")));
}

// A message is accepted for a window after it says that it was signed, which may be a window after it
// came: so long the store must keep its id, and how long it does its first opener has said.
Result<void> check_window(const Config& config, const TenantStore& tenant) {
  const std::chrono::milliseconds min_age = tenant.options().retention.min_age;
  if (config.signing_keys.empty() || 2 * config.message_window <= min_age) return {};
  return Error::invalid_argument(fmt::format(
      "message_window is {} (from {}); it must not exceed half of retention.min_age, which is {} for "
      "tenant {}, as its first opener said",
      seconds(config.message_window), config.origin_of("message_window"), seconds(min_age),
      config.tenant_id));
}

// Keys without somebody who encrypts would be a promise that nobody keeps.
Result<std::shared_ptr<TenantStore>> open_tenant(const Config& config,
                                                 const CoordinatorParts& parts) {
  if (parts.codec == nullptr && !config.encryption_keys.empty()) {
    return Error::internal("encryption_keys are given to a coordinator that cannot encrypt");
  }
  auto tenant = parts.store->open_tenant(config.tenant_id, namespace_options(config));
  if (!tenant) return tenant;
  if (auto remembers = check_window(config, **tenant); !remembers) return std::move(remembers.error());
  if (parts.codec == nullptr) return tenant;
  return std::shared_ptr<TenantStore>(
      std::make_shared<CodedTenant>(*std::move(tenant), parts.codec));
}

// Weak: the log has a strand of the pool, whose hook this is.
FailureHook failure_hook(const std::shared_ptr<CoordinatorLog>& log) {
  return [weak = std::weak_ptr(log)](std::string_view what) {
    const auto alive = weak.lock();
    if (!alive) return;
    alive->write(LogLevel::error, "a callback threw", {{"error", std::string(what)}});
  };
}

std::function<void(bool, std::string_view)> away_hook(const std::shared_ptr<CoordinatorLog>& log) {
  return [log](bool away, std::string_view why) {
    if (!away) return log->write(LogLevel::info, "the store answers again");
    log->write(LogLevel::warning, "the store is away", {{"error", std::string(why)}});
  };
}

CallbackPoolOptions pool_options(const Config& config, bool pumped, FailureHook hook) {
  CallbackPoolOptions options;
  options.max_threads = config.limits.max_callback_threads;
  options.max_queued = config.limits.max_queued_callbacks;
  options.pumped = pumped;
  options.on_failure = std::move(hook);
  return options;
}

EventFeedOptions feed_options(const Config& config, const CoordinatorLog& log) {
  const std::size_t own = logged_types(log) ? 1 : 0;
  return {config.limits.max_subscriptions, own, config.limits.max_subscription_buffer,
          config.operation_timeout};
}

}  // namespace

Result<std::shared_ptr<CoordinatorCore>> CoordinatorCore::open(Config config,
                                                               CoordinatorParts parts) {
  if (auto loaded = load_signing_keys(config); !loaded) return std::move(loaded.error());
  if (auto valid = config.validate(); !valid) return std::move(valid.error());
  if (parts.clock == nullptr) parts.clock = &system_clock();
  if (parts.store == nullptr) {
    auto store = open_store(config, *parts.clock);
    if (!store) return std::move(store.error());
    parts.store = *std::move(store);
  }
  auto tenant = open_tenant(config, parts);
  if (!tenant) return std::move(tenant.error());
  auto entropy = std::move(parts.entropy);
  if (entropy == nullptr) entropy = std::make_unique<SystemEntropy>();
  std::shared_ptr<CoordinatorCore> core(new CoordinatorCore(
      std::move(config), std::move(parts), *std::move(tenant), std::move(entropy)));
  if (auto started = core->start(); !started) return std::move(started.error());
  return core;
}

Coordinator CoordinatorCore::wrap(std::shared_ptr<CoordinatorCore> core) {
  return Coordinator(std::move(core));
}

Result<Coordinator> open_coordinator(Config config, CoordinatorParts parts) {
  auto core = CoordinatorCore::open(std::move(config), std::move(parts));
  if (!core) return std::move(core.error());
  return CoordinatorCore::wrap(*std::move(core));
}

CoordinatorCore::CoordinatorCore(Config config, CoordinatorParts parts,
                                 std::shared_ptr<TenantStore> tenant,
                                 std::unique_ptr<Entropy> entropy)
    : config_(std::move(config)),
      pumped_(parts.pumped),
      clock_(*parts.clock),
      real_time_(parts.clock == &system_clock()),
      entropy_(std::move(entropy)),
      store_(std::move(parts.store)),
      tenant_(std::move(tenant)),
      incarnation_(config_.incarnation != 0 ? config_.incarnation : entropy_->next() | 1),
      registered_by_(config_.coordinator_id.empty() ? host_and_pid() : config_.coordinator_id),
      ids_(*entropy_),
      log_(std::make_shared<CoordinatorLog>(config_.log_level, config_.log_sink, clock_,
                                            config_.limits.max_queued_log_records)),
      loop_(clock_, failure_hook(log_)),
      pool_(pool_options(config_, pumped_, failure_hook(log_))),
      calls_(
          *tenant_, loop_, clock_, *entropy_,
          {config_.operation_timeout, incarnation_, pumped_, failure_hook(log_), away_hook(log_)}),
      claims_(calls_,
              {config_.limits.max_waiting_claims, config_.strategy, config_.require_registration}),
      results_(calls_, config_.limits.max_waiting_results),
      permits_(calls_),
      logs_(calls_, config_.limits.max_waiting_reads),
      advance_(calls_, config_.cleanup_interval),
      feed_(tenant_, loop_, pool_, feed_options(config_, *log_)),
      probes_(calls_, pool_, *log_,
              {config_.probe_interval, config_.probe_timeout, config_.limits.max_probes,
               config_.limits.max_error_bytes}),
      health_(calls_),
      message_keys_(config_.signing_keys, message_key_context(config_.tenant_id)) {
  log_->attach(pool_.make_strand());
}

CoordinatorCore::~CoordinatorCore() { close(); }

Result<void> CoordinatorCore::start() {
  if (!pumped_) {
    if (auto started = loop_.start(); !started) return started;
  }
  tenant_->add_listener(*this);
  advance_.start();
  log_transitions();
  log_->write(LogLevel::info, "coordinator opened",
              {{"coordinator", registered_by_},
               {"tenant", config_.tenant_id},
               {"store", std::string(store_->name())}});
  return {};
}

void CoordinatorCore::log_transitions() {
  auto types = logged_types(*log_);
  if (!types) return;
  SubscribeOptions options;
  options.filter.types = *std::move(types);
  options.buffer = config_.limits.max_subscription_buffer;
  const auto subscribed = feed_.subscribe(
      std::move(options), [log = log_](const EventBatch& batch) { log_events(*log, batch); },
      real_time_ ? EventFeed::Urgency::relaxed : EventFeed::Urgency::prompt);
  if (subscribed) return;
  log_->write(LogLevel::warning, "transitions are not logged",
              {{"error", subscribed.error().to_string()}});
}

Result<Subscription> CoordinatorCore::subscribe(SubscribeOptions options, EventHandler handler) {
  if (auto refused = refuse_block(Entry::any)) return std::move(*refused);
  if (auto valid = check_event_filter(options.filter); !valid) return std::move(valid.error());
  auto id = feed_.subscribe(std::move(options), std::move(handler));
  if (!id) return std::move(id.error());
  return Subscription(feed_.ender(*id));
}

Result<Permit> CoordinatorCore::acquire(const AcquireRequest& request, bool is_lease) {
  if (auto refused = refuse_block(Entry::any)) return std::move(*refused);
  Checks checks(limits());
  check_acquire(checks, request);
  if (!checks.ok()) return checks.take();
  return permits_.acquire(request, is_lease);
}

void CoordinatorCore::acquire(AcquireRequest request, bool is_lease, Done<Permit> done) {
  Checks checks(limits());
  check_acquire(checks, request);
  auto refused = refuse(Entry::any);
  if (!refused && !checks.ok()) refused = checks.take();
  if (refused) return calls_.deliver(std::move(done), Result<Permit>(std::move(*refused)));
  permits_.acquire(std::move(request), is_lease, std::move(done));
}

Result<LogPage> CoordinatorCore::read_log(Checks& checks, const LogReading& reading) {
  if (auto refused = refuse_block(Entry::any)) return std::move(*refused);
  if (!checks.ok()) return checks.take();
  return logs_.read(reading);
}

std::uint64_t CoordinatorCore::read_log(Checks& checks, const LogReading& reading,
                                        Done<LogPage> done) {
  auto refused = refuse(Entry::any);
  if (!refused && !checks.ok()) refused = checks.take();
  if (!refused) return logs_.read(reading, std::move(done));
  calls_.deliver(std::move(done), Result<LogPage>(std::move(*refused)));
  return 0;
}

std::size_t CoordinatorCore::pump() {
  std::size_t total = 0;
  for (std::size_t ran = 1; ran > 0; total += ran) ran = loop_.pump() + pool_.pump();
  return total;
}

Result<void> CoordinatorCore::shutdown(std::chrono::milliseconds deadline) {
  Gate open = Gate::open;
  gate_.compare_exchange_strong(open, Gate::draining);
  std::size_t left = 0;
  if (open != Gate::closed) {
    const bool may_wait = !loop_.on_loop_thread() && !pumped_;
    const auto until = steady_deadline(may_wait ? deadline : std::chrono::milliseconds(0));
    workers_.drain();  // first, so that they take the end of their claims for what it is
    claims_.close();
    left = workers_.leave(until);
  }
  close();
  if (left == 0) return {};
  return Error::deadline_exceeded(
      fmt::format("closed with {} attempts of this coordinator's workers left after {} ms", left,
                  deadline.count()));
}

// Who comes second waits until the first is done, unless that waits for him.
void CoordinatorCore::close() {
  {
    std::unique_lock lock(closing_mutex_);
    if (closing_ != Closing::no) {
      const bool within = closer_ == std::this_thread::get_id();
      if (within || loop_.on_loop_thread() || pool_.runs_here()) return;
      return closed_.wait(lock, [this] { return closing_ == Closing::done; });
    }
    closing_ = Closing::now;
    closer_ = std::this_thread::get_id();
  }
  close_parts();
  std::lock_guard lock(closing_mutex_);
  closing_ = Closing::done;
  closed_.notify_all();
}

void CoordinatorCore::close_parts() {
  log_->write(LogLevel::info, "coordinator closed", {{"coordinator", registered_by_}});
  gate_.store(Gate::closed, std::memory_order_release);
  tenant_->remove_listener(*this);
  probes_.close();
  if (pumped_) pool_.pump();
  if (!pumped_ && !loop_.on_loop_thread()) log_->flush(kFlushTime);
  workers_.closing();
  pool_.stop(steady_deadline(kCallbackGrace));
  log_->close();
  feed_.close();
  claims_.close();
  results_.close();
  permits_.close();
  logs_.close();
  calls_.close();
  loop_.stop();
  workers_.closed();
}

std::optional<Error> CoordinatorCore::why_not(Entry entry) const {
  const Gate gate = gate_.load(std::memory_order_acquire);
  if (gate == Gate::closed) return StoreCalls::closed_error();
  if (gate == Gate::draining && entry == Entry::new_work) {
    return Error::cancelled("the coordinator is shutting down: it takes no new submits and claims");
  }
  return std::nullopt;
}

std::optional<Error> CoordinatorCore::why_not_block(Entry entry) const {
  if (auto refused = why_not(entry)) return refused;
  if (!loop_.on_loop_thread()) return std::nullopt;
  return Error::failed_precondition(
      "would block: this is the loop thread, use the form with a completion");
}

void CoordinatorCore::on_signals(std::span<const Signal> signals) {
  std::vector<std::pair<std::shared_ptr<const QueueKey>, std::uint32_t>> ready;
  std::vector<TaskId> done;
  for (const Signal& signal : signals) {
    switch (signal.kind) {
      case Signal::Kind::task_ready:
        ready.emplace_back(signal.queue, signal.count);
        break;
      case Signal::Kind::agent_eligible:
        claims_.on_eligible(signal.agent);
        break;
      case Signal::Kind::agent_offers:
        claims_.on_offers(signal.agent);
        break;
      case Signal::Kind::agent_ended:
        claims_.on_ended(signal.agent, signal.error);
        break;
      case Signal::Kind::task_done:
        done.push_back(signal.task);
        break;
      case Signal::Kind::permit_granted:
        permits_.on_granted(signal.operation);
        break;
      case Signal::Kind::permit_refused:
        permits_.on_refused(signal.operation, signal.error);
        break;
      case Signal::Kind::log_changed:
        logs_.on_changed(signal.log);
        break;
    }
  }
  if (!done.empty()) results_.on_done(done);
  if (!ready.empty()) claims_.on_ready(std::move(ready));
}

}  // namespace controlplane
