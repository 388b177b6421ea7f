#include "engine/named_logs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/digest.hpp"

namespace controlplane {
namespace {

Error no_log(std::string_view name) {
  return Error::not_found(fmt::format("there is no log {}", name));
}

Error too_much(std::string_view name, std::string_view what, std::uint64_t max) {
  return Error::resource_exhausted(
      fmt::format("log {} would be too much; the limit {} is {}", name, what, max));
}

Error lost(const NamedLog& log, std::uint64_t after) {
  const LogTable& entries = log.entries;
  if (after > entries.last_seq()) {
    return Error::data_loss(
        fmt::format("log {} has nothing after {}, not even that; its last is {}", log.name, after,
                    entries.last_seq()));
  }
  return Error::data_loss(
      fmt::format("entries of log {} after {} have been trimmed; the first still there is {}",
                  log.name, after, entries.first_seq()));
}

LogInfo info_of(const NamedLog& log) {
  const LogTable& entries = log.entries;
  return {log.name,       log.bounds,      entries.first_seq(), entries.last_seq(),
          entries.size(), entries.bytes(), log.created_at};
}

void tell(Effects& effects, EventType type, std::string_view name, std::uint64_t number,
          Timestamp now) {
  EventDraft event;
  event.type = type;
  event.time = now;
  event.subject = name;
  event.count = number;
  effects.event(event);
}

void trim_entries(LogTable& entries, const LogTrim& trim, Timestamp now) {
  LogTable::Bounds to;
  if (trim.max_entries) to.max_entries = *trim.max_entries;
  if (trim.max_bytes) to.max_bytes = *trim.max_bytes;
  entries.trim(to);
  if (trim.before) entries.trim_before(*trim.before);
  if (trim.max_age) entries.trim_until(now - std::chrono::microseconds(*trim.max_age).count());
}

}  // namespace

void NamedLogs::append(AppendLog& op, Timestamp now, Effects& effects) {
  Slot slot = index_.find(op.name);
  if (slot != kNoSlot && answers_again(op, logs_[slot])) return;
  if (auto refused = refuse_append(op, slot)) {
    op.failed = std::move(refused);
    return;
  }
  if (slot == kNoSlot) slot = add(op.name, {}, now, effects);
  change(slot, [&](LogTable& entries) { op.seq = entries.append(op.entry->text(), now); });
  NamedLog& log = logs_[slot];
  if (!op.operation_id.empty()) log.operations.add(op.operation_id, op.seq);
  ++stats_.appends_total;
  wake(log, effects);
}

// True: this very append made an entry that is there, or it names itself as another one did.
bool NamedLogs::answers_again(AppendLog& op, const NamedLog& log) const {
  if (op.operation_id.empty()) return false;
  const std::uint64_t seq = log.operations.find(op.operation_id);
  if (seq == 0) return false;
  (void)log.entries.read(seq - 1, 1, [&](const LogTable::Entry& entry) {
    if (entry.bytes == op.entry->text()) {
      op.seq = seq;
    } else {
      op.failed = Error::already_exists(fmt::format(
          "operation {} has appended another entry to log {}", op.operation_id, log.name));
    }
    return false;
  });
  return true;
}

std::optional<Error> NamedLogs::refuse_append(const AppendLog& op, Slot slot) const {
  const std::uint64_t size = op.entry->size();
  if (slot == kNoSlot) {
    if (auto refused = refuse_one_more(op.name)) return refused;
  }
  const LogBounds bounds = slot == kNoSlot ? LogBounds{} : logs_[slot].bounds;
  if (size > bounds.max_bytes) {
    return Error::invalid_argument(fmt::format("entry has {} bytes; log {} holds at most {}", size,
                                               op.name, bounds.max_bytes));
  }
  const bool fits =
      stats_.entries < limits_.max_log_entries && stats_.bytes + size <= limits_.max_logs_bytes;
  if (fits) return std::nullopt;
  const auto freed = slot == kNoSlot ? LogTable::Extent{} : logs_[slot].entries.freed_by(size);
  if (stats_.entries + 1 - freed.entries > limits_.max_log_entries) {
    return too_much(op.name, "max_log_entries", limits_.max_log_entries);
  }
  if (stats_.bytes + size - freed.bytes > limits_.max_logs_bytes) {
    return too_much(op.name, "max_logs_bytes", limits_.max_logs_bytes);
  }
  return std::nullopt;
}

std::optional<Error> NamedLogs::refuse_one_more(std::string_view name) const {
  if (stats_.logs < limits_.max_logs) return std::nullopt;
  return too_much(name, "max_logs", limits_.max_logs);
}

Slot NamedLogs::add(std::string_view name, const LogBounds& bounds, Timestamp now,
                    Effects& effects) {
  const Slot slot = logs_.take();
  if (export_ != nullptr && slot < export_->pending.size()) export_->pending[slot] = false;
  NamedLog& log = logs_[slot];
  log.name = name;
  log.bounds = bounds;
  log.entries = LogTable(table_bounds(bounds), last_dropped_);
  log.begins_after = last_dropped_;
  log.created_at = now;
  index_.add(log.name, slot);
  ++stats_.logs;
  tell(effects, EventType::log_defined, name, 0, now);
  return slot;
}

void NamedLogs::wake(NamedLog& log, Effects& effects) {
  if (std::exchange(log.awaited, false)) effects.changed(log.name);
}

// Who has read nothing yet begins where the log began, wherever that is.
void NamedLogs::read(ReadLog& op) {
  op.page = {};
  const Slot slot = index_.find(op.name);
  if (slot == kNoSlot) {
    op.failed = no_log(op.name);
    return;
  }
  NamedLog& log = logs_[slot];
  const LogTable& entries = log.entries;
  const std::uint64_t after = op.after == 0 ? log.begins_after : op.after;
  if (entries.has_lost(after) || after > entries.last_seq()) {
    ++stats_.losses_total;
    op.failed = lost(log, op.after);
    return;
  }
  op.page.first_seq = entries.first_seq();
  op.page.last_seq = entries.last_seq();
  op.page.next_after = op.after;
  std::uint64_t bytes = 0;
  (void)entries.read(after, op.max_items, [&](const LogTable::Entry& entry) {
    op.page.entries.push_back({entry.seq, entry.time, Json(entry.bytes)});
    op.page.next_after = entry.seq;
    bytes += entry.bytes.size();
    return bytes < limits_.max_log_read_bytes;
  });
  log.awaited |= op.waits && op.page.entries.empty();
}

void NamedLogs::define(DefineLog& op, Timestamp now, Effects& effects) {
  Slot slot = index_.find(op.name);
  if (slot == kNoSlot) {
    if (auto refused = refuse_one_more(op.name)) {
      op.failed = std::move(refused);
      return;
    }
    slot = add(op.name, op.bounds, now, effects);
  } else if (logs_[slot].bounds != op.bounds) {
    touch(slot);
    logs_[slot].bounds = op.bounds;
    change(slot, [&](LogTable& entries) { entries.set_bounds(table_bounds(op.bounds)); });
    tell(effects, EventType::log_defined, op.name, 0, now);
  }
  op.log = info_of(logs_[slot]);
}

void NamedLogs::trim(TrimLog& op, Timestamp now, Effects& effects) {
  const Slot slot = index_.find(op.name);
  op.dropped = 0;
  if (slot == kNoSlot) {
    op.failed = no_log(op.name);
    return;
  }
  const LogTable& entries = logs_[slot].entries;
  const std::uint64_t first = entries.first_seq();
  change(slot, [&](LogTable& all) { trim_entries(all, op.trim, now); });
  op.dropped = entries.first_seq() - first;
  if (op.dropped > 0) tell(effects, EventType::log_trimmed, op.name, entries.first_seq(), now);
}

void NamedLogs::remove(RemoveLog& op, Timestamp now, Effects& effects) {
  const Slot slot = index_.find(op.name);
  op.removed = slot != kNoSlot;
  if (!op.removed) return;
  NamedLog& log = logs_[slot];
  const std::uint64_t last = log.entries.last_seq();
  last_dropped_ = std::max(last_dropped_, last);
  stats_.entries -= log.entries.size();
  stats_.bytes -= log.entries.bytes();
  --stats_.logs;
  tell(effects, EventType::log_removed, op.name, last, now);
  wake(log, effects);
  ages_.erase(slot);
  index_.remove(log.name);
  leave_to_export(slot);
  logs_.give_back(slot);
}

void NamedLogs::get(GetLog& op) const {
  const Slot slot = index_.find(op.name);
  if (slot == kNoSlot) {
    op.failed = no_log(op.name);
  } else {
    op.log = info_of(logs_[slot]);
  }
}

void NamedLogs::list(ListLogs& op) const {
  op.logs = {};
  std::vector<LogInfo>& items = op.logs.items;
  index_.scan(op.prefix, op.page->cursor, [&](std::string_view, Slot slot) {
    if (items.size() == op.page->max_items) {
      op.logs.next_cursor = items.back().name;
      return false;
    }
    items.push_back(info_of(logs_[slot]));
    return true;
  });
}

void NamedLogs::expire_one() {
  change(ages_.top(), [](LogTable& entries) { entries.expire_one(); });
}

void NamedLogs::add_to(FieldDigest& digest) const {
  digest.add(last_dropped_).add(stats_.logs);
  index_.scan({}, {}, [&](std::string_view name, Slot slot) {
    const NamedLog& log = logs_[slot];
    const LogBounds& bounds = log.bounds;
    digest.add(name).add(log.begins_after).add(log.entries.first_seq());
    digest.add(bounds.max_entries).add(bounds.max_bytes);
    digest.add(static_cast<std::uint64_t>(bounds.max_age.count()));
    (void)log.entries.read(log.entries.first_seq() - 1, log.entries.size(), [&](const auto& entry) {
      digest.add(static_cast<std::uint64_t>(entry.time)).add(entry.bytes);
      return true;
    });
    log.operations.each(
        [&](std::uint64_t seq, std::string_view operation) { digest.add(seq).add(operation); });
    return true;
  });
}

}  // namespace controlplane
