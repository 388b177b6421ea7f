// Looking at tasks and agents: pages, filters, cursors, counters.
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;

std::vector<std::string> walk(Plane& plane, std::size_t page_size, const TaskFilter& filter = {}) {
  std::vector<std::string> ids;
  PageRequest page;
  page.max_items = page_size;
  do {
    const Page<Task> tasks = plane.list(filter, page);
    CHECK(tasks.items.size() <= page_size);
    for (const Task& one : tasks.items) ids.push_back(one.id.str());
    page.cursor = tasks.next_cursor;
  } while (!page.cursor.empty());
  return ids;
}

}  // namespace

CONFORMANCE_CASE("a list gives tasks in the order of submission, page by page") {
  Plane plane(kind);
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back("t" + std::to_string(i));
    plane.submit(ids.back());
  }
  for (const std::size_t size : {1u, 3u, 5u, 10u, 100u}) CHECK(walk(plane, size) == ids);
}

CONFORMANCE_CASE("every filter narrows a list, and they combine") {
  Plane plane(kind);
  TaskSpec a = task("a", {"code"}), b = task("b", {"code", "gpu"}), c = task("c"), d = task("d");
  a.task_type = "other";
  b.labels = {{"team", "red"}, {"env", "prod"}};
  c.labels = {{"team", "blue"}};
  d.delay = std::chrono::seconds(9);
  plane.submit(a);
  plane.pass(kSecond);
  const Timestamp second = plane.now();
  plane.submit(b);
  plane.pass(kSecond);
  plane.submit(c);
  plane.submit(d);
  plane.claims(by("alice", {"code"}));              // a
  plane.fail(plane.claim("bob"), FailKind::fatal);  // c

  TaskFilter filter;
  const auto listed = [&] { return plane.listed(std::exchange(filter, {})); };
  CHECK(listed() == "a b c d");
  filter.state = TaskState::pending;
  CHECK(listed() == "b d");
  filter.reason = TaskReason::delayed;
  CHECK(listed() == "d");
  filter.task_type = "other";
  CHECK(listed() == "a");
  filter.agent_id = "alice";
  CHECK(listed() == "a");
  filter.agent_id = "bob";
  CHECK(listed() == "c");
  filter.agent_id = "nobody";
  CHECK(listed().empty());
  filter.required_capability = "code";
  CHECK(listed() == "a b");
  filter.required_capability = "gpu";
  CHECK(listed() == "b");
  filter.label_key = "team";
  CHECK(listed() == "b c");
  filter.label_key = "team";
  filter.label_value = "blue";
  CHECK(listed() == "c");
  filter.submitted_before = second;
  CHECK(listed() == "a");
  filter.submitted_after = second;
  CHECK(listed() == "c d");
  filter.dead_letters = true;
  CHECK(listed() == "c");
  filter.required_capability = "code";
  filter.state = TaskState::pending;
  filter.label_key = "env";
  CHECK(listed() == "b");
}

CONFORMANCE_CASE("a cursor stays good while tasks come and go") {
  Plane plane(kind);
  for (int i = 0; i < 9; ++i) plane.submit("t" + std::to_string(i));
  PageRequest page;
  page.max_items = 3;
  Page<Task> tasks = plane.list({}, page);
  page.cursor = tasks.next_cursor;
  for (int i = 0; i < 5; ++i) plane.complete(plane.claim("alice"));
  plane.advance_all(25 * kHour);  // t0 … t4 are removed, and with them the place of the cursor
  plane.submit("new");
  tasks = plane.list({}, page);
  REQUIRE(tasks.items.size() == 3);
  CHECK(tasks.items[0].id == TaskId("t5"));
  page.cursor = tasks.next_cursor;
  tasks = plane.list({}, page);
  REQUIRE(tasks.items.size() == 2);
  CHECK(tasks.items[1].id == TaskId("new"));
  CHECK(tasks.next_cursor.empty());
}

