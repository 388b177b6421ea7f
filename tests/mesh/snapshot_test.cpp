// Snapshots as files: written under load, read whole or not at all.
#include "controlplane/snapshot.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "mesh/snapshot_text.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

StoreKind any_store() { return GENERATE(StoreKind::memory, StoreKind::late, StoreKind::faulty); }

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "snapshot.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_),
                                                  std::filesystem::directory_iterator()));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a tenant is written to a file and read into a fresh one") {
  const Directory directory;
  Plane p(any_store());
  fill(p.plane);
  const auto held = claim(p.plane, "worker");
  REQUIRE(held);
  const std::string path = directory / "plane.jsonl";
  const auto written = Snapshots(p.plane).export_snapshot(path);
  REQUIRE(written);
  CHECK(written->tasks == 3);
  CHECK(written->agents == 1);
  CHECK(written->documents == 1);
  CHECK(written->pools == 1);
  CHECK(written->events > 5);
  CHECK(written->bytes == std::filesystem::file_size(path));
  CHECK(directory.files() == 1);

  Plane other(any_store());
  const auto read = Snapshots(other.plane).import_snapshot(path);
  INFO((read ? std::string() : read.error().to_string()));
  REQUIRE(read);
  CHECK(read->tasks == 3);
  CHECK(read->lines == written->lines);
  CHECK(read->bytes == written->bytes);
  CHECK(read->sha256 == written->sha256);
  CHECK(read->taken_at == written->taken_at);
  Completion completion;
  completion.attempt = {held->value().id, held->value().lease, {}};
  CHECK(other->complete_task(completion));
  CHECK(SharedState(other.plane).get("doc")->value == R"({"x": [1, 2]})");
  CHECK(code_of(Snapshots(other.plane).import_snapshot(path)) == ErrorCode::failed_precondition);
}

TEST_CASE("a snapshot is the same however it comes in pieces") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  std::string text;
  REQUIRE(export_text(p.plane, text));
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{1} << 20}) {
    Plane other(StoreKind::memory);
    REQUIRE(import_text(other.plane, text, piece));
    CHECK(other->get_task("a").value().payload == R"({"n": 1})");
  }
}

