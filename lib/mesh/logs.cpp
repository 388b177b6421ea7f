#include "controlplane/logs.hpp"

#include <limits>
#include <utility>

#include "controlplane/coordinator.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/log_calls.hpp"
#include "coordinator/validation.hpp"

namespace controlplane {
namespace {

constexpr std::chrono::milliseconds kNoTime{0};

Checks checked_name(CoordinatorCore& core, std::string_view name) {
  Checks checks(core.limits());
  checks.name("name", name);
  return checks;
}

Checks checked_append(CoordinatorCore& core, std::string_view name, const Json& entry,
                      std::string_view operation_id) {
  Checks checks = checked_name(core, name);
  checks.rule(!entry.empty(), [&] { return "entry of log " + std::string(name) + " is empty"; });
  checks.json("entry", entry, core.limits().max_log_entry_bytes, "max_log_entry_bytes");
  checks.optional_name("operation_id", operation_id);
  return checks;
}

Checks checked_read(CoordinatorCore& core, const LogReading& reading) {
  const Limits& limits = core.limits();
  Checks checks = checked_name(core, reading.name);
  checks.count("max_items", reading.max_items, 1, limits.max_page, "max_page");
  checks.within("wait", reading.wait, kNoTime, limits.max_delay, "max_delay");
  return checks;
}

// However large: max_log_entries and max_logs_bytes bound what all logs hold.
Checks checked_bounds(CoordinatorCore& core, std::string_view name, const LogBounds& bounds) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  Checks checks = checked_name(core, name);
  checks.count("max_entries", bounds.max_entries, 1, kMost, "");
  checks.count("max_bytes", bounds.max_bytes, 1, kMost, "");
  checks.within("max_age", bounds.max_age, kNoTime, core.limits().max_delay, "max_delay");
  return checks;
}

Checks checked_trim(CoordinatorCore& core, std::string_view name, const LogTrim& trim) {
  Checks checks = checked_name(core, name);
  checks.rule(trim.before || trim.max_entries || trim.max_bytes || trim.max_age, [&] {
    return "trim of log " + std::string(name) + " names no bound; nothing would go";
  });
  if (trim.max_age) {
    checks.within("max_age", *trim.max_age, kNoTime, core.limits().max_delay, "max_delay");
  }
  return checks;
}

}  // namespace

Logs::Logs(const Coordinator& plane) : core_(plane.core()) {}

Result<std::uint64_t> Logs::append(std::string_view name, Json entry,
                                   std::string_view operation_id) {
  Checks checks = checked_append(*core_, name, entry, operation_id);
  return core_->block(checks, AppendLogCall(name, std::move(entry), operation_id));
}
void Logs::append(std::string_view name, Json entry, std::string_view operation_id,
                  Done<std::uint64_t> done) {
  Checks checks = checked_append(*core_, name, entry, operation_id);
  core_->complete(checks, AppendLogCall(name, std::move(entry), operation_id), std::move(done));
}

Result<LogPage> Logs::read(std::string_view name, std::uint64_t after, std::size_t max_items,
                           std::chrono::milliseconds wait) const {
  const LogReading reading{name, after, max_items, wait};
  Checks checks = checked_read(*core_, reading);
  return core_->read_log(checks, reading);
}
std::uint64_t Logs::read(std::string_view name, std::uint64_t after, std::size_t max_items,
                         std::chrono::milliseconds wait, Done<LogPage> done) const {
  const LogReading reading{name, after, max_items, wait};
  Checks checks = checked_read(*core_, reading);
  return core_->read_log(checks, reading, std::move(done));
}

bool Logs::cancel_read(std::string_view name, std::uint64_t ticket) const {
  return core_->logs().cancel(name, ticket);
}

Result<LogInfo> Logs::define(std::string_view name, const LogBounds& bounds) {
  Checks checks = checked_bounds(*core_, name, bounds);
  return core_->block(checks, DefineLogCall(name, bounds));
}
void Logs::define(std::string_view name, const LogBounds& bounds, Done<LogInfo> done) {
  Checks checks = checked_bounds(*core_, name, bounds);
  core_->complete(checks, DefineLogCall(name, bounds), std::move(done));
}

Result<std::uint64_t> Logs::trim(std::string_view name, const LogTrim& trim) {
  Checks checks = checked_trim(*core_, name, trim);
  return core_->block(checks, TrimLogCall(name, trim));
}
void Logs::trim(std::string_view name, const LogTrim& trim, Done<std::uint64_t> done) {
  Checks checks = checked_trim(*core_, name, trim);
  core_->complete(checks, TrimLogCall(name, trim), std::move(done));
}

Result<bool> Logs::remove(std::string_view name) {
  Checks checks = checked_name(*core_, name);
  return core_->block(checks, RemoveLogCall(name));
}
void Logs::remove(std::string_view name, Done<bool> done) {
  Checks checks = checked_name(*core_, name);
  core_->complete(checks, RemoveLogCall(name), std::move(done));
}

Result<LogInfo> Logs::get(std::string_view name) const {
  Checks checks = checked_name(*core_, name);
  return core_->block(checks, GetLogCall(name));
}
void Logs::get(std::string_view name, Done<LogInfo> done) const {
  Checks checks = checked_name(*core_, name);
  core_->complete(checks, GetLogCall(name), std::move(done));
}

Result<Page<LogInfo>> Logs::list(std::string_view prefix, const PageRequest& page) const {
  Checks checks(core_->limits());
  check_page(checks, prefix, page);
  return core_->block(checks, ListLogsCall(prefix, page));
}
void Logs::list(std::string_view prefix, const PageRequest& page, Done<Page<LogInfo>> done) const {
  Checks checks(core_->limits());
  check_page(checks, prefix, page);
  core_->complete(checks, ListLogsCall(prefix, page), std::move(done));
}

}  // namespace controlplane
