// Meets each limit that the tables enforce at n and at n + 1, where nothing may have changed.
// tests/coordinator/validation_test.cpp meets those that inputs are checked against (sizes, names,
// labels, JSON, durations, max_batch); tests/store/memory_store_test.cpp meets max_tenants.
#include <functional>

#include "base/bytes.hpp"
#include "catch.hpp"
#include "engine/namespace.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr Timestamp kStart = 1'700'000'000'000'000;

std::string number(int i) { return std::to_string(i); }

class Tables {
 public:
  explicit Tables(const NamespaceOptions& options) : tables_("t", options) {}

  std::string submit(TaskSpec spec) {
    if (spec.task_type.empty()) spec.task_type = "work";
    TaskDraft draft;
    draft.spec = &spec;
    draft.own_id = !spec.task_id.empty();
    draft.has_fingerprint = draft.own_id || !spec.idempotency_key.empty();
    draft.id = draft.own_id ? spec.task_id : TaskId(make_uuid());
    SubmitTasks op;
    op.tasks = std::span(&draft, 1);
    apply(op);
    return draft.error ? draft.error->to_string() : "ok";
  }
  std::optional<ClaimedTask> claim() {
    ClaimRequest request;
    request.agent_id = "alice";
    request.lease_ttl = std::chrono::seconds(1);
    ClaimTasks op;
    op.request = &request;
    apply(op);
    return op.one;
  }
  void end(const ClaimedTask& task, EndKind kind, FailKind fail_kind = FailKind::retryable) {
    const AttemptRef attempt{task.id, task.lease, {}};
    AttemptEnd item;
    item.attempt = &attempt;
    item.fail_kind = fail_kind;
    EndAttempts op(kind);
    op.items = std::span(&item, 1);
    apply(op);
  }
  std::string add_agent(const std::string& id) {
    AgentSpec spec;
    spec.agent_id = id;
    AddAgent op;
    op.spec = &spec;
    op.incarnation = 1;
    return apply(op);
  }
  std::string replay(const TaskId& id, std::string_view operation_id, bool with_dependents) {
    ReplayTask op;
    op.id = &id;
    op.operation_id = operation_id;
    op.with_dependents = with_dependents;
    op.new_id = make_uuid();
    return apply(op);
  }
  std::string put(const std::string& key, const Json& value) {
    PutDocument op;
    op.key = key;
    op.value = &value;
    return apply(op);
  }
  std::string append(const std::string& name, const Json& entry) {
    AppendLog op;
    op.name = name;
    op.entry = &entry;
    return apply(op);
  }
  std::string define_log(const std::string& name) {
    DefineLog op;
    op.name = name;
    return apply(op);
  }
  std::string define(const std::string& name, std::uint64_t capacity) {
    PoolSpec spec;
    spec.name = name;
    spec.capacity = capacity;
    DefinePool op;
    op.spec = &spec;
    return apply(op);
  }
  // With an operation it waits.
  std::string acquire(const std::string& pool, bool is_lease, std::string_view operation = {}) {
    const PermitNeed need{pool, 1};
    AcquirePermit op;
    op.needs = std::span(&need, 1);
    op.owner = "o";
    op.ttl_us = 1'000'000;
    op.operation_id = operation;
    op.waits_until = operation.empty() ? 0 : now_ + 1;
    op.is_lease = is_lease;
    return apply(op);
  }
  Task get(const TaskId& id) {
    GetTask op;
    op.id = &id;
    REQUIRE(apply(op) == "ok");
    return *op.task;
  }
  Advance advance(std::int64_t us = 0) {
    now_ += us;
    Advance op;
    apply(op);
    return op;
  }
  Stats stats() {
    ReadStats op;
    apply(op);
    return op.stats;
  }
  std::string apply(Operation& op) {
    op.random = ++random_;
    tables_.apply(op, now_);
    return op.failed ? op.failed->to_string() : "ok";
  }
  std::uint64_t hash() const { return tables_.state_hash(); }

 private:
  TaskId::Uuid make_uuid() {
    TaskId::Uuid uuid{};
    store_be64(uuid.data(), 0x7000);
    store_be64(uuid.data() + 8, std::uint64_t{1} << 63 | ++ids_);
    return uuid;
  }
  Namespace tables_;
  Timestamp now_ = kStart;
  std::uint64_t random_ = 0, ids_ = 0;
};

// One more of what a limit counts, and what the one too many hears.
struct Row {
  const char* limit;
  std::size_t Limits::*value;
  std::function<void(Tables&)> prepare;
  std::function<std::string(Tables&, int)> one_more;
};

