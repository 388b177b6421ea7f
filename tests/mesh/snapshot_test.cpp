// Snapshots as files: written under load, read whole or not at all.
#include "controlplane/snapshot.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/digest.hpp"
#include "controlplane/logs.hpp"
#include "controlplane/resources.hpp"
#include "controlplane/shared_state.hpp"
#include "coordinator/plane.hpp"
#include "mesh/snapshot_writer.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;
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

TaskSpec work(std::string id = {}) {
  TaskSpec spec;
  spec.task_type = "work";
  spec.payload = R"({"n": 1})";
  spec.task_id = TaskId(id);
  return spec;
}

Result<std::optional<ClaimedTask>> claim(Coordinator& plane, std::string agent) {
  ClaimRequest request;
  request.agent_id = std::move(agent);
  return plane.claim_task(request);
}

void fill(Coordinator& plane) {
  AgentSpec agent;
  agent.agent_id = "worker";
  agent.capabilities = {"code"};
  agent.max_concurrency = 0;
  REQUIRE(plane.register_agent(agent));
  REQUIRE(plane.submit_task(work("a")));
  REQUIRE(plane.submit_task(work("b")));
  TaskSpec directed = work("mine");
  directed.agent_id = "worker";
  REQUIRE(plane.submit_task(directed));
  SharedState state(plane);
  REQUIRE(state.put("doc", R"({"x": [1, 2]})"));
  Resources resources(plane);
  PoolSpec pool;
  pool.name = "pool";
  pool.capacity = 3;
  REQUIRE(resources.define_pool(pool));
}

Result<SnapshotSummary> export_text(Coordinator& plane, std::string& text) {
  return Snapshots(plane).export_snapshot([&](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  });
}

// In pieces of at most `piece` bytes.
Result<SnapshotSummary> import_text(Coordinator& plane, std::string_view text,
                                    std::size_t piece = 1 << 20) {
  return Snapshots(plane).import_snapshot([&](char* to, std::size_t size) -> Result<std::size_t> {
    const std::string_view part = text.substr(0, std::min(size, piece));
    part.copy(to, part.size());
    text.remove_prefix(part.size());
    return part.size();
  });
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// With sums as if the rows had always been these.
std::string resealed(const std::vector<std::string>& lines) {
  std::string text;
  const Snapshots::Sink sink = [&](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  };
  SnapshotWriter writer(sink);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    std::string row = lines[i].substr(0, lines[i].size() - kSumBytes);
    REQUIRE(writer.add(row + "}\n"));
  }
  REQUIRE(writer.finish());
  return text;
}

std::string refusal_of(std::string_view text) {
  Plane p(StoreKind::memory);
  const auto read = import_text(p.plane, text);
  REQUIRE_FALSE(read);
  const Stats stats = p->get_stats().value();
  CHECK(stats.scheduler.submitted_total + stats.registry.total_agents + stats.documents.documents +
            stats.permits.pools + stats.events.last_seq ==
        0);
  CHECK(Snapshots(p.plane).import_snapshot("/dev/null").error().to_string() ==
        "invalid_argument: line 1: the file ends before its trailer");
  return read.error().to_string();
}

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

TEST_CASE("whatever is wrong with a file, it is refused whole, and the line is named") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  std::string text;
  REQUIRE(export_text(p.plane, text));
  const std::vector<std::string> good = lines_of(text);
  for (std::size_t at = 0; at < good.size(); ++at) {
    INFO("line " << at + 1);
    const std::string here = "line " + std::to_string(at + 1) + ":";
    const std::string next = "line " + std::to_string(at + 2) + ":";
    for (std::size_t byte = 0; byte < good[at].size(); byte += 1 + good[at].size() / 9) {
      auto lines = good;
      lines[at][byte] = static_cast<char>(lines[at][byte] ^ 1);
      CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring("invalid_argument: line "));
      CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    }
    auto lines = good;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
    CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    lines = good;
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), lines[at]);
    CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(next));
    if (at + 1 < good.size()) {
      lines = good;
      std::swap(lines[at], lines[at + 1]);
      CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    }
    lines.assign(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(at));
    CHECK_THAT(refusal_of(joined(lines)), ContainsSubstring(here));
    const std::string cut = joined(lines) + good[at].substr(0, good[at].size() / 2);
    CHECK_THAT(refusal_of(cut), ContainsSubstring(here));
  }
  CHECK_THAT(refusal_of(text + "x"), ContainsSubstring("it has no end"));
  CHECK_THAT(refusal_of(text + "\n"), ContainsSubstring("behind the trailer"));
  CHECK_THAT(refusal_of(text.substr(0, text.size() - 1)), ContainsSubstring("it has no end"));
  CHECK_THAT(refusal_of(text + text), ContainsSubstring("behind the trailer"));
  CHECK_THAT(refusal_of(""), ContainsSubstring("line 1: the file ends"));
  CHECK_THAT(refusal_of("\n"), ContainsSubstring("line 1: it has no sum"));
}