CONFORMANCE_CASE("rare tasks are found among many, in pages of bounded work") {
  Plane plane(kind);
  std::vector<TaskSpec> specs;
  for (int i = 0; i < 30'000; ++i) specs.push_back(task(""));
  plane.submit_batch(specs);
  plane.submit("needle");
  plane.cancel("needle");
  TaskFilter filter;
  filter.state = TaskState::cancelled;
  CHECK(plane.list(filter).items.size() == 1);  // by the counters of the chunks
  filter = {};
  filter.task_type = "none";
  PageRequest page;
  const Page<Task> nothing = plane.list(filter, page);
  CHECK(nothing.items.empty());
  CHECK_FALSE(nothing.next_cursor.empty());
  CHECK(walk(plane, 100, filter).empty());
}

CONFORMANCE_CASE("page sizes and cursors are checked") {
  Plane plane(kind);
  const auto answer = [&](std::string cursor, std::size_t max_items) {
    const TaskFilter filter;
    PageRequest page{std::move(cursor), max_items};
    ListTasks op;
    op.filter = &filter;
    op.page = &page;
    return plane.apply(op);
  };
  CHECK_THAT(answer("", 0), ContainsSubstring("invalid_argument: max_items is 0"));
  CHECK_THAT(answer("", 1'001), ContainsSubstring("max_page (1000)"));
  CHECK_THAT(answer("x1", 5), ContainsSubstring("invalid_argument: cursor \"x1\""));
  CHECK_THAT(answer("1x", 5), ContainsSubstring("invalid_argument"));
  CHECK(answer("99999999", 5) == "ok");
}

CONFORMANCE_CASE("agents are listed with filters and cursors") {
  Plane plane(kind);
  for (int i = 0; i < 6; ++i) {
    AgentSpec spec =
        agent("a" + std::to_string(i), i % 2 == 0 ? std::vector<std::string>{"code", "gpu"}
                                                  : std::vector<std::string>{"code"});
    if (i < 2) spec.labels = {{"team", "red"}};
    plane.add(spec);
  }
  plane.heartbeat("a1", AgentStatus::draining);
  const auto listed = [&](const AgentFilter& filter) {
    std::string ids;
    PageRequest page;
    page.max_items = 2;
    do {
      const Page<Agent> agents = plane.list_agents(filter, page);
      for (const Agent& one : agents.items) ids += (ids.empty() ? "" : " ") + one.agent_id;
      page.cursor = agents.next_cursor;
    } while (!page.cursor.empty());
    return ids;
  };
  AgentFilter filter;
  CHECK(listed(filter) == "a0 a1 a2 a3 a4 a5");
  filter.capabilities = {"gpu"};
  CHECK(listed(filter) == "a0 a2 a4");
  filter = {};
  filter.status = AgentStatus::draining;
  CHECK(listed(filter) == "a1");
  filter = {};
  filter.available_only = true;
  CHECK(listed(filter) == "a0 a2 a3 a4 a5");
  filter.label_key = "team";
  CHECK(listed(filter) == "a0");
  filter = {};
  plane.pass(kSecond);
  plane.heartbeat("a5");
  filter.seen_before = plane.now();
  CHECK(listed(filter) == "a0 a1 a2 a3 a4");
}

CONFORMANCE_CASE("the counters tell what is there and what has been") {
  Plane plane(kind);
  plane.add(agent("alice", {"code"}));
  plane.submit(task("a", {"code"}));
  plane.submit(task("nobody", {"gpu"}));
  TaskSpec low = task("low");
  low.priority = TaskPriority::low;
  low.delay = std::chrono::seconds(5);
  plane.submit(low);
  plane.submit(child("blocked", {"low"}));
  const ClaimedTask held = plane.claim("alice");
  plane.start(held);
  const SchedulerStats stats = plane.stats().scheduler;
  CHECK(stats.pending_tasks == 3);
  CHECK(stats.ready_tasks == 1);
  CHECK(stats.delayed_tasks == 1);
  CHECK(stats.blocked_tasks == 1);
  CHECK(stats.running_tasks == 1);
  CHECK(stats.claimed_tasks == 0);
  CHECK(stats.pending_by_priority[static_cast<std::size_t>(TaskPriority::low)] == 1);
  CHECK(stats.pending_by_priority[static_cast<std::size_t>(TaskPriority::normal)] == 2);
  CHECK(stats.submitted_total == 4);
  CHECK(stats.claimed_total == 1);
  CHECK(stats.unservable_submits_total == 1);
  CHECK(plane.stats().registry.total_agents == 1);
  CHECK(plane.stats().registry.by_status[static_cast<std::size_t>(AgentStatus::ready)] == 1);
  plane.fail(held);
  CHECK(plane.stats().scheduler.backoff_tasks == 0);
  CHECK(plane.stats().scheduler.ready_tasks == 2);
}

CONFORMANCE_CASE("waits and durations are observed") {
  Plane plane(kind);
  plane.submit("a");
  plane.pass(kSecond / 2);
  const ClaimedTask held = plane.claim("alice");
  plane.pass(5 * kSecond);
  plane.complete(held);
  ReadStats op;
  plane.apply(op);
  CHECK(op.wait.counts[8] == 1);  // 0.25 … 1 s
  CHECK(op.wait.sum_seconds == 0.5);
  CHECK(op.duration.counts[10] == 1);  // 2.5 … 10 s
  CHECK(op.duration.sum_seconds == 5);
}

}  // namespace controlplane::conformance
