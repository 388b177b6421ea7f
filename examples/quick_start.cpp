#include <controlplane/controlplane.hpp>
#include <iostream>

using namespace controlplane;
using namespace std::chrono_literals;

int main() {
  auto plane = Coordinator::open({.store_url = "memory://"}).value();

  // An agent: its handlers run on threads of its own; it registers, claims, and renews by itself.
  Worker worker(plane, {.agent_id = "reviewer-1", .capabilities = {"code"}, .concurrency = 4});
  worker.on("code_review", [](TaskContext& task) -> Result<Json> {
    task.progress(0.5, "half way").value();  // renews the lease; everyone can see it
    if (task.cancelled()) return Error::cancelled();
    return Json(R"({"verdict":"fine"})");
  });
  worker.start().value();

  // A task: whoever offers "code" may have it, and again up to five times if that fails.
  TaskSpec spec{.task_type = "code_review",
                .payload = R"({"file":"main.py"})",
                .required_capabilities = {"code"},
                .priority = TaskPriority::high,
                .retry = {.max_retries = 5, .delay = 10s, .backoff = 2.0}};
  TaskId id = plane.submit_task(spec).value();
  Task done = plane.wait_for_result(id, 60s).value();
  std::cout << done.result << '\n';
}  // the worker drains, the coordinator closes
