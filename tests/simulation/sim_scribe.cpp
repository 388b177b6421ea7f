#include "simulation/sim_scribe.hpp"

#include "controlplane/logs.hpp"
#include "simulation/world.hpp"

namespace controlplane::simulation {

using std::chrono::milliseconds;

SimScribe::SimScribe(World& world) : world_(world) {
  for (std::size_t i = 0; i < readers_.size(); ++i) readers_[i].log = logs()[i % logs().size()];
}

std::array<std::string, 3> SimScribe::logs() { return {"log-0", "log-1", "log-2"}; }

Coordinator& SimScribe::plane() { return world_.plane(world_.dice.below(world_.planes())); }

std::string SimScribe::some_log() { return logs()[world_.dice.below(logs().size())]; }

void SimScribe::act(Act act) {
  world_.note("scribe: ", to_string(act));
  switch (act) {
    case Act::append:
      return append();
    case Act::read_log:
      return read();
    case Act::shape_log:
      return shape();
    default:
      return;
  }
}

// No two entries are the same, so that one that is there twice is seen.
void SimScribe::append() {
  const std::string log = some_log();
  const std::string entry = std::to_string(++written_);
  Logs(plane()).append(
      log, Json(entry), {},
      world_.answer<std::uint64_t>("append", [this, log, entry](Result<std::uint64_t>& seq) {
        if (!seq) return;
        world_.findings.expect(world_.shared.logs.has(log, *seq, entry), "append of ", entry,
                               " to ", log, " was answered ", *seq, ", where it is not");
      }));
}

void SimScribe::read() {
  Dice& dice = world_.dice;
  Reader& reader = dice.pick(readers_);
  if (reader.reading) return;
  reader.reading = true;
  const milliseconds wait(dice.chance(0.7) ? dice.between(1, 40) * 1'000 : 0);
  Logs(plane()).read(reader.log, reader.after, 1 + dice.below(5), wait,
                     world_.answer<LogPage>("read_log", [this, &reader](Result<LogPage>& page) {
                       reader.reading = false;
                       if (page) return took(reader, *page);
                       failed(reader, page.error());
                     }));
}

void SimScribe::took(Reader& reader, const LogPage& page) {
  Findings& findings = world_.findings;
  for (const LogEntry& entry : page.entries) {
    findings.expect(reader.after == 0 || entry.seq == reader.after + 1, "a reader of ", reader.log,
                    " was led from ", reader.after, " to ", entry.seq);
    findings.expect(world_.shared.logs.has(reader.log, entry.seq, entry.value), "entry ", entry.seq,
                    " of ", reader.log, " was read as ", entry.value.str());
    reader.after = entry.seq;
  }
  findings.expect(page.next_after == reader.after, "a reader of ", reader.log,
                  " is told to go on at ", page.next_after, ", not ", reader.after);
}

// It was told: it may begin anew.
void SimScribe::failed(Reader& reader, const Error& error) {
  const bool is_lost = error.code == ErrorCode::data_loss;
  if (!is_lost && error.code != ErrorCode::not_found) return;
  if (is_lost || world_.dice.chance(0.5)) reader.after = 0;
  if (!is_lost || world_.dice.chance(0.2)) return;
  reader.reading = true;
  Logs(plane()).get(reader.log, world_.answer<LogInfo>("get_log", [&reader](Result<LogInfo>& log) {
    reader.reading = false;
    if (log) reader.after = log->first_seq - 1;
  }));
}

void SimScribe::shape() {
  const std::string log = some_log();
  switch (world_.dice.below(6)) {
    case 0:
      return Logs(plane()).remove(log, world_.answer<bool>("remove_log"));
    case 1:
      return Logs(plane()).list("log-", {}, world_.answer<Page<LogInfo>>("list_logs"));
    case 2:
      return trim(log);
    default:
      return define(log);
  }
}

void SimScribe::define(const std::string& log) {
  Dice& dice = world_.dice;
  LogBounds bounds;
  bounds.max_entries = 1 + dice.below(12);
  if (dice.chance(0.3)) bounds.max_bytes = 10 + dice.below(30);
  if (dice.chance(0.5)) bounds.max_age = milliseconds(dice.between(1, 60'000));
  Logs(plane()).define(log, bounds, world_.answer<LogInfo>("define_log"));
}

void SimScribe::trim(const std::string& log) {
  LogTrim trim;
  if (world_.dice.chance(0.5)) {
    trim.max_entries = world_.dice.below(4);
  } else {
    trim.max_age = milliseconds(world_.dice.between(0, 20) * 1'000);
  }
  Logs(plane()).trim(log, trim, world_.answer<std::uint64_t>("trim_log"));
}

void SimScribe::check_waiting() const {
  for (const Reader& reader : readers_) {
    if (!reader.reading) continue;
    const LogHistory& logs = world_.shared.logs;
    world_.findings.expect(logs.exists(reader.log), "a reader waits for ", reader.log,
                           ", which is gone");
    world_.findings.expect(reader.after == 0 || logs.last(reader.log) <= reader.after,
                           "a reader waits at ", reader.after, " of ", reader.log,
                           ", whose last entry is ", logs.last(reader.log));
  }
}

}  // namespace controlplane::simulation