TEST_CASE("a snapshot that is taken under load is whole") {
  Plane p(any_store());
  for (int i = 0; i < 2'000; ++i) REQUIRE(p->submit_task(work()));
  std::atomic<bool> stop{false};
  std::thread load([&] {
    while (!stop) {
      (void)p->submit_task(work());
      auto held = claim(p.plane, "agent");
      if (!held || !*held) continue;
      Completion completion;
      completion.attempt = {(*held)->id, (*held)->lease, {}};
      (void)p->complete_task(completion);
    }
  });
  std::string text;
  const auto written = export_text(p.plane, text);
  stop = true;
  load.join();
  INFO((written ? std::string() : written.error().to_string()));
  REQUIRE(written);
  CHECK(written->tasks >= 2'000);
  Plane other(StoreKind::memory);
  const auto read = import_text(other.plane, text);
  INFO((read ? std::string() : read.error().to_string()));
  REQUIRE(read);
  CHECK(read->tasks == written->tasks);
  std::string again;
  REQUIRE(export_text(other.plane, again));
  CHECK(lines_of(again).size() == lines_of(text).size());
}

TEST_CASE("a file that cannot be written or read says why, and leaves nothing behind") {
  const Directory directory;
  Plane p(StoreKind::memory);
  fill(p.plane);
  Snapshots snapshots(p.plane);
  CHECK(snapshots.export_snapshot("/dev/full").error().to_string() ==
        "resource_exhausted: cannot write \"/dev/full\": No space left on device");
  CHECK(code_of(snapshots.export_snapshot(directory / "none/at/all")) == ErrorCode::not_found);
  CHECK(code_of(snapshots.export_snapshot("")) == ErrorCode::invalid_argument);
  CHECK(code_of(snapshots.import_snapshot(directory / "none")) == ErrorCode::not_found);
  Plane fresh(StoreKind::memory);
  CHECK(code_of(Snapshots(fresh.plane).import_snapshot("/proc/self")) == ErrorCode::unavailable);
  CHECK(directory.files() == 0);
  // What was there stays until there is something better, and what was begun goes.
  const std::string path = directory / "kept";
  std::ofstream(path) << "old";
  const auto failed = snapshots.export_snapshot([&](std::string_view) -> Result<void> {
    CHECK(code_of(snapshots.export_snapshot(path)) == ErrorCode::failed_precondition);
    CHECK(std::filesystem::file_size(path) == 3);
    CHECK(directory.files() == 1);
    return Error::cancelled("no more");
  });
  CHECK(failed.error().to_string() == "cancelled: no more");
  REQUIRE(snapshots.export_snapshot(path));
  CHECK(std::filesystem::file_size(path) > 1'000);
  CHECK(directory.files() == 1);
}

TEST_CASE("a file that is replaced keeps its mode, and a link leads where it led") {
  const Directory directory;
  Plane p(StoreKind::memory);
  fill(p.plane);
  Snapshots snapshots(p.plane);
  const std::string path = directory / "file", link = directory / "link";
  const auto mode_of = [](const std::string& file) {
    return static_cast<unsigned>(std::filesystem::status(file).permissions());
  };
  REQUIRE(snapshots.export_snapshot(path));
  CHECK(mode_of(path) == 0600);
  std::ofstream(path) << "old";
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  std::filesystem::create_symlink("file", link);
  REQUIRE(snapshots.export_snapshot(link));
  CHECK(std::filesystem::is_symlink(link));
  CHECK(std::filesystem::file_size(path) > 1'000);
  CHECK(mode_of(path) == 0644);
  CHECK(directory.files() == 2);
}

TEST_CASE("a reader of a pipe that leaves is an error, and no signal") {
  const Directory directory;
  Plane p(StoreKind::memory);
  TaskSpec large = work("large");
  large.payload = Json('"' + std::string(1'000'000, 'x') + '"');  // more than a pipe holds
  REQUIRE(p->submit_task(large));
  const std::string path = directory / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::thread reader([&] { std::ifstream(path).get(); });
  const auto written = Snapshots(p.plane).export_snapshot(path);
  reader.join();
  REQUIRE_FALSE(written);
  CHECK(written.error().to_string() == "unavailable: cannot write \"" + path + "\": Broken pipe");
  CHECK(directory.files() == 1);
}

TEST_CASE("no piece that a sink is given is empty") {
  Plane p(StoreKind::memory);
  for (int i = 0; i < 2'000; ++i) REQUIRE(p->submit_task(work()));
  std::size_t pieces = 0;
  REQUIRE(Snapshots(p.plane).export_snapshot([&](std::string_view bytes) -> Result<void> {
    CHECK(bytes.size() > 0);
    ++pieces;
    return {};
  }));
  CHECK(pieces > 3);
}

TEST_CASE("two exports at once: the second is refused, and may come when the first is over") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  Snapshots snapshots(p.plane);
  const auto outer = snapshots.export_snapshot([&](std::string_view) -> Result<void> {
    std::string ignored;
    CHECK(code_of(export_text(p.plane, ignored)) == ErrorCode::failed_precondition);
    return {};
  });
  REQUIRE(outer);
  std::string text;
  CHECK(export_text(p.plane, text));
}

TEST_CASE("an agent's state is kept and given back with what is known of it") {
  Plane p(any_store());
  Snapshots snapshots(p.plane);
  CHECK(code_of(snapshots.get_state_snapshot("worker")) == ErrorCode::not_found);
  fill(p.plane);
  REQUIRE(claim(p.plane, "worker"));
  CHECK(snapshots.set_state("worker", R"({"step": 3, "notes": ["a"]})").value() == 1);
  const Json snapshot = snapshots.get_state_snapshot("worker").value();
  CHECK_THAT(snapshot.str(), ContainsSubstring(R"("agent_id":"worker","registered":true)"));
  CHECK_THAT(snapshot.str(), ContainsSubstring(R"("running":1)"));
  CHECK_THAT(snapshot.str(), ContainsSubstring(R"("held_tasks":["a"],"directed_tasks":["mine"])"));
  CHECK_THAT(snapshot.str(),
             ContainsSubstring(R"("state_version":1,"state":{"step": 3, "notes": ["a"]}})"));
  CHECK(snapshots.set_state("worker", snapshot).value() == 2);
  CHECK_THAT(snapshots.get_state_snapshot("worker").value().str(),
             ContainsSubstring(R"("state_version":2,"state":{"step": 3, "notes": ["a"]}})"));
  CHECK(snapshots.set_state("stranger", "7").value() == 1);
  CHECK_THAT(snapshots.get_state_snapshot("stranger").value().str(),
             ContainsSubstring(R"("registered":false)"));
  CHECK(SharedState(p.plane).get("agent-state/stranger")->value == "7");
  const Json nothing = [&] {
    AgentSpec fresh;
    fresh.agent_id = "fresh";
    REQUIRE(p->register_agent(fresh));
    return snapshots.get_state_snapshot("fresh").value();
  }();
  CHECK(snapshots.set_state("fresh", nothing).value() == 0);
  CHECK(code_of(SharedState(p.plane).get("agent-state/fresh")) == ErrorCode::not_found);
  CHECK(snapshots.set_state("fresh", "null").value() == 1);  // a state like any other
  CHECK(snapshots.set_state("fresh", snapshots.get_state_snapshot("fresh").value()).value() == 2);
  CHECK(code_of(snapshots.set_state("worker", "{")) == ErrorCode::invalid_argument);
  CHECK(code_of(snapshots.set_state("worker", "")) == ErrorCode::invalid_argument);
  CHECK(code_of(snapshots.set_state("a b", "1")) == ErrorCode::invalid_argument);
  CHECK(code_of(snapshots.get_state_snapshot(std::string(120, 'a'))) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("the state of a tenant in one object") {
  Plane p(any_store());
  fill(p.plane);
  const std::string snapshot = Snapshots(p.plane).get_state_snapshot().value().str();
  CHECK_THAT(snapshot,
             ContainsSubstring(R"("kind":"coordinator_state_snapshot","tenant":"default")"));
  CHECK_THAT(snapshot, ContainsSubstring(R"("tasks":{"pending":3,)"));
  CHECK_THAT(snapshot, ContainsSubstring(R"("total":1,"available":1)"));
  CHECK_THAT(snapshot, ContainsSubstring(R"("permits":{"pools":1,"permits":0,"waiting":0})"));
}

}  // namespace controlplane
