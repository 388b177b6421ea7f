#include "controlplane/logs.hpp"

#include <atomic>
#include <set>
#include <thread>

#include "coordinator/plane.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

// Reads in a thread of its own.
class Reader {
 public:
  Reader(Plane& p, std::string log, std::uint64_t after)
      : thread_([this, &p, log = std::move(log), after] {
          answer_ = Logs(p.plane).read(log, after, 10, 60s);
        }) {}
  Result<LogPage> join() {
    thread_.join();
    return *std::move(answer_);
  }

 private:
  std::optional<Result<LogPage>> answer_;
  std::thread thread_;
};

void wait_for_readers(Plane& p, std::size_t count) {
  while (p.core().logs().waiting() != count) std::this_thread::yield();
}

LogBounds entries_at_most(std::uint64_t count) {
  LogBounds bounds;
  bounds.max_entries = count;
  return bounds;
}

LogTrim keeping(std::uint64_t count) {
  LogTrim trim;
  trim.max_entries = count;
  return trim;
}

}  // namespace

// As the store's word does when it comes late, and about what the reader has already.
TEST_CASE("a read that is woken for nothing waits on, and no longer than it said") {
  Plane p(StoreKind::memory);
  Logs(p.plane).append("a", "1").value();
  std::thread reader(
      [&] { CHECK(Logs(p.plane).read("a", 1, 10, 100ms).value().entries.empty()); });
  wait_for_readers(p, 1);
  p.core().logs().on_changed("a");
  reader.join();
  CHECK(p.core().logs().waiting() == 0);
}

TEST_CASE("entries are appended, read, trimmed, and their log is removed") {
  Plane p(any_store());
  Logs logs(p.plane);
  CHECK(code_of(logs.read("audit", 0)) == ErrorCode::not_found);
  CHECK(logs.append("audit", R"({"x":1})").value() == 1);
  CHECK(logs.append("audit", "2").value() == 2);
  CHECK(logs.append("audit", "3").value() == 3);
  const LogPage page = logs.read("audit", 1).value();
  REQUIRE(page.entries.size() == 2);
  CHECK(page.entries[0].seq == 2);
  CHECK(page.entries[0].value == "2");
  CHECK(page.entries[0].time > 0);
  CHECK(page.next_after == 3);
  CHECK(page.first_seq == 1);
  CHECK(page.last_seq == 3);
  CHECK(logs.read("audit", 0, 1).value().entries.size() == 1);
  CHECK(logs.define("config", entries_at_most(5)).value().bounds.max_entries == 5);
  CHECK(logs.list().value().items.size() == 2);
  CHECK(logs.list("a").value().items[0].name == "audit");
  CHECK(logs.get("audit").value().entries == 3);
  (void)logs.trim("audit", keeping(1)).value();
  const auto behind = logs.read("audit", 1);
  CHECK(code_of(behind) == ErrorCode::data_loss);
  CHECK_THAT(behind.error().message, ContainsSubstring("the first still there is 3"));
  (void)logs.remove("audit").value();
  CHECK(code_of(logs.get("audit")) == ErrorCode::not_found);
  CHECK(logs.append("audit", "4").value() == 4);
}

TEST_CASE("the completion forms of logs answer the same") {
  Plane p(StoreKind::memory);
  Logs logs(p.plane);
  Heard<std::uint64_t> appended;
  logs.append("a", "1", "op", appended.done());
  CHECK(appended.answer.value().value() == 1);
  Heard<std::uint64_t> again;
  logs.append("a", "1", "op", again.done());
  CHECK(again.answer.value().value() == 1);
  Heard<LogPage> read;
  logs.read("a", 0, 10, 0ms, read.done());
  CHECK(read.answer.value()->entries.size() == 1);
  Heard<LogPage> waiting;
  logs.read("a", 0, 10, 1h, waiting.done());
  CHECK(waiting.answer.value()->entries.size() == 1);
  Heard<LogPage> absent;
  logs.read("b", 0, 10, 1h, absent.done());
  CHECK(code_of(absent.answer.value()) == ErrorCode::not_found);
  Heard<LogInfo> defined, got;
  logs.define("a", entries_at_most(7), defined.done());
  logs.get("a", got.done());
  CHECK(got.answer.value()->bounds == defined.answer.value()->bounds);
  Heard<Page<LogInfo>> listed;
  logs.list("", {}, listed.done());
  CHECK(listed.answer.value()->items.size() == 1);
  Heard<std::uint64_t> trimmed;
  logs.trim("a", keeping(0), trimmed.done());
  CHECK(trimmed.answer.value().value() == 1);
  Heard<bool> removed;
  logs.remove("a", removed.done());
  CHECK(removed.answer.value().value());
}

