#include "progress_view.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "text.hpp"

namespace review {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedraw = 80ms;            // more often nobody can read
constexpr std::size_t kMaxFailures = 12;  // said one by one; the report has all of them

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string label(const cp::Event& event, const std::string& key) {
  for (const auto& [name, value] : event.labels) {
    if (name == key) return value;
  }
  return {};
}

bool is_end(const std::string& type) {
  return type == "task.completed" || type == "task.failed" || type == "task.timeout" ||
         type == "task.cancelled";
}

}  // namespace

cp::Result<void> ProgressView::start(cp::Coordinator& plane) {
  const auto stats = plane.get_stats();
  if (!stats) return stats.error();
  started_ = now_ = stats->now;
  cp::SubscribeOptions options;
  options.filter.types = {"task.*", "agent.*"};
  options.filter.exclude_types = {"task.submitted", "task.ready", "task.progress"};
  options.buffer = 65'536;
  auto subscribed =
      plane.subscribe(options, [this](const cp::EventBatch& batch) { on_batch(batch); });
  if (!subscribed) return subscribed.error();
  subscription_ = *std::move(subscribed);
  return {};
}

void ProgressView::finish() {
  subscription_.reset();
  clear_line();
  std::fflush(stdout);
}

void ProgressView::on_batch(const cp::EventBatch& batch) {
  for (const cp::Event& event : batch.events) on_event(event);
  draw();
}

void ProgressView::on_event(const cp::Event& event) {
  now_ = event.time;
  if (event.type == "task.claimed") {
    running_.insert(event.subject);
  } else if (event.type != "task.started") {
    running_.erase(event.subject);
  }
  if (is_end(event.type)) {
    ++ended_;
    ++done_[label(event, "kind")];
  }
  const std::string text = trouble(event, Record::parse(event.data));
  if (!text.empty()) say(event, text);
}

// Empty if nothing went wrong.
std::string ProgressView::trouble(const cp::Event& event, const Record& data) const {
  if (event.type == "agent.breaker_open")
    return event.subject + ": circuit open, it gets no more tasks";
  if (event.type == "agent.offline") return event.subject + ": silent for too long, offline";
  const std::string attempt = label(event, "kind") + " by " + data.text("agent_id") + ", attempt " +
                              data.text("attempt") + ": ";
  if (event.type == "task.retrying") {
    return attempt + (data.text("kind") == "crash" ? "crash, " : "") + data.text("error") +
           "; again";
  }
  if (event.type == "task.failed" || event.type == "task.timeout")
    return attempt + data.text("error");
  return {};
}

std::string ProgressView::status() const {
  std::string text = seconds(now_ - started_) + "  " + grouped(ended_) + "/" + grouped(total_) +
                     " tasks, " + grouped(running_.size()) + " running";
  for (const auto& [kind, count] : done_) text += "  " + kind + " " + grouped(count);
  return text;
}

void ProgressView::draw() {
  if (!is_terminal_) {
    const std::size_t tenths = total_ == 0 ? 0 : ended_ * 10 / total_;
    if (tenths > tenths_said_) std::printf("  %s\n", status().c_str());
    tenths_said_ = std::max(tenths_said_, tenths);
    std::fflush(stdout);
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < kRedraw && ended_ < total_) return;
  drawn_ = now;
  const std::string line = shortened(status(), terminal_columns() - 3);
  std::printf("\r\x1b[K  %s", line.c_str());
  line_is_open_ = true;
  std::fflush(stdout);
}

void ProgressView::say(const cp::Event& event, const std::string& text) {
  if (event.type.starts_with("task.") && ++failures_said_ > kMaxFailures) return;
  clear_line();
  const std::string line = seconds(event.time - started_) + "  ! " + text;
  std::printf("  %s\n",
              is_terminal_ ? shortened(line, terminal_columns() - 3).c_str() : line.c_str());
}

void ProgressView::clear_line() {
  if (line_is_open_) std::printf("\r\x1b[K");
  line_is_open_ = false;
}

}  // namespace review
