#include "run_report.hpp"

#include "record.hpp"
#include "run_history.hpp"
#include "text.hpp"

namespace review {
namespace {

constexpr std::size_t kMaxUnfinished = 5;  // told one by one, of each reason

std::string ended(const KindHistory& kind, cp::TaskState state) {
  return or_dash(kind.ended[static_cast<std::size_t>(state)]);
}

void add_kind(TextTable& table, const std::string& name, KindHistory kind) {
  table.add({name, grouped(kind.submitted), ended(kind, cp::TaskState::completed),
             ended(kind, cp::TaskState::failed), ended(kind, cp::TaskState::timeout),
             ended(kind, cp::TaskState::cancelled), or_dash(kind.retries), or_dash(kind.crashes),
             seconds(percentile(kind.waits, 50)), seconds(percentile(kind.waits, 99)),
             seconds(percentile(kind.durations, 50)), seconds(percentile(kind.durations, 99))});
}

std::string kind_table(const RunHistory& history) {
  TextTable table({"tasks", "submitted", "completed", "failed", "timeout", "cancelled", "retries",
                   "crashes", "wait p50", "p99", "takes p50", "p99"});
  for (const auto& [name, kind] : history.kinds) add_kind(table, name, kind);
  add_kind(table, "all", history.all());
  return table.to_string();
}

cp::Result<std::string> agent_table(const cp::Coordinator& plane) {
  TextTable table({"agent", "done", "failed", "crashed", "mean", "status", "circuit", "program"},
                  {0, 5, 6, 7});
  const auto agents = plane.list_agents({}, {{}, 1'000});
  if (!agents) return agents.error();
  for (const cp::Agent& agent : agents->items) {
    table.add({agent.agent_id, or_dash(agent.tasks_completed), or_dash(agent.tasks_failed),
               or_dash(agent.tasks_crashed),
               seconds(static_cast<std::int64_t>(agent.avg_latency_ms * 1000)),
               std::string(to_string(agent.status)), std::string(to_string(agent.breaker)),
               agent.provider.str()});
  }
  return "\n" + table.to_string();
}

// "(crash: its lease was not renewed)"; "" if the event gives no reason.
std::string reason_of(const Record& data, cp::Timestamp started) {
  std::string text = data.text("kind");
  if (data.has("error")) text += (text.empty() ? "" : ": ") + data.text("error");
  if (data.has("count")) text += data.text("count") + " failures in a row";
  if (data.has("count") && data.has("until")) {
    text += ", until +" + seconds(static_cast<cp::Timestamp>(data.number("until")) - started);
  }
  return text.empty() ? text : "  (" + text + ")";
}

std::string event_line(const cp::Event& event, cp::Timestamp started) {
  const Record data = Record::parse(event.data);
  std::string line = "    +" + seconds(event.time - started) + "  " + event.type;
  if (data.has("attempt")) line += "  attempt " + data.text("attempt");
  if (data.has("agent_id")) line += " by " + data.text("agent_id");
  return line + reason_of(data, started) + "\n";
}

std::string timeline(const RunHistory& history, const std::string& subject) {
  std::string text;
  const auto found = history.by_subject.find(subject);
  if (found == history.by_subject.end()) return text;
  for (const cp::Event& event : found->second) text += event_line(event, history.started);
  return text;
}

std::string incident_text(const Incident& incident, const RunHistory& history) {
  std::string text = "\n  " + incident.agent_id;
  if (!incident.path.empty()) text += " had " + incident.path;
  text += ": " + incident.story + "\n" + timeline(history, incident.task.str());
  if (!incident.late_answer.empty()) {
    text += "    late completion by " + incident.agent_id +
            " was answered: " + incident.late_answer + "\n";
  }
  return text;
}

// The failed attempts that opened the circuit of an agent, and where one of its tasks went.
std::string circuit_text(const std::string& agent_id, const RunHistory& history,
                         const std::vector<std::string>& explanations) {
  std::string text = "\n  " + agent_id + ": its program is not there, so every attempt fails\n";
  std::string example;
  for (const auto& [subject, events] : history.by_subject) {
    for (const cp::Event& event : events) {
      if (event.type != "task.retrying" || Record::parse(event.data).text("agent_id") != agent_id)
        continue;
      if (example.empty()) example = subject;
    }
  }
  text += timeline(history, agent_id);
  for (const std::string& explanation : explanations) {
    if (!explanation.empty()) text += "    " + explanation + "\n";
  }
  if (!example.empty())
    text += "    one of the tasks that it could not do:\n" + timeline(history, example);
  return text;
}

std::string circuits_text(const RunHistory& history, const std::vector<std::string>& explanations) {
  std::string text;
  for (const auto& [subject, events] : history.by_subject) {
    for (const cp::Event& event : events) {
      if (event.type == "agent.breaker_open") text += circuit_text(subject, history, explanations);
    }
  }
  return text.empty() ? "\n  no circuit opened: too few tasks for three failures in a row\n" : text;
}

// Every task that did not complete, with its reason.
cp::Result<std::string> unfinished(const cp::Coordinator& plane) {
  std::map<std::string, std::vector<std::string>> by_reason;
  cp::PageRequest page{{}, 1'000};
  do {
    const auto tasks = plane.list_tasks({}, page);
    if (!tasks) return tasks.error();
    for (const cp::Task& task : tasks->items) {
      if (task.state == cp::TaskState::completed) continue;
      const std::string reason(to_string(task.reason));
      by_reason[std::string(to_string(task.state)) + (reason.empty() ? "" : " (" + reason + ")") +
                (task.error.empty() ? "" : ": " + task.error)]
          .push_back(task.task_type + " " + Record::parse(task.payload).text("path"));
    }
    page.cursor = tasks->next_cursor;
  } while (!page.cursor.empty());

  std::string text;
  for (const auto& [reason, tasks] : by_reason) {
    text += "  " + grouped(tasks.size()) + " " + reason + ": ";
    for (std::size_t i = 0; i < std::min(tasks.size(), kMaxUnfinished); ++i) {
      text += (i == 0 ? "" : ", ") + tasks[i];
    }
    text += tasks.size() > kMaxUnfinished ? ", ...\n" : "\n";
  }
  return text;
}

// "640 submitted = 638 completed + 2 failed"
std::string balance(std::size_t submitted, const cp::SchedulerStats& stats, bool& nothing_lost) {
  std::string sum;
  std::uint64_t terminal = 0;
  std::uint64_t open = 0;
  for (std::size_t i = 0; i < cp::kTaskStates; ++i) {
    const auto state = static_cast<cp::TaskState>(i);
    (cp::is_terminal(state) ? terminal : open) += stats.by_state[i];
    if (stats.by_state[i] == 0) continue;
    sum += (sum.empty() ? "" : " + ") + grouped(stats.by_state[i]) + " " +
           std::string(to_string(state));
  }
  nothing_lost = open == 0 && terminal == submitted && stats.submitted_total == submitted;
  return grouped(submitted) + " submitted = " + sum;
}

}  // namespace

cp::Result<RunReport> report_run(const cp::Coordinator& plane, const RunFacts& facts) {
  const auto history = RunHistory::read(plane);
  if (!history) return history.error();
  const auto stats = plane.get_stats();
  if (!stats) return stats.error();
  const auto agents = agent_table(plane);
  if (!agents) return agents.error();
  const auto rest = unfinished(plane);
  if (!rest) return rest.error();

  RunReport report;
  report.text = kind_table(*history) + *agents + "\nIncidents\n";
  for (const Incident& incident : facts.incidents) report.text += incident_text(incident, *history);
  report.text += circuits_text(*history, facts.circuits);
  const std::string sum = balance(facts.submitted, stats->scheduler, report.nothing_lost);
  report.text += "\n" + *rest +
                 (report.nothing_lost ? "Nothing was lost: " : "SOMETHING WAS LOST: ") + sum +
                 ", in " + grouped(history->events) + " events and " +
                 seconds(history->ended - history->started) + ".\n";
  return report;
}

}  // namespace review