void nothing(Tables&) {}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"max_tasks", &Limits::max_tasks, nothing, [](Tables& t, int) { return t.submit({}); }},
      {"max_agents", &Limits::max_agents, nothing,
       [](Tables& t, int i) { return t.add_agent("agent" + number(i)); }},
      {"max_queues", &Limits::max_queues, nothing,
       [](Tables& t, int i) {
         TaskSpec spec;
         spec.required_capabilities = {"need" + number(i)};
         return t.submit(spec);
       }},
      {"max_concurrency_keys", &Limits::max_concurrency_keys, nothing,
       [](Tables& t, int i) {
         TaskSpec spec;
         spec.concurrency_key = "key" + number(i);
         spec.concurrency_limit = 1;
         return t.submit(spec);
       }},
      {"max_idempotency_keys", &Limits::max_idempotency_keys, nothing,
       [](Tables& t, int i) {
         TaskSpec spec;
         if (i % 2 == 0)
           spec.idempotency_key = "key" + number(i);
         else
           spec.task_id = "id" + number(i);
         return t.submit(spec);
       }},
      {"max_dependents", &Limits::max_dependents,
       [](Tables& t) {
         TaskSpec parent;
         parent.task_id = "p";
         t.submit(parent);
       },
       [](Tables& t, int) {
         TaskSpec spec;
         spec.depends_on = {"p"};
         return t.submit(spec);
       }},
      {"max_task_types", &Limits::max_task_types, nothing,
       [](Tables& t, int i) {
         TaskSpec spec;
         spec.task_type = "type" + number(i);
         return t.submit(spec);
       }},
      {"max_policies", &Limits::max_policies, nothing,
       [](Tables& t, int i) {
         TaskSpec spec;
         spec.timeout = std::chrono::seconds(1 + i);
         return t.submit(spec);
       }},
      {"max_documents", &Limits::max_documents, nothing,
       [](Tables& t, int i) { return t.put("key" + number(i), "1"); }},
      {"max_logs", &Limits::max_logs, nothing,
       [](Tables& t, int i) { return t.append("log" + number(i), "1"); }},
      {"max_logs", &Limits::max_logs, nothing,
       [](Tables& t, int i) { return t.define_log("log" + number(i)); }},
      {"max_log_entries", &Limits::max_log_entries, nothing,
       [](Tables& t, int i) { return t.append("log" + number(i % 2), "1"); }},
      {"max_log_entries", &Limits::max_log_entries, nothing,  // nor is the log made
       [](Tables& t, int i) { return t.append("log" + number(i), "1"); }},
      {"max_logs_bytes", &Limits::max_logs_bytes, nothing,
       [](Tables& t, int i) { return t.append("log" + number(i % 2), "1"); }},
      {"max_pools", &Limits::max_pools, nothing,
       [](Tables& t, int i) { return t.define("pool" + number(i), 1); }},
      {"max_pools", &Limits::max_pools, nothing,
       [](Tables& t, int i) { return t.acquire("lease" + number(i), true); }},
      {"max_permits", &Limits::max_permits, [](Tables& t) { t.define("p", 3); },
       [](Tables& t, int i) { return t.acquire("p", false, "op" + number(i)); }},
      {"max_permit_waiters", &Limits::max_permit_waiters,
       [](Tables& t) {
         t.define("p", 1);
         t.acquire("p", false);
       },
       [](Tables& t, int i) { return t.acquire("p", false, "op" + number(i)); }},
      // A key of one byte and a value that grows to four.
      {"max_documents_bytes", &Limits::max_documents_bytes, nothing,
       [](Tables& t, int i) { return t.put("k", std::string(static_cast<std::size_t>(i), '1')); }},
  };
  return all;
}

}  // namespace

TEST_CASE("each limit of a tenant admits n and refuses one more, which changes nothing") {
  for (const Row& row : rows()) {
    DYNAMIC_SECTION(row.limit) {
      constexpr int n = 5;
      NamespaceOptions options;
      options.limits.*row.value = n;
      Tables tables(options);
      row.prepare(tables);
      for (int i = 0; i < n; ++i) CHECK(row.one_more(tables, i) == "ok");
      const std::uint64_t before = tables.hash();
      const std::string answer = row.one_more(tables, n);
      CHECK_THAT(answer, ContainsSubstring("resource_exhausted: "));
      CHECK_THAT(answer, ContainsSubstring(row.limit));
      CHECK_THAT(answer, ContainsSubstring(number(n)));
      CHECK(tables.hash() == before);
    }
  }
}