TEST_CASE("what breaks a rule of logs is refused and named") {
  Plane p(StoreKind::memory);
  Logs logs(p.plane);
  const auto message = [](const auto& result) {
    CHECK(code_of(result) == ErrorCode::invalid_argument);
    return result.error().message;
  };
  CHECK_THAT(message(logs.append("a b", "1")), ContainsSubstring("a b"));
  CHECK_THAT(message(logs.append("a", "{")), ContainsSubstring("entry"));
  CHECK_THAT(message(logs.append("a", Json())), ContainsSubstring("empty"));
  CHECK_THAT(message(logs.append("a", "\"" + std::string(1'048'575, 'x') + "\"")),
             ContainsSubstring("max_log_entry_bytes"));
  CHECK_THAT(message(logs.append("a", "1", "a b")), ContainsSubstring("operation_id"));
  CHECK_THAT(message(logs.read("", 0)), ContainsSubstring("name"));
  CHECK_THAT(message(logs.read("a", 0, 0)), ContainsSubstring("max_items"));
  CHECK_THAT(message(logs.read("a", 0, 1'001)), ContainsSubstring("max_page"));
  CHECK_THAT(message(logs.read("a", 0, 1, -1ms)), ContainsSubstring("wait"));
  CHECK_THAT(message(logs.read("a", 0, 1, std::chrono::milliseconds::max())),
             ContainsSubstring("max_delay"));
  CHECK_THAT(message(logs.define("a", entries_at_most(0))), ContainsSubstring("max_entries"));
  CHECK_THAT(message(logs.define("a", {1, 0, {}})), ContainsSubstring("max_bytes"));
  CHECK_THAT(message(logs.define("a", {1, 1, -1ms})), ContainsSubstring("max_age"));
  CHECK_THAT(message(logs.trim("a", {})), ContainsSubstring("no bound"));
  CHECK_THAT(message(logs.list("a b")), ContainsSubstring("prefix"));
  CHECK_THAT(message(logs.list("a/", {"b/1", 10})), ContainsSubstring("cursor b/1"));
  Heard<LogPage> refused;
  logs.read("", 0, 1, 0ms, refused.done());
  CHECK(code_of(refused.answer.value()) == ErrorCode::invalid_argument);
  CHECK(logs.list().value().items.empty());
}

TEST_CASE("a reader that waits is woken by the next entry") {
  Plane p(any_store());
  Logs logs(p.plane);
  REQUIRE(logs.append("a", "1").value() == 1);
  SECTION("blocking") {
    Reader reader(p, "a", 1);
    wait_for_readers(p, 1);
    CHECK(logs.append("a", "2").value() == 2);
    CHECK(reader.join().value().entries.at(0).value == "2");
  }
  SECTION("with a completion, on the loop thread") {
    std::atomic<int> done = 0;
    logs.read("a", 1, 10, 60s, [&](Result<LogPage> page) {
      const bool right = page.ok() && page->entries.at(0).value == "2";
      done = right && p.core().loop().on_loop_thread() ? 1 : -1;
    });
    wait_for_readers(p, 1);
    CHECK(logs.append("a", "2").value() == 2);
    while (done == 0) std::this_thread::yield();
    CHECK(done == 1);
  }
  CHECK(p.core().logs().waiting() == 0);
}

TEST_CASE("a reader that waits in vain gets no entries") {
  Plane p(any_store());
  Logs logs(p.plane);
  REQUIRE(logs.append("a", "1").value() == 1);
  const LogPage page = logs.read("a", 1, 10, 5ms).value();
  CHECK(page.entries.empty());
  CHECK(page.next_after == 1);
  CHECK(page.last_seq == 1);
  CHECK(p.core().logs().waiting() == 0);
}

TEST_CASE("a parked read ends at its deadline, under any clock") {
  PumpedPlane p;
  Logs logs(p.plane);
  (void)logs.define("a").value();
  Heard<LogPage> read;
  logs.read("a", 0, 10, 10s, read.done());
  p.pass(9'999ms);
  CHECK_FALSE(read.answer);
  p.pass(1ms);
  REQUIRE(read.answer);
  CHECK(read.answer->value().entries.empty());
  CHECK(code_of(logs.read("a", 0, 10, 10s)) == ErrorCode::failed_precondition);
}

TEST_CASE("a log that is removed under a waiting reader is not_found for it") {
  Plane p(any_store());
  Logs logs(p.plane);
  (void)logs.define("a").value();
  Reader reader(p, "a", 0);
  Heard<LogPage> other;
  logs.read("a", 0, 10, 60s, other.done());
  wait_for_readers(p, 2);
  CHECK(logs.remove("a").ok());
  CHECK(code_of(reader.join()) == ErrorCode::not_found);
  wait_for_readers(p, 0);
  CHECK(p->shutdown().ok());
  CHECK(code_of(other.answer.value()) == ErrorCode::not_found);
}

TEST_CASE("closing ends who waits for an entry") {
  Plane p(StoreKind::memory);
  Logs logs(p.plane);
  (void)logs.define("a").value();
  Reader reader(p, "a", 0);
  Heard<LogPage> other;
  logs.read("a", 0, 10, 60s, other.done());
  wait_for_readers(p, 2);
  CHECK(p->shutdown().ok());
  CHECK(code_of(reader.join()) == ErrorCode::cancelled);
  CHECK(code_of(other.answer.value()) == ErrorCode::cancelled);
  CHECK(code_of(logs.append("a", "1")) == ErrorCode::cancelled);
  CHECK(code_of(logs.read("a", 0)) == ErrorCode::cancelled);
}

TEST_CASE("max_waiting_reads refuses the next reader") {
  Config config;
  config.limits.max_waiting_reads = 1;
  Plane p(StoreKind::memory, config);
  Logs logs(p.plane);
  (void)logs.define("a").value();
  Heard<LogPage> first;
  logs.read("a", 0, 10, 60s, first.done());
  const auto refused = logs.read("a", 0, 10, 60s);
  CHECK(code_of(refused) == ErrorCode::resource_exhausted);
  CHECK_THAT(refused.error().message, ContainsSubstring("max_waiting_reads"));
  CHECK_THAT(p->metrics_text().value(), ContainsSubstring("aragora_cp_reads_waiting 1"));
}

TEST_CASE("a reader that was admitted is not refused when it wakes up") {
  Config config;
  config.limits.max_waiting_reads = 1;
  Plane p(StoreKind::memory, config);
  Logs logs(p.plane);
  (void)logs.define("other").value();
  std::uint64_t last = logs.append("a", "0").value();
  for (int i = 0; i < 100; ++i) {
    Reader reader(p, "a", last);
    wait_for_readers(p, 1);
    last = logs.append("a", "1").value();
    const std::uint64_t ticket = logs.read("other", 0, 10, 60s, [](const Result<LogPage>&) {});
    CHECK(reader.join().value().entries.at(0).seq == last);
    (void)logs.cancel_read("other", ticket);
  }
}

TEST_CASE("a read that waits can be cancelled") {
  Plane p(any_store());
  Logs logs(p.plane);
  (void)logs.define("a").value();
  (void)logs.define("b").value();
  std::atomic<int> cancelled = 0;
  const auto counts = [&](const Result<LogPage>& page) {
    cancelled += code_of(page) == ErrorCode::cancelled ? 1 : 100;
    cancelled.notify_all();
  };
  const std::uint64_t ticket = logs.read("a", 0, 10, 60s, counts);
  CHECK(ticket != 0);
  CHECK_FALSE(logs.cancel_read("b", ticket));
  CHECK_FALSE(logs.cancel_read("a", ticket + 1));
  CHECK(logs.cancel_read("a", ticket));
  CHECK_FALSE(logs.cancel_read("a", ticket));
  cancelled.wait(0);
  CHECK(cancelled == 1);
  CHECK(p.core().logs().waiting() == 0);
  Heard<LogPage> at_once;
  CHECK(logs.read("a", 0, 10, 0ms, at_once.done()) == 0);
  CHECK(logs.read("", 0, 10, 60s, {}) == 0);
}

TEST_CASE("an entry is appended once over a store that loses answers") {
  Plane p(StoreKind::faulty);
  std::atomic<int> appended = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Logs logs(p.plane);
      for (int k = 0; k < 25; ++k) {
        appended += logs.append("a", std::to_string(i * 1'000 + k)).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(appended == 100);
  const LogPage page = Logs(p.plane).read("a", 0, 1'000).value();
  REQUIRE(page.entries.size() == 100);
  std::set<std::string> seen;
  for (const LogEntry& entry : page.entries) seen.insert(entry.value.str());
  CHECK(seen.size() == 100);
}

TEST_CASE("a store that is away fails an append as unknown, and a repetition finds it") {
  Config config;
  config.operation_timeout = 50ms;
  const auto late = std::make_shared<LateStore>(open_store(StoreKind::memory), LateFaults{});
  Plane p(late, config);
  Logs logs(p.plane);
  (void)logs.define("a").value();
  late->set_faults({0, 0, 100});
  const auto lost = logs.append("a", "1", "op1");
  CHECK(code_of(lost) == ErrorCode::unavailable);
  CHECK(lost.error().outcome_unknown);
  CHECK(code_of(logs.read("a", 0, 10, 60s)) == ErrorCode::unavailable);
  late->set_faults({});
  CHECK(logs.append("a", "1", "op1").value() == 1);
  CHECK(logs.get("a").value().entries == 1);
}

TEST_CASE("8 writers and 8 readers: every reader gets every entry, in one order, without a gap") {
  constexpr int kWriters = 8, kReaders = 8, kEach = 2'000;
  Plane p(StoreKind::memory);
  (void)Logs(p.plane).define("a", entries_at_most(kWriters * kEach)).value();
  std::vector<std::vector<std::string>> read(kReaders);
  std::vector<std::thread> threads;
  for (std::vector<std::string>& mine : read) {
    threads.emplace_back([&] {
      Logs logs(p.plane);
      std::uint64_t after = 0;
      while (mine.size() < kWriters * kEach) {
        const auto page = logs.read("a", after, 1 + after % 7, 60s);
        if (!page.ok() || page->entries.empty()) break;
        for (const LogEntry& entry : page->entries) {
          if (entry.seq != ++after) return;
          mine.push_back(entry.value.str());
        }
      }
    });
  }
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] {
      Logs logs(p.plane);
      for (int k = 0; k < kEach; ++k) (void)logs.append("a", std::to_string(i * kEach + k));
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::set<std::string>(read[0].begin(), read[0].end()).size() == kWriters * kEach);
  for (const auto& mine : read) CHECK(mine == read[0]);
}

TEST_CASE("readers of a log that is trimmed under them are told of every gap") {
  constexpr std::uint64_t kEntries = 5'000;
  Plane p(StoreKind::memory);
  std::atomic<int> wrong = 0;
  (void)Logs(p.plane).define("a", entries_at_most(16)).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Logs logs(p.plane);
      for (std::uint64_t after = 0; after < kEntries;) {
        const auto page = logs.read("a", after, 4, 60s);
        if (!page.ok()) {
          if (page.error().code != ErrorCode::data_loss) ++wrong;
          after = logs.get("a").value().first_seq - 1;
          continue;
        }
        for (const LogEntry& entry : page->entries) {
          if (entry.seq != ++after || entry.value != std::to_string(entry.seq)) ++wrong;
        }
      }
    });
  }
  threads.emplace_back([&] {
    Logs logs(p.plane);
    for (std::uint64_t i = 1; i <= kEntries; ++i) (void)logs.append("a", std::to_string(i));
  });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(Logs(p.plane).get("a").value().last_seq == kEntries);
}

TEST_CASE("what is too old goes by itself, of a log and of the history of events") {
  Config config;
  config.event_retention = 10s;
  PumpedPlane p(config);
  Logs logs(p.plane);
  (void)logs.define("a", {100, 1'000, 5s}).value();
  (void)logs.append("a", "1").value();
  p.pass(4'999ms);
  CHECK(logs.get("a").value().entries == 1);
  p.pass(1'001ms);
  CHECK(logs.get("a").value().entries == 0);
  CHECK(p->get_stats().value().events.first_seq == 1);
  p.pass(6s);
  CHECK(p->get_stats().value().events.first_seq == p->get_stats().value().events.last_seq + 1);
  CHECK(code_of(p->read_events(0, 10)) == ErrorCode::data_loss);
  CHECK_THAT(p->metrics_text().value(), ContainsSubstring("aragora_cp_log_trimmed_total 1"));
}

}  // namespace controlplane
