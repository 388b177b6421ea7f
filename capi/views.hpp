// What a caller gets: C structs that point into the C++ values they were made of. Each view owns
// its value, so that nothing is copied but what C has another shape for. Thread safety: plain
// values, read-only once made. Lifetime: until its cp_…_free(); the pointers of a view stay with
// it, so it is never moved. Errors: none but std::bad_alloc.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "capi/refusal.hpp"
#include "controlplane.h"
#include "controlplane/controlplane.hpp"

namespace controlplane::capi {

// All zero, and its own size.
template <class T>
void begin(T& view) {
  std::memset(static_cast<void*>(&view), 0, sizeof(T));
  view.struct_size = sizeof(T);
}

inline void show(const char*& data, std::size_t& length, const SharedText& text) {
  data = text.c_str();
  length = text.size();
}

inline std::int32_t code(auto value) { return static_cast<std::int32_t>(value); }

template <class T>
std::vector<const T*> pointers_to(const std::vector<T>& values) {
  std::vector<const T*> items;
  items.reserve(values.size());
  for (const T& value : values) items.push_back(&value);
  return items;
}

// With the NUL; false if it has no room.
bool write_id(char* out, std::size_t room, const TaskId& id) noexcept;

// An id with room for the usual length.
class ShortText {
 public:
  const char* set(const TaskId& id);

 private:
  std::array<char, 136> near_;
  std::string far_;
};

// Pointers to texts that somebody else owns.
struct TextList {
  std::vector<const char*> items;
  void set(const std::vector<std::string>& texts);
};
struct LabelList {
  std::vector<cp_label> items;
  void set(const Labels& labels);
};

struct NeedList {
  std::vector<cp_permit_need> items;
  void set(const std::vector<PermitNeed>& needs);
};

// A list of views behind one array of pointers to them.
template <class View, class Struct>
struct ViewList {
  std::vector<std::unique_ptr<View>> views;
  std::vector<const Struct*> items;
  void reserve(std::size_t count) {
    views.reserve(count);
    items.reserve(count);
  }
  void add(std::unique_ptr<View> view) {
    items.push_back(view.get());
    views.push_back(std::move(view));
  }
};

struct View {  // not to be moved
  View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;
};

struct TextView : cp_text, View {
  explicit TextView(std::string value);
  std::string value;
};

// These two take what they are given once there is memory for the rest: else it is left as it was,
// for somebody to give it back.
struct ClaimedTaskView : cp_claimed_task, View {
  explicit ClaimedTaskView(ClaimedTask&& task);
  ShortText id;
  LabelList label_list;
  NeedList need_list;
  ClaimedTask value;

 private:
  ClaimedTask&& prepared(ClaimedTask&& task);
  void show_details(const TaskDetails& details);
};

struct ClaimedTasksView : cp_claimed_tasks, View {
  explicit ClaimedTasksView(std::vector<ClaimedTask>&& tasks);
  ViewList<ClaimedTaskView, cp_claimed_task> list;
};

struct TaskView : cp_task, View {
  explicit TaskView(Task value);
  Task value;
  std::string id, replayed_from_id;
  TextList capability_list, parent_list, exclude_list;
  std::vector<std::string> parents;
  LabelList label_list;
  NeedList need_list;

 private:
  void show_details(const TaskDetails& details);
};

struct TaskPageView : cp_task_page, View {
  explicit TaskPageView(Page<Task> page);
  std::string cursor;
  ViewList<TaskView, cp_task> list;
};

struct AgentView : cp_agent, View {
  explicit AgentView(Agent value);
  Agent value;
  TextList capability_list;
  LabelList label_list;
};

struct AgentPageView : cp_agent_page, View {
  explicit AgentPageView(Page<Agent> page);
  std::string cursor;
  ViewList<AgentView, cp_agent> list;
};

struct AnswerView : cp_answer, View {
  explicit AnswerView(const Result<TaskId>& answer);
  explicit AnswerView(const Result<LeaseStatus>& answer);
  explicit AnswerView(const Result<void>& answer);
  std::string error_text, id;
  cp_lease_status lease_status;

 private:
  void show(const Error* failure);
};

struct AnswersView : cp_answers, View {
  AnswersView();
  void add(std::unique_ptr<AnswerView> answer);
  ViewList<AnswerView, cp_answer> list;
};

struct ExplanationView : cp_explanation, View {
  explicit ExplanationView(Explanation value);
  Explanation value;
  std::string id, sentence;
  TextList capability_list;
  std::vector<cp_obstacle> obstacle_values;
  std::vector<const cp_obstacle*> obstacle_items;
};

struct AgentHealthView : cp_agent_health, View {
  explicit AgentHealthView(AgentHealth value);
  AgentHealth value;
};

struct SystemHealthView : cp_system_health, View {
  explicit SystemHealthView(SystemHealth value);
  SystemHealth value;
  std::vector<cp_probe_health> probe_values;
  std::vector<const cp_probe_health*> probe_items;
  std::vector<cp_agent_health> agent_values;
  std::vector<const cp_agent_health*> agent_items;
};

// Points into the events of a vector that outlives it.
struct EventItems {
  explicit EventItems(const std::vector<Event>& events);
  std::vector<cp_event> values;
  std::vector<const cp_event*> items;
  std::vector<cp_label> labels;
};

struct EventBatchView : cp_event_batch, View {
  EventBatchView(std::vector<Event> events, std::uint64_t after);
  std::vector<Event> events;
  EventItems event_items;
};

struct StatsView : cp_stats, View {
  explicit StatsView(Stats value);
  Stats value;

 private:
  void show_mesh();
};

cp_lease_status view_of(const LeaseStatus& status) noexcept;

}  // namespace controlplane::capi