TEST_CASE("directed queues are not counted against max_queues") {
  NamespaceOptions options;
  options.limits.max_queues = 1;
  Tables tables(options);
  CHECK(tables.submit({}) == "ok");
  for (int i = 0; i < 5; ++i) {
    TaskSpec spec;
    spec.agent_id = "agent" + number(i);
    CHECK(tables.submit(spec) == "ok");
  }
}

TEST_CASE("a queue without live tasks makes room for another") {
  NamespaceOptions options;
  options.limits.max_queues = 1;
  Tables tables(options);
  CHECK(tables.submit({}) == "ok");
  TaskSpec other;
  other.required_capabilities = {"gpu"};
  CHECK_THAT(tables.submit(other), ContainsSubstring("max_queues"));
  tables.end(*tables.claim(), EndKind::complete);
  CHECK(tables.submit(other) == "ok");
}

TEST_CASE("max_page bounds the pages of all that is listed") {
  NamespaceOptions options;
  options.limits.max_page = 5;
  Tables tables(options);
  for (const std::size_t size : {5u, 6u}) {
    const PageRequest page{"", size};
    const TaskFilter tasks;
    const AgentFilter agents;
    ListTasks list_tasks;
    list_tasks.filter = &tasks;
    ListAgents list_agents;
    list_agents.filter = &agents;
    ListDocuments list_documents;
    ListLogs list_logs;
    ListPools list_pools;
    ListPermits list_permits;
    list_permits.pool = "pool";
    tables.define("pool", 1);
    list_tasks.page = list_agents.page = list_documents.page = &page;
    list_pools.page = list_permits.page = list_logs.page = &page;
    const std::string expected = size == 5 ? "ok" : "invalid_argument: max_items";
    CHECK_THAT(tables.apply(list_tasks), ContainsSubstring(expected));
    CHECK_THAT(tables.apply(list_agents), ContainsSubstring(expected));
    CHECK_THAT(tables.apply(list_documents), ContainsSubstring(expected));
    CHECK_THAT(tables.apply(list_logs), ContainsSubstring(expected));
    CHECK_THAT(tables.apply(list_pools), ContainsSubstring(expected));
    CHECK_THAT(tables.apply(list_permits), ContainsSubstring(expected));
  }
}

TEST_CASE("max_events and max_event_bytes trim the history") {
  NamespaceOptions options;
  options.limits.max_events = 5;
  SECTION("by count") {
    Tables tables(options);
    for (int i = 0; i < 5; ++i) tables.submit({});
    CHECK(tables.stats().events.first_seq == 1);
    tables.submit({});
    CHECK(tables.stats().events.first_seq == 2);
  }
  SECTION("by bytes") {
    options.limits.max_event_bytes = 32;  // one event has 20
    Tables tables(options);
    tables.submit({});
    CHECK(tables.stats().events.first_seq == 1);
    tables.submit({});
    CHECK(tables.stats().events.first_seq == 2);
  }
}

TEST_CASE("event_retention trims the history by its age, a step at a time") {
  NamespaceOptions options;
  options.event_retention_us = 10'000'000;
  Tables tables(options);
  for (int i = 0; i < 300; ++i) tables.submit({});
  CHECK(tables.advance(9'999'999).applied == 0);
  tables.submit({});
  CHECK(tables.stats().events.first_seq == 1);
  const Advance step = tables.advance(1);
  CHECK(step.applied == 256);
  CHECK(step.more_due);
  CHECK(tables.stats().events.first_seq == 257);
  CHECK(tables.advance().applied == 44);
  CHECK(tables.advance().applied == 0);
  CHECK(tables.stats().events.first_seq == 301);
  CHECK(tables.advance(10'999'999).applied == 1);  // the full second after its age
  CHECK(tables.stats().events.last_seq == 301);
}

TEST_CASE("a log that is full takes another entry even if the tenant can take no more") {
  NamespaceOptions options;
  options.limits.max_log_entries = 3;
  options.limits.max_logs_bytes = 9;
  Tables tables(options);
  DefineLog small;
  small.name = "a";
  small.bounds.max_entries = 2;
  tables.apply(small);
  CHECK(tables.append("b", "111") == "ok");
  for (int i = 0; i < 5; ++i) CHECK(tables.append("a", "222") == "ok");
  CHECK_THAT(tables.append("b", "111"), ContainsSubstring("max_log_entries"));
  CHECK_THAT(tables.append("a", "4444"), ContainsSubstring("max_logs_bytes"));
  CHECK(tables.append("a", "333") == "ok");
  CHECK(tables.stats().logs.entries == 3);
  CHECK(tables.stats().logs.bytes == 9);
}