TEST_CASE("rows that contradict each other are refused, however well they are sealed") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  REQUIRE(claim(p.plane, "worker"));
  TaskSpec child = work("child");
  child.depends_on = {TaskId("b")};
  REQUIRE(p->submit_task(child));
  AcquireRequest acquire;
  acquire.needs = {{"pool", 1}};
  acquire.owner = "me";
  REQUIRE(Resources(p.plane).acquire(acquire));
  std::string text;
  REQUIRE(export_text(p.plane, text));
  const std::vector<std::string> good = lines_of(text);
  {
    Plane other(StoreKind::memory);
    REQUIRE(import_text(other.plane, resealed(good)));
  }
  // Replaces `from` by `to` in the first line that begins with `kind` and has it.
  const auto with = [&](std::string_view kind, std::string_view from, std::string_view to) {
    auto lines = good;
    for (std::string& line : lines) {
      const std::size_t at = line.find(from);
      if (!line.starts_with("{\"row\":\"" + std::string(kind) + "\"") || at == line.npos) continue;
      line.replace(at, from.size(), to);
      return refusal_of(resealed(lines));
    }
    return std::string("no such row");
  };
  // Another number for a field, in the last row of `kind` that has it.
  const auto with_number = [&](std::string_view kind, std::string_view field, const std::string& number) {
    auto lines = good;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
      const std::string name = "\"" + std::string(field) + "\":";
      const std::size_t at = line->find(name);
      if (!line->starts_with("{\"row\":\"" + std::string(kind) + "\"") || at == line->npos) continue;
      const std::size_t begin = at + name.size() - 1, end = line->find_first_of(",}", begin);
      line->replace(begin, end - begin, number);
      return refusal_of(resealed(lines));
    }
    return std::string("no such row");
  };
  const auto doubled = [&](std::string_view kind) {
    auto lines = good;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!lines[i].starts_with("{\"row\":\"" + std::string(kind) + "\"")) continue;
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
      break;
    }
    return refusal_of(resealed(lines));
  };
  CHECK_THAT(with("header", "\"version\":1", "\"version\":2"),
             ContainsSubstring("line 1: header: version is 2"));
  CHECK_THAT(with("header", "aragora-snapshot", "something"),
             ContainsSubstring("line 1: header: format"));
  CHECK_THAT(with("totals", "\"last_event\":", "\"last_event\":1"), ContainsSubstring("the events end before"));
  CHECK_THAT(with("header", "\"tasks\":4", "\"tasks\":5"),
             ContainsSubstring("5 tasks were promised, 4 came"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":4"),
             ContainsSubstring("serial 4 is not below"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":18446744073709551615"),
             ContainsSubstring("is beyond 1152921504606846976"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":1152921504606846976"),
             ContainsSubstring("too far"));
  CHECK_THAT(with("totals", "\"next_serial\":5", "\"next_serial\":18446744073709551616"),
             ContainsSubstring("line 2: totals: next_serial is no whole number"));
  CHECK_THAT(with("totals", "\"last_position\":3", "\"last_position\":2"),
             ContainsSubstring("beyond last_position"));
  // No number goes so far that the next ones would begin anew.
  const std::string highest = ":18446744073709551615";
  for (const char* number :
       {"next_serial", "last_position", "last_agent", "agents_joined", "assignments", "last_dropped",
        "last_fence", "last_waiter", "last_dropped_entry", "last_event"}) {
    INFO(number);
    CHECK_THAT(with_number("totals", number, highest), ContainsSubstring("line 2: totals: 18446744073709551615 is beyond"));
  }
  CHECK_THAT(with_number("document", "version", highest), ContainsSubstring("version is too high"));
  CHECK_THAT(with("task", "\"attempt\":{\"number\":1", "\"attempt\":{\"number\":4294967295"),
             ContainsSubstring("attempt: number, failures"));
  // Nor do moments: what has happened has happened, and what is to come is near.
  const std::string far = ":253402300799999999";
  for (const char* moment : {"submitted_at", "since", "first_ready", "claimed_at"}) {
    INFO(moment);
    CHECK_THAT(with_number("task", moment, far), ContainsSubstring("is later than the header's now"));
  }
  CHECK_THAT(with_number("task", "deadline", far), ContainsSubstring("further ahead than max_delay"));
  CHECK_THAT(with_number("agent", "last_seen", far), ContainsSubstring("later than the header's now"));
  CHECK_THAT(with_number("permit", "expires_at", far), ContainsSubstring("further ahead than max_delay"));
  CHECK_THAT(with_number("event", "time", ":1"), ContainsSubstring("time is before the last one's"));
  CHECK_THAT(with("task", "\"named\":true", "\"named\":false"), ContainsSubstring("does not go with"));
  CHECK_THAT(with("task", "\"serial\":2", "\"serial\":1"),
             ContainsSubstring("serial 1 is there twice"));
  CHECK_THAT(with("task", "\"position\":2", "\"position\":1"),
             ContainsSubstring("position 1 is there twice"));
  CHECK_THAT(with("task", "\"position\":2", "\"position\":-2"),
             ContainsSubstring("position is no whole number"));
  CHECK_THAT(with("task", "\"serial\":2", "\"serial\":\"2\""),
             ContainsSubstring("serial is no whole number"));
  CHECK_THAT(with("task", "\"serial\":2,", ""), ContainsSubstring("task: serial is missing"));
  CHECK_THAT(with("task", "\"serial\":2,", "\"serial\":2,\"more\":1,"),
             ContainsSubstring("task: type is missing"));
  CHECK_THAT(with("task", "\"n\": 1}", "\"n\": 1},\"more\":1"),
             ContainsSubstring("more is unknown"));
  CHECK_THAT(with("task", "\"n\": 1}", "\"n\": 1e999}"), ContainsSubstring("payload"));
  CHECK_THAT(with("task", "\"n\": 1}", "\"n\": 01}"), ContainsSubstring("payload"));
  CHECK_THAT(with("task", "\"state\":\"pending\"", "\"state\":\"asleep\""),
             ContainsSubstring("state is \"asleep\", which is not known"));
  CHECK_THAT(with("task", "\"state\":\"pending\"", "\"state\":\"completed\""),
             ContainsSubstring("reason does not go with state"));
  CHECK_THAT(with("task", "\"id\":\"b\"", "\"id\":\"a\""),
             ContainsSubstring("task a is there twice"));
  CHECK_THAT(with("task", "\"id\":\"b\"", "\"id\":\"a b\""), ContainsSubstring("id is no name"));
  CHECK_THAT(with("task", "[\"b\"]", "[\"gone\"]"),
             ContainsSubstring("blocked, but no parent is awaited"));
  CHECK_THAT(with("task", "[\"b\"]", "[\"child\"]"), ContainsSubstring("submitted later"));
  CHECK_THAT(with("task", "\"since\":", "\"since\":9999999999999999999, \"since\":"),
             ContainsSubstring("since is no whole number"));
  CHECK_THAT(with("task", "\"timeout_us\":300000000", "\"timeout_us\":0"),
             ContainsSubstring("timeout_us is 0"));
  CHECK_THAT(with("task", "\"backoff\":2", "\"backoff\":-2"),
             ContainsSubstring("backoff is below 1"));
  CHECK_THAT(with("task", "\"attempt\":{\"number\":1", "\"attempt\":{\"number\":0"),
             ContainsSubstring("agent does not go with number"));
  CHECK_THAT(with("pool", "\"used\":1", "\"used\":2"),
             ContainsSubstring("used is not what its permits have"));
  CHECK_THAT(with("permit", "\"pool\":\"pool\"", "\"pool\":\"none\""),
             ContainsSubstring("there is no pool none"));
  CHECK_THAT(with("permit", "\"amount\":1", "\"amount\":0"),
             ContainsSubstring("shares: that of pool pool cannot be"));
  CHECK_THAT(with("totals", "\"last_fence\":1", "\"last_fence\":0"),
             ContainsSubstring("permit 1 is there twice, or beyond"));
  std::string labels = "\"labels\":[";
  for (int i = 0; i < 17; ++i) {
    labels += std::string(i > 0 ? "," : "") + R"({"key":"k)" + std::to_string(i) + R"(","value":"v"})";
  }
  CHECK_THAT(with("agent", "\"max_concurrency\":", labels + "],\"max_concurrency\":"),
             ContainsSubstring("labels: there are too many"));
  CHECK_THAT(with("agent", "[\"code\"]", "[\"code\",\"code\"]"),
             ContainsSubstring("capabilities is no sorted set"));
  CHECK_THAT(with("agent", "\"order\":4611686018427387905", "\"order\":9"),
             ContainsSubstring("was not given out"));
  CHECK_THAT(with("document", "\"version\":1", "\"version\":0"), ContainsSubstring("version is 0"));
  CHECK_THAT(with("event", "\"seq\":3", "\"seq\":4"),
             ContainsSubstring("event: seq is 4; the next one is 3"));
  CHECK_THAT(doubled("task"), ContainsSubstring("is there twice"));
  CHECK_THAT(doubled("agent"), ContainsSubstring("agent worker is there twice"));
  CHECK_THAT(doubled("document"), ContainsSubstring("document doc is there twice"));
  CHECK_THAT(doubled("pool"), ContainsSubstring("pool pool is there twice"));
  CHECK_THAT(doubled("event"), ContainsSubstring("the next one is 2"));
  CHECK_THAT(doubled("header"), ContainsSubstring("line 2: header: the header is the first row"));
  CHECK_THAT(doubled("totals"), ContainsSubstring("line 3: totals: the totals are the second row"));
}

