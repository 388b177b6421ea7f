#include "incidents.hpp"

#include <csignal>
#include <memory>

#include "record.hpp"
#include "text.hpp"

namespace review {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortLease = 1'500ms;

SourceFile file_of(const cp::ClaimedTask& task) {
  const Record payload = Record::parse(task.payload);
  SourceFile file;
  file.path = payload.text("path");
  file.language = static_cast<Language>(payload.number("language"));
  return file;
}

}  // namespace

Incidents::~Incidents() {
  subscription_.reset();
  end_hang();
  join();
}

// The form of claim_task that never blocks: when it returns the claim is waiting, and the task
// comes to the thread as a future.
cp::Result<void> Incidents::start_agent(const char* suffix, Kind kind, Life life) {
  Incident incident;
  incident.agent_id = to_string(kind) + std::string(suffix);
  cp::AgentSpec agent;
  agent.agent_id = incident.agent_id;
  agent.capabilities = tools_.capabilities(kind);
  agent.provider = tools_.program(kind);
  agent.labels = {{"kind", to_string(kind)}};
  if (auto registered = plane_.register_agent(std::move(agent)); !registered)
    return registered.error();

  using Answer = cp::Result<std::optional<cp::ClaimedTask>>;
  auto promise = std::make_shared<std::promise<Answer>>();
  auto answer = promise->get_future();
  cp::ClaimRequest request;
  request.agent_id = incident.agent_id;
  request.wait = 5s;  // the first tasks are theirs, or there are none
  request.lease_ttl = kShortLease;
  plane_.claim_task(request, [promise](Answer claimed) { promise->set_value(std::move(claimed)); });

  agents_.push_back(
      std::async(std::launch::async, [this, life, incident, answer = std::move(answer)]() mutable {
        const Answer claimed = answer.get();
        if (!claimed || !*claimed) {
          incident.story = claimed ? "got no task" : claimed.error().to_string();
          return incident;
        }
        incident.task = (*claimed)->id;
        incident.path = file_of(**claimed).path;
        return (this->*life)(std::move(incident), **claimed);
      }));
  return {};
}

cp::Result<void> Incidents::start(Kind killed, Kind hung) {
  if (auto started = start_agent("-killed", killed, &Incidents::be_killed); !started)
    return started;
  return start_agent("-hung", hung, &Incidents::hang);
}

// As when the kernel runs out of memory: the program is gone, and so is the agent that could tell.
Incident Incidents::be_killed(Incident incident, const cp::ClaimedTask& task) {
  const auto started = plane_.start_task({task.id, task.lease, incident.agent_id});
  const Command command = tools_.command(parse_kind(task.task_type), checkout_, file_of(task));
  auto child = children_.start(command);
  if (!started || !child) {
    incident.story = (started ? child.error() : started.error()).to_string();
    return incident;
  }
  children_.kill(child->pid());
  const pid_t pid = child->pid();
  const Outcome outcome = child->finish();
  incident.story =
      command.words.front() + " (pid " + std::to_string(pid) + ") " +
      (outcome.signal == SIGKILL ? "was killed with SIGKILL" : "was too fast to be killed") +
      "; the agent's thread ended without another call";
  return incident;
}

Incident Incidents::hang(Incident incident, const cp::ClaimedTask& task) {
  const cp::AttemptRef attempt{task.id, task.lease, incident.agent_id};
  const auto started = plane_.start_task(attempt);
  auto child = children_.start(
      {.words = {"tail", "-f", "./" + incident.path}, .directory = checkout_.root, .timeout = 1h});
  if (!started || !child) {
    incident.story = (started ? child.error() : started.error()).to_string();
    return incident;
  }
  {
    const std::lock_guard lock(mutex_);
    hanging_ = child->pid();
    if (hang_ended_) children_.kill(hanging_);
  }
  incident.story = "waited for tail -f (pid " + std::to_string(child->pid()) +
                   "), which never ends, and renewed nothing";
  const Outcome outcome = child->finish();
  cp::Completion late{
      attempt, Record().set("lines", std::uint64_t{outcome.output.size()}).json(), {}};
  const auto answer = plane_.complete_task(std::move(late));
  incident.late_answer = answer ? "accepted" : answer.error().to_string();
  return incident;
}

void Incidents::end_hang() {
  const std::lock_guard lock(mutex_);
  hang_ended_ = true;
  if (hanging_ > 0) children_.kill(hanging_);
}

std::vector<Incident> Incidents::join() {
  std::vector<Incident> incidents;
  for (auto& agent : agents_) incidents.push_back(agent.get());
  agents_.clear();
  return incidents;
}

cp::Result<void> Incidents::watch_circuits() {
  auto subscribed = plane_.subscribe({.filter = {.types = {"agent.breaker_open"}}},
                                     [this](const cp::EventBatch& batch) {
                                       for (const cp::Event& event : batch.events)
                                         explain_circuit(event);
                                     });
  if (!subscribed) return subscribed.error();
  subscription_ = *std::move(subscribed);
  return {};
}

void Incidents::explain_circuit(const cp::Event& event) {
  cp::TaskFilter waiting;
  waiting.state = cp::TaskState::pending;
  waiting.reason = cp::TaskReason::ready;
  for (const auto& [key, value] : event.labels) {
    if (key == "kind") waiting.task_type = value;
  }
  std::string text;
  const auto tasks = plane_.list_tasks(waiting, {.max_items = 1});
  if (tasks && !tasks->items.empty()) {
    const auto told = plane_.explain(tasks->items.front().id);
    if (told) text = "explain of a waiting task: " + told->to_string();
  }
  const std::lock_guard lock(mutex_);
  circuits_.push_back(text);
}

std::vector<std::string> Incidents::circuits() const {
  const std::lock_guard lock(mutex_);
  return circuits_;
}

}  // namespace review
