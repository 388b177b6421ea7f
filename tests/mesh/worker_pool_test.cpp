#include "mesh/worker_pool.hpp"

#include "catch.hpp"

using namespace controlplane;

namespace {

Agent agent(std::string id, std::uint32_t slots, std::vector<std::string> capabilities = {},
            AgentStatus status = AgentStatus::ready) {
  Agent made;
  made.agent_id = std::move(id);
  made.capabilities = SharedNames(std::move(capabilities));
  made.max_concurrency = slots;
  made.status = status;
  return made;
}

std::string chosen(const WorkerPool& pool, std::vector<std::string> required = {},
                   WorkerPool::Room room = WorkerPool::Room::ignored) {
  const std::string* const best = pool.choose({std::move(required)}, room);
  return best == nullptr ? "" : *best;
}

}  // namespace

TEST_CASE("the worker with the smallest share of its slots taken is chosen") {
  WorkerPool pool;
  CHECK(chosen(pool).empty());
  pool.update({agent("a", 1), agent("b", 4)});
  CHECK(chosen(pool) == "a");
  pool.give("t1", "a", {});
  CHECK(chosen(pool) == "b");
  pool.give("t2", "b", {});
  pool.give("t2", "b", {});  // known already
  CHECK(chosen(pool) == "b");
  for (const char* task : {"t3", "t4", "t5", "t6"}) pool.give(task, "b", {});
  CHECK(chosen(pool) == "a");
  pool.end("t1");
  pool.end("t1");
  CHECK(chosen(pool) == "a");
  CHECK(pool.tasks() == 5);
}

TEST_CASE("a task that is given to another worker has moved there") {
  WorkerPool pool;
  pool.update({agent("a", 1), agent("b", 4)});
  pool.give("t", "a", {});
  pool.give("t", "b", {});
  CHECK(chosen(pool) == "a");
  pool.update({agent("a", 1)});
  REQUIRE(pool.strays().size() == 1);
  CHECK(pool.strays().front().worker == "b");
  CHECK(pool.tasks() == 1);
}

TEST_CASE("who is excluded is not chosen") {
  WorkerPool pool;
  pool.update({agent("a", 4), agent("b", 1)});
  CHECK(*pool.choose({{}, {"a"}}, WorkerPool::Room::ignored) == "b");
  CHECK(pool.choose({{}, {"a", "b"}}, WorkerPool::Room::ignored) == nullptr);
}

TEST_CASE("the end of a task is watched for by one") {
  WorkerPool pool;
  CHECK_FALSE(pool.knows("t1"));
  CHECK_FALSE(pool.begin_watch("t1"));
  pool.give("t1", "a", {});
  CHECK(pool.knows("t1"));
  CHECK(pool.begin_watch("t1"));
  pool.give("t1", "a", {});
  CHECK_FALSE(pool.begin_watch("t1"));
  pool.end("t1");
  CHECK_FALSE(pool.knows("t1"));
}

TEST_CASE("a worker without a bound of slots is less loaded than any that has one") {
  WorkerPool pool;
  pool.update({agent("a", 8), agent("z", 0), agent("zz", 0)});
  CHECK(chosen(pool) == "z");
  pool.give("t1", "z", {});
  CHECK(chosen(pool) == "zz");
}

TEST_CASE("only a worker that offers all that is required, and takes tasks, is chosen") {
  WorkerPool pool;
  pool.update({agent("a", 1, {"code"}), agent("b", 9, {"code", "debate"}),
               agent("c", 9, {"code", "debate"}, AgentStatus::draining)});
  pool.give("t1", "b", {});
  CHECK(chosen(pool, {"debate"}) == "b");
  CHECK(chosen(pool, {"debate", "audit"}).empty());
  Agent sick = agent("b", 9, {"debate"});
  sick.health = HealthStatus::unhealthy;
  pool.update({sick});
  CHECK(chosen(pool, {"debate"}).empty());
}

TEST_CASE("who needs room gets a worker's slots and one task more") {
  WorkerPool pool;
  pool.update({agent("a", 1)});
  CHECK(chosen(pool, {}, WorkerPool::Room::needed) == "a");
  pool.give("t1", "a", {});
  CHECK(chosen(pool, {}, WorkerPool::Room::needed) == "a");
  pool.give("t2", "a", {});
  CHECK(chosen(pool, {}, WorkerPool::Room::needed).empty());
  CHECK(chosen(pool, {}, WorkerPool::Room::ignored) == "a");
}

TEST_CASE("the tasks of a worker that goes are strays until they are moved") {
  WorkerPool pool;
  pool.update({agent("a", 2), agent("b", 2)});
  pool.give("t1", "a", {{"code"}});
  pool.give("t2", "b", {});
  pool.update({agent("a", 2, {}, AgentStatus::offline), agent("b", 2)});
  REQUIRE(pool.strays().size() == 1);
  CHECK(pool.strays()[0].task == TaskId("t1"));
  CHECK(pool.strays()[0].wants.required == std::vector<std::string>{"code"});
  pool.update({agent("b", 2)});
  CHECK(pool.strays().size() == 1);
  pool.move("t1", "b");
  CHECK(pool.strays().empty());
  REQUIRE(pool.list().size() == 1);
  CHECK(pool.list()[0].pending_tasks.size() == 2);
}

TEST_CASE("a worker that comes back has the load of what it was given") {
  WorkerPool pool;
  pool.update({agent("a", 1), agent("b", 4)});
  pool.give("t1", "a", {});
  pool.update({agent("b", 4)});
  pool.update({agent("a", 1), agent("b", 4)});
  CHECK(chosen(pool) == "b");
  pool.end("t1");
  CHECK(chosen(pool) == "a");
}
