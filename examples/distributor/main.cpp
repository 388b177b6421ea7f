// Coordinator → distributor → workers: 60 reviews go to a distributor, which hands them to the workers
// of its pool. In the middle of it a worker dies, and then the distributor: another one, which stood
// by, takes its place. Prints what happened, and ends with 1 if a task was lost.
//
// Each host has a coordinator of its own beside the first one; a host dies when that is cut off:
// nothing is released, and nobody is told. Over a shared store each would be a process.
#include <controlplane/controlplane.hpp>

#include <iostream>
#include <map>
#include <mutex>
#include <thread>

using namespace controlplane;
using namespace std::chrono_literals;

namespace {

constexpr int kTasks = 60;

Config host() {
  Config config;
  config.heartbeat_interval = 200ms;  // so that a death is noticed while one watches
  config.heartbeat_timeout = 2s;
  config.lease_ttl = 1s;
  return config;
}

// Who did how many reviews.
class Record {
 public:
  void add(const std::string& worker) {
    const std::lock_guard lock(mutex_);
    ++by_[worker];
    ++done_;
  }
  int done() const {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  void print() const {
    const std::lock_guard lock(mutex_);
    for (const auto& [worker, count] : by_) std::cout << "  " << worker << " did " << count << '\n';
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> by_;
  int done_ = 0;
};

Worker reviewer(Coordinator& plane, const std::string& id, Record& record) {
  Worker worker(plane, {.agent_id = id,
                        .capabilities = {"code_review"},
                        .concurrency = 2,
                        .labels = {{"distributor", "distributor-1"}}});
  worker.on("code_review", [&record, id](TaskContext& task) -> Result<Json> {
    if (task.wait_cancelled(20ms)) return Error::cancelled("cut off");
    record.add(id);
    return Json("\"" + id + "\"");
  });
  worker.start().value();
  return worker;
}

Distributor distributor(Coordinator& plane, const std::string& candidate) {
  return Distributor::start(plane, {.agent_id = "distributor-1",
                                    .capabilities = {"code_review"},
                                    .candidate = candidate,
                                    .leader_ttl = 1s,
                                    .drain_timeout = 1s})
      .value();
}

void wait_until_done(const Record& record, int count) {
  while (record.done() < count) std::this_thread::sleep_for(5ms);
}

}  // namespace

int main() {
  Record record;
  Coordinator plane = Coordinator::open(host()).value();
  Coordinator host_a = plane.open_beside(host()).value();
  Coordinator host_b = plane.open_beside(host()).value();
  Coordinator host_w = plane.open_beside(host()).value();

  Distributor first = distributor(host_a, "host-a");
  while (!first.leads()) std::this_thread::sleep_for(5ms);
  Distributor second = distributor(host_b, "host-b");
  Worker one = reviewer(plane, "worker-1", record);
  Worker two = reviewer(plane, "worker-2", record);
  Worker dying = reviewer(host_w, "worker-3", record);

  std::vector<TaskId> tasks;
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(plane
                        .submit_task({.task_type = "code_review",
                                      .payload = Json("\"file-" + std::to_string(i) + ".cpp\""),
                                      .agent_id = "distributor-1"})
                        .value());
  }
  wait_until_done(record, 10);
  (void)host_w.shutdown();
  std::cout << "worker-3 died after 10 reviews\n";
  wait_until_done(record, 25);
  (void)host_a.shutdown();
  std::cout << "the distributor on host-a died after 25\n";

  int completed = 0;
  for (const TaskId& task : tasks) {
    completed += plane.wait_for_result(task, 120s).value().state == TaskState::completed;
  }
  std::cout << "the one on host-b " << (second.leads() ? "leads" : "does not lead") << '\n'
            << completed << " of " << kTasks << " reviews have a result\n";
  record.print();
  return completed == kTasks ? 0 : 1;
}