TEST_CASE("what limits allow comes through a snapshot, and nothing beyond them") {
  Config config;
  Limits& limits = config.limits;
  limits.max_name_bytes = 40;
  limits.max_label_key_bytes = 200;
  limits.max_payload_bytes = limits.max_result_bytes = limits.max_document_bytes = 4'000;
  limits.max_log_entry_bytes = 8'388'608;
  Plane p(StoreKind::memory, config);
  TaskSpec labelled = work("labelled");
  labelled.labels = {{std::string(150, 'k'), "v"}};
  labelled.payload = Json('"' + std::string(3'998, 'x') + '"');
  REQUIRE(p->submit_task(labelled));
  REQUIRE(Logs(p.plane).append("log", Json("[\n" + std::string(8'000'000, ' ') + "1]")));
  std::string text;
  REQUIRE(export_text(p.plane, text));
  const auto refusal_with = [&](const Config& other) {
    Plane fresh(StoreKind::memory, other);
    const auto read = import_text(fresh.plane, text);
    return read ? std::string() : read.error().message;
  };
  CHECK(refusal_with(config) == "");
  Config smaller = config;
  smaller.limits.max_payload_bytes = 1'000;
  CHECK(refusal_with(smaller) == "line 3: task: payload is longer than the limits allow");
  smaller = config;
  smaller.limits.max_label_key_bytes = 100;
  CHECK_THAT(refusal_with(smaller), ContainsSubstring("key is no name of 1 to max_label_key_bytes"));
  smaller = config;
  smaller.limits.max_log_entry_bytes = 1'000;
  CHECK_THAT(refusal_with(smaller), ContainsSubstring("longer than"));
}

TEST_CASE("a trailer that is not written as one is no way around its sum") {
  Plane p(StoreKind::memory);
  fill(p.plane);
  std::string text, planted;
  REQUIRE(export_text(p.plane, text));
  const std::vector<std::string> lines = lines_of(text);
  const Snapshots::Sink sink = [&](std::string_view bytes) -> Result<void> {
    planted += bytes;
    return {};
  };
  SnapshotWriter writer(sink);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    REQUIRE(writer.add(lines[i].substr(0, lines[i].size() - kSumBytes) + "}\n"));
  }
  REQUIRE(writer.add("{ \"row\":\"trailer\",\"lines\":" + std::to_string(lines.size() - 1) +
                     ",\"sha256\":\"" + std::string(64, '0') + "\"}\n"));
  REQUIRE(writer.finish());
  planted.resize(planted.rfind('\n', planted.size() - 2) + 1);  // without the true one
  CHECK_THAT(refusal_of(planted), ContainsSubstring("a trailer is not written like this"));
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
