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

}  // namespace

Result<Coordinator> Coordinator::open(Config config) {
  return open_coordinator(std::move(config), {});
}

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
  Checks checks(core()->limits());
  checks.count("max_items", max_items, 1, core()->limits().max_page, "max_page");
  if (auto valid = check_event_filter(filter); !valid && checks.ok()) {
    return std::move(valid.error());
  }
  std::vector<Event> events;
  while (events.size() < max_items) {
    auto read = core()->block(checks, ReadEventsCall(after, max_items - events.size(), filter));
    if (!read) return std::move(read.error());
    if (read->first_seq > after + 1 && events.empty()) return trimmed(after, read->first_seq);
    for (Event& event : read->events) events.push_back(std::move(event));
    if (read->last_visited <= after || read->last_visited >= read->last_seq) break;
    after = read->last_visited;
  }
  return events;
}

Result<Stats> Coordinator::get_stats() const {
  Checks checks(core()->limits());
  auto read = core()->block(checks, StatsCall{});
  if (!read) return std::move(read.error());
  Stats stats = std::move(read->stats);
  stats.scheduler.waiting_claims = core()->claims().waiting();
  stats.store = core()->store_name();
  stats.tenant = core()->config().tenant_id;
  stats.now = read->now;
  return stats;
}

Result<std::string> Coordinator::metrics_text() const {
  if (!core()->config().enable_metrics) return std::string();
  Checks checks(core()->limits());
  auto read = core()->block(checks, StatsCall{});
  if (!read) return std::move(read.error());
  LocalMetrics local;
  local.waiting_claims = core()->claims().waiting();
  local.waiting_results = core()->results().waiting();
  local.subscriptions = core()->feed().subscriptions();
  local.outstanding_calls = core()->calls().outstanding();
  return metrics_of(*read, local);
}

Result<void> Coordinator::shutdown(std::chrono::milliseconds deadline) {
  return core()->shutdown(deadline);
}

const Config& Coordinator::config() const { return core()->config(); }

}  // namespace controlplane
