#include "engine/namespace_import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/agent_restore.hpp"
#include "engine/namespace_impl.hpp"
#include "engine/permit_restore.hpp"
#include "engine/row_json.hpp"
#include "engine/task_restore.hpp"

namespace controlplane {
namespace {

constexpr std::int64_t kMaxAheadUs = 86'400'000'000;
constexpr std::string_view kSealed = R"({"$sealed")";  // how an encrypted value begins

Error at_line(std::uint64_t line, Error error) {
  error.message = fmt::format("line {}: {}", line, error.message);
  return error;
}

Error at_line(const RowFault& fault) {
  return Error::invalid_argument(fmt::format("line {}: {}", fault.line, fault.what));
}

}  // namespace

struct NamespaceImport::Impl {
  Impl(std::string name, const NamespaceOptions& options, Timestamp n)
      : made(std::make_unique<Namespace>(std::move(name), options)),
        tables(*made->impl_),
        parser(tables.options.limits),
        tasks(tables.tasks),
        agents(tables.agents, tables.options.limits),
        permits(tables.permits),
        store_now(n) {}

  // A row whose turn comes at the end: it names what other rows have to make first.
  struct Later {
    std::uint64_t line;
    std::string row;
  };

  Result<void> add(RowKind kind, std::string_view row);
  Result<void> add_header();
  Result<void> add_totals();
  Result<void> add_event();
  Result<void> check_place(std::initializer_list<JsonText> values) const;
  template <class Row, class Add>
  Result<void> read(Add&& add) {
    Row row;
    if (auto done = parser.read(row); !done) return done;
    return add(row);
  }
  template <class Row, class Add>
  Result<void> read_later(std::vector<Later>& rows, Add&& add);
  Result<void> check_complete() const;
  Result<void> finish(Timestamp now);

