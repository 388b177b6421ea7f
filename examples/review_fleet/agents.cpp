#include "agents.hpp"

#include <algorithm>

#include "plan.hpp"
#include "record.hpp"
#include "summary.hpp"

namespace review {

cp::Result<void> Fleet::start_reviewer(const std::string& agent_id, Kind kind, const Toolbox& tools,
                                       unsigned concurrency) {
  cp::WorkerOptions options;
  options.agent_id = agent_id;
  options.capabilities = tools_.capabilities(kind);
  options.concurrency = concurrency;
  options.provider = tools.program(kind);
  options.labels = {{"kind", to_string(kind)}};
  cp::Worker& worker = workers_.emplace_back(plane_, std::move(options));
  worker.on(to_string(kind), [this, kind, &tools](cp::TaskContext& task) -> cp::Result<cp::Json> {
    const Record payload = Record::parse(task.payload());
    SourceFile file;
    file.path = payload.text("path");
    file.language = static_cast<Language>(payload.number("language"));
    const auto said = tools.review(kind, checkout_, file, children_);
    if (!said) return said.error();
    return said->json();
  });
  return worker.start();
}

cp::Result<void> Fleet::start_reporter() {
  cp::WorkerOptions options;
  options.agent_id = "reporter-1";
  options.capabilities = {"summarize"};
  cp::Worker& worker = workers_.emplace_back(plane_, std::move(options));
  worker.on(kFolderTask, [this](cp::TaskContext& task) { return summarize_folder(task, plane_); });
  worker.on(kReportTask, [this](cp::TaskContext& task) { return write_report(task, plane_); });
  return worker.start();
}

cp::Result<void> Fleet::start_broken(Kind kind) {
  return start_reviewer(std::string(to_string(kind)) + "-broken", kind, broken_, 1);
}

cp::Result<void> Fleet::start(const std::vector<Kind>& kinds, unsigned cores) {
  for (const Kind kind : kinds) {
    for (const char* number : {"-1", "-2"}) {
      auto started = start_reviewer(to_string(kind) + std::string(number), kind, tools_,
                                    std::max(1u, cores / 2));
      if (!started) return started;
    }
  }
  return start_reporter();
}

void Fleet::stop(std::chrono::milliseconds deadline) {
  for (cp::Worker& worker : workers_) {
    const auto stopped = worker.stop(deadline);
    static_cast<void>(stopped);  // deadline_exceeded: its leases were released
  }
}

}  // namespace review
