// Logs and their entries as rows, and back.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/named_logs.hpp"
#include "engine/restore.hpp"
#include "engine/row_record.hpp"

namespace controlplane {
namespace {

void write_log(RowBuffer& out, const NamedLog& log) {
  LogRow row;
  row.name.text = log.name;
  row.max_entries = log.bounds.max_entries;
  row.max_bytes = log.bounds.max_bytes;
  row.max_age_ms = log.bounds.max_age.count();
  row.begins_after = log.begins_after;
  row.first_seq = log.entries.first_seq();
  row.last_seq = log.entries.last_seq();
  row.created_at = log.created_at;
  append_framed(out, row);
}

void write_entry(RowBuffer& out, const NamedLog& log, const LogTable::Entry& entry) {
  EntryRow row;
  row.log.text = log.name;
  row.seq = entry.seq;
  row.time = entry.time;
  row.operation.text = log.operations.operation_of(entry.seq);
  row.value.text = entry.bytes;
  append_framed(out, row);
}

}  // namespace

void NamedLogs::begin_export(ExportAside& aside) {
  export_ = std::make_unique<Export>(Export{aside, std::vector<bool>(logs_.end(), true), 0, {}});
}

void NamedLogs::end_export() noexcept {
  if (export_ == nullptr) return;
  for (const Part& part : export_->parts) {
    if (part.removed == nullptr) logs_[part.slot].entries.watch_trimming({});
  }
  export_.reset();
}

// Its row goes before its entries, which stay where they are until they are trimmed.
void NamedLogs::put_aside(Slot slot) {
  if (export_->aside.overflowed()) return end_export();
  if (slot >= export_->pending.size() || !export_->pending[slot]) return;
  export_->aside.add([&](RowBuffer& out) {
    write_log(out, logs_[slot]);
    return true;
  });
  begin_part(slot);
}

void NamedLogs::begin_part(Slot slot) {
  export_->pending[slot] = false;
  LogTable& entries = logs_[slot].entries;
  if (entries.size() == 0) return;
  Part& part = export_->parts.emplace_back();  // stays where it is until it is done
  part.slot = slot;
  part.next = entries.first_seq();
  part.last = entries.last_seq();
  entries.watch_trimming([this, &part](const LogTable::Entry& entry) {
    if (entry.seq != part.next || entry.seq > part.last) return;
    ++part.next;
    export_->aside.add([&](RowBuffer& out) {
      write_entry(out, logs_[part.slot], entry);
      return true;
    });
  });
}

// It is about to be removed.
void NamedLogs::leave_to_export(Slot slot) {
  touch(slot);
  if (export_ == nullptr) return;
  for (Part& part : export_->parts) {
    if (part.slot != slot || part.removed != nullptr) continue;
    NamedLog& log = logs_[slot];
    log.entries.watch_trimming({});
    part.removed = std::make_unique<NamedLog>();
    part.removed->name = log.name;
    part.removed->entries = std::move(log.entries);
    part.removed->operations = std::move(log.operations);
    export_->aside.hold(part.removed->entries.bytes());
  }
}

bool NamedLogs::read_logs(RowBuffer& out, std::size_t bytes, int& visits) {
  if (export_ == nullptr) return true;
  for (;;) {
    if (!export_->parts.empty()) {
      Part& part = export_->parts.front();
      const NamedLog& log = log_of(part);
      const auto write = [&](const LogTable::Entry& entry) {
        if (out.size() >= bytes || visits-- <= 0) return false;
        write_entry(out, log, entry);
        part.next = entry.seq + 1;
        return true;
      };
      if (part.next <= part.last) {
        (void)log.entries.read(part.next - 1, part.last + 1 - part.next, write);
      }
      if (part.next <= part.last) return false;
      if (part.removed == nullptr) {
        logs_[part.slot].entries.watch_trimming({});
      } else {
        export_->aside.let_go(part.removed->entries.bytes());
      }
      export_->parts.pop_front();
      continue;
    }
    if (export_->at == export_->pending.size()) break;
    if (out.size() >= bytes || visits-- <= 0) return false;
    const Slot slot = export_->at++;
    if (!export_->pending[slot]) continue;
    if (logs_[slot].name.empty()) {
      export_->pending[slot] = false;
      continue;
    }
    write_log(out, logs_[slot]);
    begin_part(slot);
  }
  end_export();
  return true;
}

void NamedLogs::add_to(RowCounts& counts, TotalsRow& totals) const {
  counts.logs = stats_.logs;
  counts.entries = stats_.entries;
  totals.last_dropped_entry = last_dropped_;
  totals.appends = stats_.appends_total;
  totals.trimmed = stats_.trimmed_total;
  totals.losses = stats_.losses_total;
}

Result<void> NamedLogs::restore(const LogRow& row) {
  if (index_.find(row.name.text) != kNoSlot) {
    return Error::invalid_argument(fmt::format("log {} is there twice", row.name.text));
  }
  if (auto refused = refuse_one_more(row.name.text)) return *std::move(refused);
  const auto max_age = std::chrono::milliseconds(limits_.max_delay).count();
  if (row.max_entries == 0 || row.max_bytes == 0 || row.max_age_ms > max_age) {
    return Error::invalid_argument("max_entries, max_bytes or max_age_ms is out of range");
  }
  if (row.begins_after >= row.first_seq || row.last_seq > kMaxNumber ||
      row.first_seq > row.last_seq + 1) {
    return Error::invalid_argument("begins_after, first_seq and last_seq do not go together");
  }
  const Slot slot = logs_.take();
  NamedLog& log = logs_[slot];
  log.name = row.name.text;
  log.bounds = {row.max_entries, row.max_bytes, std::chrono::milliseconds(row.max_age_ms)};
  log.entries = LogTable(table_bounds(log.bounds), row.first_seq - 1);
  log.begins_after = row.begins_after;
  log.created_at = row.created_at;
  index_.add(log.name, slot);
  ++stats_.logs;
  restored_to_.resize(logs_.end());
  restored_to_[slot] = row.last_seq;
  restored_until_.resize(logs_.end());
  return {};
}

Result<void> NamedLogs::restore(const EntryRow& row) {
  const Slot slot = index_.find(row.log.text);
  if (slot == kNoSlot) {
    return Error::invalid_argument(fmt::format("there is no log {} before it", row.log.text));
  }
  NamedLog& log = logs_[slot];
  const std::uint64_t next = log.entries.last_seq() + 1;
  if (row.seq != next || row.seq > restored_to_[slot]) {
    return Error::invalid_argument(
        fmt::format("seq is {}; the next one of log {} is {}", row.seq, log.name, next));
  }
  if (row.time < restored_until_[slot]) {
    return Error::invalid_argument("time is before that of the entry before it");
  }
  restored_until_[slot] = row.time;
  if (stats_.entries >= limits_.max_log_entries ||
      stats_.bytes + row.value.text.size() > limits_.max_logs_bytes) {
    return Error::resource_exhausted(
        "there are more entries than max_log_entries or max_logs_bytes");
  }
  if (!row.operation.text.empty()) {
    if (log.operations.find(row.operation.text) != 0) {
      return Error::invalid_argument(
          fmt::format("operation {} is there twice", row.operation.text));
    }
    log.operations.add(row.operation.text, row.seq);
  }
  change(slot, [&](LogTable& entries) { (void)entries.append(row.value.text, row.time); });
  return {};
}

Result<void> NamedLogs::restore(const TotalsRow& totals) {
  Result<void> done;
  index_.scan({}, {}, [&](std::string_view name, Slot slot) {
    if (logs_[slot].entries.last_seq() == restored_to_[slot]) return true;
    done = Error::invalid_argument(fmt::format(
        "line 1: log {} has no entry {}, which it says to have", name, restored_to_[slot]));
    return false;
  });
  last_dropped_ = totals.last_dropped_entry;
  stats_.appends_total = totals.appends;
  stats_.trimmed_total = totals.trimmed;
  stats_.losses_total = totals.losses;
  restored_to_ = {};
  restored_until_ = {};
  return done;
}

}  // namespace controlplane