TEST_CASE("max_batch bounds the family that one replay revives") {
  NamespaceOptions options;
  options.limits.max_batch = 5;
  for (const int children : {4, 5}) {
    Tables tables(options);
    TaskSpec parent;
    parent.task_id = "p";
    tables.submit(parent);
    for (int i = 0; i < children; ++i) {
      TaskSpec spec;
      spec.depends_on = {"p"};
      tables.submit(spec);
    }
    tables.end(*tables.claim(), EndKind::fail, FailKind::fatal);
    tables.advance();
    const std::uint64_t before = tables.hash();
    const std::string answer = tables.replay("p", "op", true);
    if (children == 4) {
      CHECK(answer == "ok");
    } else {
      CHECK_THAT(answer, ContainsSubstring("resource_exhausted"));
      CHECK_THAT(answer, ContainsSubstring("max_batch (5)"));
      CHECK(tables.hash() == before);
    }
  }
}

TEST_CASE("a replay meets max_tasks, max_idempotency_keys and max_queues before it begins") {
  NamespaceOptions options;
  SECTION("max_tasks") { options.limits.max_tasks = 2; }
  SECTION("max_idempotency_keys") { options.limits.max_idempotency_keys = 1; }
  SECTION("max_queues") { options.limits.max_queues = 1; }
  Tables tables(options);
  TaskSpec spec;
  spec.task_id = "a";
  tables.submit(spec);
  tables.end(*tables.claim(), EndKind::fail, FailKind::fatal);
  TaskSpec other;
  other.required_capabilities = {"gpu"};
  CHECK(tables.submit(other) == "ok");
  const std::uint64_t before = tables.hash();
  CHECK_THAT(tables.replay("a", "op", true), ContainsSubstring("resource_exhausted"));
  CHECK(tables.hash() == before);
}

TEST_CASE("explain_obstacles bounds an explanation") {
  NamespaceOptions options;
  options.limits.explain_obstacles = 5;
  Tables tables(options);
  TaskSpec spec;
  spec.task_id = "a";
  tables.submit(spec);
  for (int i = 0; i < 6; ++i) {
    const TaskId id("a");
    ExplainTask op;
    op.id = &id;
    tables.add_agent("agent" + number(i));
    tables.apply(op);
    CHECK(op.explanation.obstacles.size() ==
          std::min<std::size_t>(static_cast<std::size_t>(i) + 1, 5));
  }
}

TEST_CASE("max_crashes, max_releases and max_rate_limited are met exactly") {
  NamespaceOptions options;
  options.limits.max_crashes = 2;
  options.limits.max_releases = 4;
  options.limits.max_rate_limited = 6;
  Tables tables(options);
  TaskSpec spec;
  spec.task_id = "a";
  spec.retry.delay = std::chrono::milliseconds(0);
  tables.submit(spec);
  SECTION("crashes") {
    for (const TaskState state : {TaskState::pending, TaskState::failed}) {
      tables.claim();
      tables.advance(1'000'000);
      CHECK(tables.get("a").state == state);
    }
    CHECK(tables.get("a").reason == TaskReason::poison);
  }
  SECTION("releases") {
    for (int i = 0; i < 4; ++i) tables.end(*tables.claim(), EndKind::release);
    CHECK(tables.get("a").crashes == 0);
    tables.end(*tables.claim(), EndKind::release);
    CHECK(tables.get("a").crashes == 1);
  }
  SECTION("rate limits") {
    for (int i = 0; i < 5; ++i) tables.end(*tables.claim(), EndKind::fail, FailKind::rate_limited);
    CHECK(tables.get("a").state == TaskState::pending);
    tables.end(*tables.claim(), EndKind::fail, FailKind::rate_limited);
    CHECK(tables.get("a").reason == TaskReason::exhausted);
  }
}

TEST_CASE("advance_batch bounds one step") {
  NamespaceOptions options;
  options.limits.advance_batch = 5;
  Tables tables(options);
  for (int i = 0; i < 6; ++i) {
    TaskSpec spec;
    spec.delay = std::chrono::seconds(1);
    tables.submit(spec);
  }
  Advance op = tables.advance(1'000'000);
  CHECK(op.applied == 5);
  CHECK(op.more_due);
  op = tables.advance();
  CHECK(op.applied == 1);
  CHECK_FALSE(op.more_due);
}

}  // namespace controlplane
