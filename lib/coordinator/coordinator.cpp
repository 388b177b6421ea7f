#include "controlplane/coordinator.hpp"

#include <utility>

#include "coordinator/agent_calls.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/metrics.hpp"
#include "engine/event.hpp"

namespace controlplane {
namespace {

Error trimmed(std::uint64_t after, std::uint64_t first) {
  return Error::data_loss("events after " + std::to_string(after) +
                          " are trimmed; the first one still there is " + std::to_string(first));
}

Checks check_reading(CoordinatorCore& core, std::size_t max_items, const EventFilter& filter) {
  Checks checks(core.limits());
  checks.count("max_items", max_items, 1, core.limits().max_page, "max_page");
  checks.merge(check_event_filter(filter));
  return checks;
}

// A filter that few events match is asked for in several steps.
struct EventReading {
  std::uint64_t after;
  std::size_t max_items;
  std::vector<Event> events;

  ReadEventsCall next(const EventFilter& filter) const {
    return {after, max_items - events.size(), filter};
  }
  // What was read, once there is nothing more to read for it.
  std::optional<Result<std::vector<Event>>> take(ReadEvents read) {
    const bool is_cut = read.first_seq > 0 && read.first_seq - 1 > after;
    if (is_cut && events.empty()) return trimmed(after, read.first_seq);
    for (Event& event : read.events) events.push_back(std::move(event));
    const bool is_end = read.last_visited <= after || read.last_visited >= read.last_seq;
    after = read.last_visited;
    if (is_end || events.size() >= max_items) return std::move(events);
    return std::nullopt;
  }
};

void read_on(CoordinatorCore& core, EventReading reading, const EventFilter& filter,
             Done<std::vector<Event>> done) {
  if (!done) return;
  Checks checks = check_reading(core, reading.max_items, filter);
  auto call = reading.next(filter);
  auto then = [&core, reading = std::move(reading), filter,
               done = std::move(done)](Result<ReadEvents> read) mutable {
    if (!read) return done(std::move(read.error()));
    if (auto events = reading.take(*std::move(read))) return done(*std::move(events));
    read_on(core, std::move(reading), filter, std::move(done));
  };
  core.complete(checks, std::move(call), Done<ReadEvents>(std::move(then)));
}

Stats stats_of(CoordinatorCore& core, ReadStats read) {
  Stats stats = std::move(read.stats);
  stats.scheduler.waiting_claims = core.claims().waiting();
  stats.store = core.store_name();
  stats.tenant = core.config().tenant_id;
  stats.now = read.now;
  return stats;
}

std::string metrics_text_of(CoordinatorCore& core, const ReadStats& read) {
  LocalMetrics local;
  local.waiting_claims = core.claims().waiting();
  local.waiting_results = core.results().waiting();
  local.waiting_reads = core.logs().waiting();
  local.subscriptions = core.feed().subscriptions();
  local.outstanding_calls = core.calls().outstanding();
  local.state_retries = core.state_retries().load(std::memory_order_relaxed);
  local.messages = &core.messages();
  return metrics_of(read, local);
}

}  // namespace

Coordinator::Coordinator(std::shared_ptr<CoordinatorCore> core)
    : AgentRegistry(core), TaskScheduler(core), HealthMonitor(std::move(core)) {}
Coordinator::Coordinator(Coordinator&&) noexcept = default;

Coordinator& Coordinator::operator=(Coordinator&& other) noexcept {
  if (this == &other) return *this;
  if (core()) (void)core()->shutdown(std::chrono::milliseconds(0));
  AgentRegistry::operator=(std::move(other));
  TaskScheduler::operator=(std::move(other));
  HealthMonitor::operator=(std::move(other));
  return *this;
}

Coordinator::~Coordinator() {
  if (core()) (void)core()->shutdown(std::chrono::milliseconds(0));
}

Result<Subscription> Coordinator::subscribe(SubscribeOptions options, EventHandler handler) {
  return core()->subscribe(std::move(options), std::move(handler));
}

Result<std::vector<Event>> Coordinator::read_events(std::uint64_t after, std::size_t max_items,
                                                    const EventFilter& filter) const {
  Checks checks = check_reading(*core(), max_items, filter);
  EventReading reading{after, max_items, {}};
  for (;;) {
    auto read = core()->block(checks, reading.next(filter));
    if (!read) return std::move(read.error());
    if (auto events = reading.take(*std::move(read))) return *std::move(events);
  }
}

void Coordinator::read_events(std::uint64_t after, std::size_t max_items, const EventFilter& filter,
                              Done<std::vector<Event>> done) const {
  read_on(*core(), {after, max_items, {}}, filter, std::move(done));
}

Result<Stats> Coordinator::get_stats() const {
  Checks checks(core()->limits());
  auto read = core()->block(checks, StatsCall{});
  if (!read) return std::move(read.error());
  return stats_of(*core(), *std::move(read));
}

void Coordinator::get_stats(Done<Stats> done) const {
  Checks checks(core()->limits());
  core()->complete(checks, StatsCall{},
                   mapped<ReadStats>(std::move(done), [core = core().get()](ReadStats read) {
                     return stats_of(*core, std::move(read));
                   }));
}

Result<std::string> Coordinator::metrics_text() const {
  if (!core()->config().enable_metrics) return std::string();
  Checks checks(core()->limits());
  auto read = core()->block(checks, StatsCall{});
  if (!read) return std::move(read.error());
  return metrics_text_of(*core(), *read);
}

void Coordinator::metrics_text(Done<std::string> done) const {
  if (!core()->config().enable_metrics) {
    return core()->calls().deliver(std::move(done), Result<std::string>(std::string()));
  }
  Checks checks(core()->limits());
  core()->complete(checks, StatsCall{},
                   mapped<ReadStats>(std::move(done), [core = core().get()](const ReadStats& read) {
                     return metrics_text_of(*core, read);
                   }));
}

Result<void> Coordinator::shutdown(std::chrono::milliseconds deadline) {
  return core()->shutdown(deadline);
}

const Config& Coordinator::config() const { return core()->config(); }

}  // namespace controlplane
