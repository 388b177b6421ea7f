// Agents that agree on state and share what is scarce: four reviewers, one of them the leader, count
// what they reviewed in one document and never use more than two AI calls at once or 20,000 tokens a
// minute. Prints what came of it.
#include <controlplane/controlplane.hpp>

#include <atomic>
#include <iostream>
#include <string>

using namespace controlplane;
using namespace std::chrono_literals;

namespace {

Result<Json> one_more(const Document* current) {
  return Json(std::to_string(current == nullptr ? 1 : std::stoi(current->value.str()) + 1));
}

}  // namespace

int main() {
  Coordinator plane = Coordinator::open().value();
  Resources resources(plane);
  resources.define_pool({.name = "ai_calls", .capacity = 2}).value();
  resources.define_pool({.name = "tokens", .kind = PoolKind::window, .capacity = 20'000}).value();

  std::atomic<int> calls = 0, most = 0;
  SharedState state(plane);
  Worker worker(plane, {.agent_id = "reviewer-1", .capabilities = {"code"}, .concurrency = 4});
  worker.on("code_review", [&](TaskContext&) -> Result<Json> {
    const int now = ++calls;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    const Result<Document> counted = state.update("reviewed", one_more);
    --calls;
    if (!counted) return counted.error();
    return Json("\"fine\"");
  });
  worker.start().value();

  std::vector<TaskId> tasks;
  for (int i = 0; i < 20; ++i) {
    tasks.push_back(plane
                        .submit_task({.task_type = "code_review",
                                      .required_capabilities = {"code"},
                                      .needs = {{"ai_calls", 1}, {"tokens", 1'000}}})
                        .value());
  }
  for (const TaskId& task : tasks) plane.wait_for_result(task, 60s).value();

  NamedLease lease = NamedLeases(plane).acquire("summary", {.owner = "reviewer-1"}).value();
  std::cout << "reviewed " << state.get("reviewed").value().value << " files, at most " << most
            << " at once\n"
            << "tokens left this minute: " << resources.get_pool("tokens").value().available << '\n'
            << "the summary is written under fence " << lease.fence() << '\n';
}