  std::unique_ptr<Namespace> made;
  Namespace::Impl& tables;
  RowParser parser;
  TaskRestore tasks;
  AgentRestore agents;
  PermitRestore permits;
  const Timestamp store_now;
  std::uint64_t line = 0;
  Downtime time;
  bool is_elsewhere = false;  // another tenant's
  std::string was_tenant;
  RowCounts expected, counts;
  TotalsRow totals;
  TrailerRow trailer;
  std::vector<Later> permit_rows, waiter_rows, called_rows;
  std::uint64_t next_event = 1;
  Timestamp last_event_time = 0;
};

NamespaceImport::NamespaceImport(std::string tenant, const NamespaceOptions& options, Timestamp now)
    : impl_(std::make_unique<Impl>(std::move(tenant), options, now)) {}
NamespaceImport::~NamespaceImport() = default;

const TrailerRow& NamespaceImport::trailer() const noexcept { return impl_->trailer; }
const RowCounts& NamespaceImport::counts() const noexcept { return impl_->counts; }
Timestamp NamespaceImport::taken_at() const noexcept { return impl_->time.was; }

Result<RowKind> NamespaceImport::add(std::string_view row) {
  Impl& self = *impl_;
  ++self.line;
  const Result<RowKind> kind = self.parser.begin(row);
  if (!kind) return at_line(self.line, kind.error());
  if (auto added = self.add(*kind, row); !added) {
    Error error = std::move(added.error());
    error.message = fmt::format("{}: {}", to_string(*kind), error.message);
    return at_line(self.line, std::move(error));
  }
  return *kind;
}

Result<void> NamespaceImport::Impl::add(RowKind kind, std::string_view row) {
  if ((kind == RowKind::header) != (line == 1)) {
    return Error::invalid_argument("the header is the first row, and no other one");
  }
  if ((kind == RowKind::totals) != (line == 2)) {
    return Error::invalid_argument("the totals are the second row, and no other one");
  }
  switch (kind) {
    case RowKind::header:
      return add_header();
    case RowKind::totals:
      return add_totals();
    case RowKind::pool:
      ++counts.pools;
      return read<PoolRow>([&](const PoolRow& r) { return permits.add(r, line, time.now); });
    case RowKind::permit:
      ++counts.permits;
      permit_rows.push_back({line, std::string(row)});
      return {};
    case RowKind::waiter:
      ++counts.waiters;
      waiter_rows.push_back({line, std::string(row)});
      return {};
    case RowKind::called:
      ++counts.called;
      called_rows.push_back({line, std::string(row)});
      return {};
    case RowKind::agent:
      ++counts.agents;
      return read<AgentRow>([&](const AgentRow& r) { return agents.add(r, line, time.was); });
    case RowKind::document:
      ++counts.documents;
      return read<DocumentRow>([&](const DocumentRow& r) {
        const auto fits = check_place({r.value});
        return fits ? tables.documents.restore(r) : fits;
      });
    case RowKind::key:
      ++counts.keys;
      return read<KeyRow>([&](const KeyRow& r) { return tasks.add(r); });
    case RowKind::task:
      ++counts.tasks;
      return read<TaskRow>([&](const TaskRow& r) {
        auto fits = check_place({r.payload});
        if (fits && r.attempt) fits = check_place({r.attempt->checkpoint, r.attempt->result});
        return fits ? tasks.add(r, line) : fits;
      });
    case RowKind::log:
      ++counts.logs;
      return read<LogRow>([&](const LogRow& r) { return tables.logs.restore(r); });
    case RowKind::entry:
      ++counts.entries;
      return read<EntryRow>([&](const EntryRow& r) { return tables.logs.restore(r); });
    case RowKind::event:
      ++counts.events;
      return add_event();
    case RowKind::trailer:
      return parser.read(trailer = {});
  }
  return {};
}

Result<void> NamespaceImport::Impl::add_header() {
  return read<HeaderRow>([&](const HeaderRow& row) -> Result<void> {
    if (row.format.text != kSnapshotFormat)
      return Error::invalid_argument("format is none that is known");
    if (row.version != kSnapshotVersion) {
      return Error::invalid_argument(
          fmt::format("version is {}; this library reads {}", row.version, kSnapshotVersion));
    }
    if (row.now > store_now + kMaxAheadUs) {
      return Error::invalid_argument(fmt::format(
          "now is {}, more than a day ahead of this store's clock ({})", row.now, store_now));
    }
    time = {row.now, row.now, true};  // until finish()
    is_elsewhere = row.tenant.text != tables.tenant;
    was_tenant = row.tenant.text;
    parser.set_now(row.now);
    expected = row.counts;
    return {};
  });
}

Result<void> NamespaceImport::Impl::add_totals() {
  if (auto done = parser.read(totals); !done) return done;
  for (const std::uint64_t last :
       {totals.next_serial, totals.last_position, totals.last_agent, totals.agents_joined,
        totals.assignments, totals.last_dropped, totals.last_fence, totals.last_waiter,
        totals.last_dropped_entry, totals.last_event}) {
    if (last <= kMaxNumber) continue;
    return Error::invalid_argument(
        fmt::format("{} is beyond {}, the highest number that may have been given out", last,
                    kMaxNumber));
  }
  if (totals.first_event == 0 || totals.first_event > totals.last_event + 1) {
    return Error::invalid_argument("first_event is 0, or beyond the one behind last_event");
  }
  next_event = totals.first_event;
  tables.log.begin_at(next_event);
  return {};
}

// What is encrypted opens under the name of its tenant only. Under another one work would fail, task
// by task, for good.
Result<void> NamespaceImport::Impl::check_place(std::initializer_list<JsonText> values) const {
  if (!is_elsewhere) return {};
  for (const JsonText& value : values) {
    if (!value.text.starts_with(kSealed)) continue;
    return Error::failed_precondition(
        fmt::format("it has a value that is encrypted for tenant {}, which does not open in tenant {}",
                    was_tenant, tables.tenant));
  }
  return {};
}

Result<void> NamespaceImport::Impl::add_event() {
  return read<EventRow>([&](const EventRow& row) -> Result<void> {
    if (row.seq != next_event || row.seq > totals.last_event) {
      return Error::invalid_argument(
          fmt::format("seq is {}; the next one is {}", row.seq, next_event));
    }
    if (!row.task.empty() && !row.task.is_made())
      return Error::invalid_argument("task is no made id");
    if (row.labels.size() > tables.options.limits.max_labels) {
      return Error::invalid_argument("labels are more than max_labels");
    }
    if (row.time < last_event_time) return Error::invalid_argument("time is before the last one's");
    last_event_time = row.time;
    ++next_event;
    const Labels labels = labels_of(row.labels);
    EventDraft event;
    event.type = row.type;
    event.reason = row.reason;
    event.time = row.time;
    if (!row.task.empty()) event.task = &row.task.uuid();
    event.subject = row.subject.text;
    event.attempt = row.attempt;
    event.agent = row.agent.text;
    event.kind = row.kind.text;
    event.text = row.text.text;
    event.will_retry = row.will_retry;
    event.until = row.until;
    event.fraction = row.fraction;
    event.other = row.other.text;
    event.count = row.count;
    event.trace = row.trace.text;
    event.fence = row.fence;
    event.labels = &labels;
    append_event(tables.log, event);
    return {};
  });
}

template <class Row, class Add>
Result<void> NamespaceImport::Impl::read_later(std::vector<Later>& rows, Add&& add) {
  for (Later& later : rows) {
    const std::size_t size = later.row.size();
    later.row.append(RowParser::kPadding, ' ');
    Row row;
    (void)parser.begin(std::string_view(later.row).substr(0, size));  // it was read before
    auto done = parser.read(row);
    if (done) done = add(row, later.line);
    if (!done) {
      Error error = std::move(done.error());
      error.message = fmt::format("{}: {}", to_string(Row::kKind), error.message);
      return at_line(later.line, std::move(error));
    }
    later.row = {};
  }
  rows.clear();
  return {};
}

Result<void> NamespaceImport::Impl::check_complete() const {
  if (line < 2) return Error::invalid_argument(fmt::format("line {}: the rows end here", line + 1));
  const auto both = {std::tuple("pools", expected.pools, counts.pools),
                     std::tuple("permits", expected.permits, counts.permits),
                     std::tuple("waiters", expected.waiters, counts.waiters),
                     std::tuple("called", expected.called, counts.called),
                     std::tuple("agents", expected.agents, counts.agents),
                     std::tuple("documents", expected.documents, counts.documents),
                     std::tuple("keys", expected.keys, counts.keys),
                     std::tuple("tasks", expected.tasks, counts.tasks),
                     std::tuple("logs", expected.logs, counts.logs),
                     std::tuple("entries", expected.entries, counts.entries),
                     std::tuple("events", expected.events, counts.events)};
  for (const auto& [what, wanted, found] : both) {
    if (wanted == found) continue;
    return Error::invalid_argument(
        fmt::format("line 1: counts: {} {} were promised, {} came", wanted, what, found));
  }
  return {};
}

Result<void> NamespaceImport::Impl::finish(Timestamp now) {
  if (auto complete = check_complete(); !complete) return complete;
  time.now = std::max(time.was, now);
  time.none = time.was == now;
  if (next_event != totals.last_event + 1) {
    return Error::invalid_argument(
        fmt::format("line 2: totals: the events end before last_event ({})", totals.last_event));
  }
  AttemptPermits of_attempts;
  auto done = read_later<PermitRow>(permit_rows, [&](const PermitRow& row, std::uint64_t at) {
    return permits.add(row, at, time);
  });
  if (!done) return done;
  if (auto fault = permits.finish_permits(totals, of_attempts)) return at_line(*fault);
  if (auto fault = tasks.finish(totals, time, of_attempts)) return at_line(*fault);
  done = read_later<WaiterRow>(waiter_rows, [&](const WaiterRow& row, std::uint64_t) {
    return permits.add(row, totals, [&](const WaiterRow& waiter, Slot slot) {
      return tasks.stand(*waiter.queue, waiter.needs, slot, waiter.number);
    });
  });
  if (!done) return done;
  done = read_later<CalledRow>(called_rows, [&](const CalledRow& row, std::uint64_t) {
    const auto numbered = permits.take_number(row.number, totals);
    return numbered ? tasks.call(row) : numbered;
  });
  if (!done) return done;
  permits.finish(time.now);
  PartyTable& parties = tables.tasks.parties();
  const auto fault = agents.finish(totals, time, [&](std::string_view agent_id, AgentSlot slot) {
    const Slot party = parties.find_or_add(agent_id);
    parties[party].agent = slot;
    return parties[party].leases;
  });
  if (fault) return at_line(*fault);
  if (auto restored = tables.documents.restore(totals); !restored) return restored;
  if (auto restored = tables.logs.restore(totals); !restored) return restored;
  tables.high_water = time.now;
  tables.ready_at_adoption = tasks.ready();
  return {};
}

Result<std::unique_ptr<Namespace>> NamespaceImport::finish(Timestamp now) {
  if (auto done = impl_->finish(now); !done) return std::move(done.error());
  return std::move(impl_->made);
}

bool Namespace::Impl::is_new() const noexcept {
  RowCounts counts;
  TotalsRow totals;
  agents.add_to(counts, totals);
  permits.add_to(counts, totals);
  tasks.add_to(counts, totals);
  documents.add_to(counts, totals);
  logs.add_to(counts, totals);
  return log.last_seq() == 0 && counts == RowCounts{} && totals.last_agent == 0 &&
         totals.last_fence == 0 && totals.next_serial == 1 && totals.puts == 0;
}

// Who waited here for a task, waits on.
void Namespace::adopt(AdoptTables& op) {
  Impl& self = *impl_;
  if (!self.adopted_by.empty() && self.adopted_by == op.operation_id) return;
  if (!self.is_new()) {
    op.failed = Error::failed_precondition(fmt::format(
        "tenant {} is in use; a snapshot is imported into one that never was", self.tenant));
    return;
  }
  if (op.tables == nullptr) {
    op.tenant = self.tenant;
    op.options = std::make_shared<const NamespaceOptions>(self.options);
    return;
  }
  Impl& other = *op.tables->impl_;
  other.adopted_by = op.operation_id;
  other.high_water = std::max(other.high_water, op.now);
  other.watchers = self.watchers;
  other.effects.watched = self.effects.watched;
  other.effects.signals = std::move(self.effects.signals);
  std::swap(impl_, op.tables->impl_);
  impl_->tell_who_waits();
}

// What agents offer, for claims that name nothing, and then what there is to claim.
void Namespace::Impl::tell_who_waits() {
  const auto ready = std::exchange(ready_at_adoption, {});
  if (!effects.watched) return;
  agents.tell_offers(effects);
  for (const auto& [queue, count] : ready) {
    effects.signals.push_back(
        {Signal::Kind::task_ready, count, tasks.queue_key(queue), {}, {}, {}, {}});
  }
}

}  // namespace controlplane
