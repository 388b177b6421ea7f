#include "coordinator/log_waits.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/deadline.hpp"
#include "base/wording.hpp"

namespace controlplane {
namespace {

ReadLogCall call_of(const LogReading& reading, bool waits) {
  return {reading.name, reading.after, reading.max_items, waits};
}

bool is_empty(const Result<LogPage>& page) { return page && page->entries.empty(); }

}  // namespace

Result<LogPage> LogWaits::read(const LogReading& reading) {
  auto page = calls_.block(call_of(reading, false));
  if (!is_empty(page) || reading.wait.count() <= 0) return page;
  if (calls_.pumped()) {
    return Error::failed_precondition(
        "would block: this coordinator is pumped, wait with a completion");
  }
  return wait_until(reading, deadline_after(calls_.now_us(), reading.wait));
}

// Registered until it has an answer: what was admitted is not refused later. The store's word may come
// late, for an entry that this reader has already: then it waits on.
Result<LogPage> LogWaits::wait_until(const LogReading& reading, std::int64_t deadline_us) {
  const auto deadline =
      std::chrono::steady_clock::time_point(std::chrono::microseconds(deadline_us));
  const Wait wait = make(reading);
  wait->blocking = true;
  if (auto refused = add(wait)) return std::move(*refused);
  for (;;) {
    auto page = calls_.block(call_of(reading, true));
    if (is_empty(page) && wait->parker.wait_until(deadline)) {
      if (is_waiting(*wait)) continue;
      return StoreCalls::closed_error();
    }
    take(*wait);
    return page;
  }
}

std::uint64_t LogWaits::read(const LogReading& reading, Done<LogPage> done) {
  const bool waits = reading.wait.count() > 0;
  ReadLogCall call = call_of(reading, false);
  if (!calls_.apply_now(call.bind())) {
    if (waits) return enroll(reading, std::move(done));
    calls_.start(std::move(call), std::move(done));
  } else if (call.op.failed) {
    calls_.deliver(std::move(done), Result<LogPage>(std::move(*call.op.failed)));
  } else if (waits && call.op.page.entries.empty()) {
    return enroll(reading, std::move(done));
  } else {
    calls_.deliver(std::move(done), Result<LogPage>(call.answer()));
  }
  return 0;
}

LogWaits::Wait LogWaits::make(const LogReading& reading) {
  auto wait = std::make_shared<LogWait>();
  wait->name = reading.name;
  wait->after = reading.after;
  wait->max_items = reading.max_items;
  return wait;
}

std::uint64_t LogWaits::enroll(const LogReading& reading, Done<LogPage> done) {
  const std::int64_t deadline_us = deadline_after(calls_.now_us(), reading.wait);
  const Wait wait = make(reading);
  wait->done = std::move(done);
  if (auto refused = add(wait)) {
    calls_.deliver(std::move(wait->done), Result<LogPage>(std::move(*refused)));
    return 0;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!wait->over) {
      wait->timer = calls_.loop().schedule(deadline_us, [this, wait] { look(wait, true); });
    }
  }
  const std::uint64_t ticket = wait->number;
  look(wait, false);
  return ticket;
}

bool LogWaits::cancel(std::string_view name, std::uint64_t ticket) {
  Wait wait;
  {
    const std::lock_guard lock(mutex_);
    const auto log = by_log_.find(std::string(name));
    if (log == by_log_.end()) return false;
    const auto place = log->second.find(ticket);
    if (place == log->second.end() || place->second->blocking) return false;
    wait = place->second;
  }
  return finish(wait, Error::cancelled("the read was cancelled"));
}

std::optional<Error> LogWaits::add(const Wait& wait) {
  const std::lock_guard lock(mutex_);
  wait->over = true;
  if (closed_) return StoreCalls::closed_error();
  if (size_ >= max_waiting_) {
    return Error::resource_exhausted(
        fmt::format("{} callers wait for entries of logs; the limit max_waiting_reads is {}",
                    grouped(size_), grouped(max_waiting_)));
  }
  wait->over = false;
  wait->number = ++numbers_;
  by_log_[wait->name].emplace(wait->number, wait);
  ++size_;
  return std::nullopt;
}

// The last look takes what there is, if that is nothing.
void LogWaits::look(const Wait& wait, bool last) {
  calls_.perform(ReadLogCall(wait->name, wait->after, wait->max_items, !last),
                 [this, wait, last](Result<LogPage>&& page) {
                   if (last || !is_empty(page)) finish(wait, std::move(page));
                 });
}

// False: it was over.
bool LogWaits::finish(const Wait& wait, Result<LogPage>&& answer) {
  if (!take(*wait)) return false;
  if (calls_.loop().on_loop_thread()) {
    calls_.deliver(std::move(wait->done), std::move(answer));
  } else {
    calls_.deliver_on_loop(std::move(wait->done), std::move(answer));
  }
  return true;
}

bool LogWaits::is_waiting(const LogWait& wait) const {
  const std::lock_guard lock(mutex_);
  return !wait.over;
}

bool LogWaits::take(LogWait& wait) {
  const std::lock_guard lock(mutex_);
  return leave(wait);
}

bool LogWaits::leave(LogWait& wait) {
  if (wait.over) return false;
  wait.over = true;
  if (wait.timer != 0) calls_.loop().cancel(wait.timer);
  const auto place = by_log_.find(wait.name);
  place->second.erase(wait.number);
  if (place->second.empty()) by_log_.erase(place);
  --size_;
  return true;
}

// Each reads on its own thread or on the loop: who appends only wakes.
void LogWaits::on_changed(const std::string& name) {
  std::vector<Wait> woken, on_loop;
  {
    const std::lock_guard lock(mutex_);
    const auto place = by_log_.find(name);
    if (place == by_log_.end()) return;
    for (const auto& [number, wait] : place->second) {
      (wait->blocking ? woken : on_loop).push_back(wait);
    }
  }
  for (const Wait& wait : woken) wait->parker.unpark();
  if (on_loop.empty()) return;
  calls_.loop().post([this, on_loop = std::move(on_loop)] {
    for (const Wait& wait : on_loop) look(wait, false);
  });
}

std::size_t LogWaits::waiting() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

// Who blocks wakes up and finds itself taken.
void LogWaits::close() {
  std::vector<Wait> left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& [name, waits] : by_log_) {
      for (const auto& [number, wait] : waits) left.push_back(wait);
    }
  }
  for (const Wait& wait : left) {
    if (!wait->blocking) {
      finish(wait, Error::cancelled("the coordinator closed while an entry was awaited"));
    } else if (take(*wait)) {
      wait->parker.unpark();
    }
  }
}

}  // namespace controlplane
