#include "simulation/witness_store.hpp"

#include <utility>

#include "store/memory/memory_store.hpp"

namespace controlplane::simulation {

WitnessTenant::WitnessTenant(std::shared_ptr<TenantStore> inner, History& history)
    : TenantDecorator(std::move(inner)), history_(history) {
  this->inner().add_listener(*this);
}

WitnessTenant::~WitnessTenant() { inner().remove_listener(*this); }

const Namespace& WitnessTenant::tables() const { return tables_of(inner()); }

bool WitnessTenant::apply(Operation& op) {
  history_.before(op);
  current_ = &op;
  inner().apply(op);
  digest();
  return true;
}

// The first to hear of the operation calls it, or apply() when nobody does.
void WitnessTenant::digest() {
  Operation* const op = std::exchange(current_, nullptr);
  if (op == nullptr) return;
  history_.after(*op);
  ReadEvents read;
  read.filter = &no_filter_;
  read.max_items = 10'000;
  while (tables().last_event() > history_.last_event()) {
    read.after = history_.last_event();
    inner().apply(read);
    for (const Event& event : read.events) history_.event(event);
    if (read.events.empty()) return;  // trimmed: the next event will not follow
  }
}

void WitnessTenant::add_listener(StoreListener& listener) {
  listeners_.push_back(&listener);
  if (const Timestamp due = tables().next_due(); due != kNever) listener.on_due(due);
}

void WitnessTenant::remove_listener(StoreListener& listener) { std::erase(listeners_, &listener); }

void WitnessTenant::on_signals(std::span<const Signal> signals) {
  digest();
  for (StoreListener* listener : std::vector(listeners_)) listener->on_signals(signals);
}

void WitnessTenant::on_events(std::uint64_t last_seq) {
  digest();
  for (StoreListener* listener : std::vector(listeners_)) listener->on_events(last_seq);
}

void WitnessTenant::on_due(Timestamp earliest) {
  digest();
  for (StoreListener* listener : std::vector(listeners_)) listener->on_due(earliest);
}

std::optional<Agent> WitnessTenant::agent(std::string_view id) {
  GetAgent op;
  op.agent_id = id;
  inner().apply(op);
  return op.failed ? std::nullopt : std::move(op.agent);
}

std::uint64_t WitnessTenant::before_first_event() {
  ReadStats op;
  inner().apply(op);
  const std::uint64_t first = op.stats.events.first_seq;
  return first == 0 ? 0 : first - 1;
}

std::vector<LogEntry> WitnessTenant::log_entries(std::string_view log) {
  std::vector<LogEntry> all;
  GetLog get;
  get.name = log;
  inner().apply(get);
  ReadLog read;
  read.name = log;
  read.max_items = 1'000;
  read.after = get.log.first_seq - 1;
  do {
    inner().apply(read);
    for (LogEntry& entry : read.page.entries) all.push_back(std::move(entry));
    read.after = read.page.next_after;
  } while (!read.page.entries.empty());
  return all;
}

std::vector<Task> WitnessTenant::all_tasks() {
  std::vector<Task> all;
  PageRequest page;
  page.max_items = 1'000;
  ListTasks op;
  op.filter = &every_task_;
  op.page = &page;
  do {
    inner().apply(op);
    for (Task& task : op.tasks.items) all.push_back(std::move(task));
    page.cursor = op.tasks.next_cursor;
  } while (!page.cursor.empty());
  return all;
}

}  // namespace controlplane::simulation
