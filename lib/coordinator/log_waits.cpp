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

// The store's word may come late, for an entry that this reader has already: then it waits on.
Result<LogPage> LogWaits::wait_until(const LogReading& reading, std::int64_t deadline_us) {
  const auto deadline =
      std::chrono::steady_clock::time_point(std::chrono::microseconds(deadline_us));
  for (;;) {
    const Wait wait = make(reading);
    wait->blocking = true;
    if (auto refused = add(wait)) return std::move(*refused);
    auto page = calls_.block(call_of(reading, true));
    const bool woken = is_empty(page) && wait->parker.wait_until(deadline);
    take(*wait);
    if (!woken) return page;
  }
}

void LogWaits::read(const LogReading& reading, Done<LogPage> done) {
  ReadLogCall call = call_of(reading, false);
  const bool answered = calls_.apply_now(call.bind());
  if (!answered && reading.wait.count() <= 0) {
    return calls_.start(std::move(call), std::move(done));
  }
  if (answered && call.op.failed) {
    return calls_.deliver(std::move(done), Result<LogPage>(std::move(*call.op.failed)));
  }
  if (answered && (!call.op.page.entries.empty() || reading.wait.count() <= 0)) {
    return calls_.deliver(std::move(done), Result<LogPage>(call.answer()));
  }
  const Wait wait = make(reading);
  wait->done = std::move(done);
  enroll(wait, deadline_after(calls_.now_us(), reading.wait));
}

LogWaits::Wait LogWaits::make(const LogReading& reading) {
  auto wait = std::make_shared<LogWait>();
  wait->name = reading.name;
  wait->after = reading.after;
  wait->max_items = reading.max_items;
  return wait;
}

void LogWaits::enroll(const Wait& wait, std::int64_t deadline_us) {
  if (auto refused = add(wait)) {
    return calls_.deliver(std::move(wait->done), Result<LogPage>(std::move(*refused)));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!wait->over) {
      wait->timer = calls_.loop().schedule(deadline_us, [this, wait] { look(wait, true); });
    }
  }
  look(wait, false);
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

void LogWaits::finish(const Wait& wait, Result<LogPage>&& answer) {
  if (!take(*wait)) return;
  if (!calls_.loop().on_loop_thread()) {
    return calls_.deliver_on_loop(std::move(wait->done), std::move(answer));
  }
  calls_.deliver(std::move(wait->done), std::move(answer));
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
    for (const Wait& wait : woken) leave(*wait);
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

// Who blocks finds the door closed when it comes to wait again.
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
