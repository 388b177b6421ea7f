#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "coordinator/plane.hpp"
#include "controlplane/shared_state.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

Result<Json> one_more(const Document* current) {
  return Json(std::to_string(current == nullptr ? 1 : std::stoi(current->value.str()) + 1));
}

// What a watch was told, as "put a 1".
class Seen {
 public:
  SharedState::WatchHandler handler() {
    return [this](const std::vector<DocumentChange>& changes, std::uint64_t missed) {
      static constexpr const char* kKinds[] = {"put", "deleted", "expired"};
      const std::lock_guard lock(mutex_);
      for (const DocumentChange& change : changes) {
        seen_.push_back(std::string(kKinds[static_cast<int>(change.kind)]) + " " + change.key + " " +
                        std::to_string(change.version));
        last_seq_ = change.seq;
      }
      missed_ += missed;
      changed_.notify_all();
    };
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    CHECK(changed_.wait_for(lock, 30s, [&] { return seen_.size() >= count; }));
    return seen_;
  }
  std::uint64_t last_seq() {
    const std::lock_guard lock(mutex_);
    return last_seq_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;
  std::uint64_t missed_ = 0, last_seq_ = 0;
};

// A store that is away refuses a watch at once: that is for the caller to repeat.
Subscription watching(SharedState& state, std::string_view prefix, Seen& seen,
                      std::uint64_t after = 0) {
  for (;;) {
    auto watch = state.watch(prefix, seen.handler(), after);
    if (watch) return *std::move(watch);
    REQUIRE(watch.error().code == ErrorCode::unavailable);
  }
}

}  // namespace

TEST_CASE("documents are put, read, listed and removed") {
  Plane p(any_store());
  SharedState state(p.plane);
  CHECK(code_of(state.get("config/a")) == ErrorCode::not_found);
  CHECK(state.put("config/a", R"({"x":1})").value() == 1);
  CHECK(state.put("config/b", "2").value() == 1);
  CHECK(state.put("other", "3").value() == 1);
  const Document a = state.get("config/a").value();
  CHECK(a.value == R"({"x":1})");
  CHECK(a.version == 1);
  CHECK(a.updated_at == a.created_at);
  const Page<Document> page = state.list("config/").value();
  REQUIRE(page.items.size() == 2);
  CHECK(page.items[1].key == "config/b");
  CHECK(state.remove("config/a").value());
  CHECK(code_of(state.get("config/a")) == ErrorCode::not_found);
  PutOptions expecting;
  expecting.expected_version = 7;
  const auto refused = state.put("other", "4", expecting);
  CHECK(code_of(refused) == ErrorCode::conflict);
  CHECK_THAT(refused.error().message, ContainsSubstring("version 1"));
  CHECK(code_of(state.remove("other", 7)) == ErrorCode::conflict);
}

TEST_CASE("the completion forms answer the same") {
  Plane p(StoreKind::memory);
  SharedState state(p.plane);
  Heard<std::uint64_t> put;
  state.put("a", "1", {}, put.done());
  CHECK(put.answer.value().value() == 1);
  Heard<Document> got;
  state.get("a", got.done());
  CHECK(got.answer.value()->value == "1");
  Heard<Page<Document>> listed;
  state.list("", {}, listed.done());
  CHECK(listed.answer.value()->items.size() == 1);
  Heard<bool> removed;
  state.remove("a", {}, removed.done());
  CHECK(removed.answer.value().value());
}

TEST_CASE("what breaks a rule is refused and named") {
  Plane p(StoreKind::memory);
  SharedState state(p.plane);
  const auto message = [](const auto& result) {
    CHECK(code_of(result) == ErrorCode::invalid_argument);
    return result.error().message;
  };
  CHECK_THAT(message(state.put("a b", "1")), ContainsSubstring("a b"));
  CHECK_THAT(message(state.put("", "1")), ContainsSubstring("key"));
  CHECK_THAT(message(state.put("a", "{")), ContainsSubstring("value"));
  CHECK_THAT(message(state.put("a", Json())), ContainsSubstring("empty"));
  CHECK_THAT(message(state.put("a", "\"" + std::string(1'048'575, 'x') + "\"")),
             ContainsSubstring("max_document_bytes"));
  PutOptions negative;
  negative.ttl = -1ms;
  CHECK_THAT(message(state.put("a", "1", negative)), ContainsSubstring("ttl"));
  PutOptions endless;
  endless.ttl = std::chrono::milliseconds::max();
  CHECK_THAT(message(state.put("a", "1", endless)), ContainsSubstring("max_delay"));
  PutOptions badly_named;
  badly_named.operation_id = "a b";
  CHECK_THAT(message(state.put("a", "1", badly_named)), ContainsSubstring("operation_id"));
  CHECK_THAT(message(state.list("a b")), ContainsSubstring("prefix"));
  CHECK_THAT(message(state.list("a/", {"b/1", 10})), ContainsSubstring("cursor b/1"));
  CHECK_THAT(message(state.list("", {"", 0})), ContainsSubstring("max_items"));
  CHECK_THAT(message(state.update("a", one_more, {{}, 0})), ContainsSubstring("max_tries"));
  CHECK_THAT(message(state.watch("a b", [](const auto&, std::uint64_t) {})),
             ContainsSubstring("prefix"));
  CHECK_THAT(message(state.watch("", nullptr)), ContainsSubstring("handler"));
  CHECK(state.list().value().items.empty());
}

TEST_CASE("32 threads that increment one counter 1,000 times each end at 32,000") {
  Plane p(StoreKind::memory);
  SharedState state(p.plane);
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 32; ++i) {
    threads.emplace_back([&] {
      SharedState mine(p.plane);
      for (int k = 0; k < 1'000; ++k) failed += mine.update("counter", one_more).ok() ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  const Document counter = state.get("counter").value();
  CHECK(counter.value == "32000");
  CHECK(counter.version == 32'000);
  const std::string metrics = p->metrics_text().value();
  CHECK_THAT(metrics, ContainsSubstring("aragora_cp_document_puts_total 32000"));
  CHECK_THAT(metrics, ContainsSubstring("aragora_cp_state_conflict_retries_total"));
}

TEST_CASE("no increment is lost or done twice over a store that loses answers") {
  Plane p(StoreKind::faulty);
  SharedState state(p.plane);
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      SharedState mine(p.plane);
      for (int k = 0; k < 25; ++k) done += mine.update("counter", one_more).ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(done == 100);
  CHECK(state.get("counter").value().value == "100");
}

TEST_CASE("update stops when the change says so, and leaves alone what it is told to") {
  Plane p(StoreKind::memory);
  SharedState state(p.plane);
  const auto nothing = [](const Document*) -> Result<Json> { return Json(); };
  CHECK(code_of(state.update("a", nothing)) == ErrorCode::not_found);
  state.put("a", "1").value();
  CHECK(state.update("a", nothing).value().version == 1);
  const auto refusing = [](const Document*) -> Result<Json> {
    return Error::failed_precondition("not now");
  };
  CHECK(state.update("a", refusing).error().message == "not now");
  const Document updated = state.update("a", one_more, {10s, 1}).value();
  CHECK(updated.key == "a");
  CHECK(updated.value == "2");
  CHECK(updated.version == 2);
  CHECK(updated.expires_at == updated.updated_at + 10'000'000);
  CHECK(state.get("a").value().version == 2);
}

TEST_CASE("update gives up after max_tries and says so") {
  Plane p(StoreKind::memory);
  SharedState state(p.plane);
  int tries = 0;
  const auto disturbed = [&](const Document*) -> Result<Json> {
    ++tries;
    state.put("a", "0").value();
    return Json("1");
  };
  const auto refused = state.update("a", disturbed, {{}, 3});
  CHECK(code_of(refused) == ErrorCode::conflict);
  CHECK_THAT(refused.error().message, ContainsSubstring("max_tries (3)"));
  CHECK(tries == 3);
  CHECK(state.get("a").value().value == "0");
}

TEST_CASE("a watch hears of every change under its prefix, in order, and resumes") {
  Plane p(any_store());
  SharedState state(p.plane);
  state.put("team/early", "1").value();
  Seen seen;
  std::uint64_t last = 0;
  {
    const Subscription watch = watching(state, "team/", seen);
    state.put("team/a", "1").value();
    state.put("teams", "1").value();
    state.put("team/a", "2").value();
    state.remove("team/a").value();
    CHECK(seen.wait_for(3) ==
          std::vector<std::string>{"put team/a 1", "put team/a 2", "deleted team/a 2"});
    last = seen.last_seq();
  }
  state.put("team/b", "1").value();
  Seen later;
  const Subscription resumed = watching(state, "team/", later, last);
  CHECK(later.wait_for(1).front().starts_with("put team/b"));
}

TEST_CASE("a document that expires is gone at its time, and a watch hears of it") {
  PumpedPlane p;
  SharedState state(p.plane);
  Seen seen;
  const Subscription watch = watching(state, "", seen);
  PutOptions short_lived;
  short_lived.ttl = 10s;
  state.put("a", "1", short_lived).value();
  p.pass(9'999ms);
  CHECK(state.get("a").ok());
  p.pass(1ms);
  CHECK(seen.wait_for(2).back() == "expired a 1");
  CHECK(code_of(state.get("a")) == ErrorCode::not_found);
}

TEST_CASE("after the coordinator closed everything answers cancelled") {
  Plane p(StoreKind::memory);
  SharedState state(p.plane);
  CHECK(p->shutdown().ok());
  CHECK(code_of(state.get("a")) == ErrorCode::cancelled);
  CHECK(code_of(state.put("a", "1")) == ErrorCode::cancelled);
  CHECK(code_of(state.update("a", one_more)) == ErrorCode::cancelled);
  CHECK(code_of(state.watch("", [](const auto&, std::uint64_t) {})) == ErrorCode::cancelled);
}

}  // namespace controlplane
