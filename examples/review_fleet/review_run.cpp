#include "review_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <thread>

#include "progress_view.hpp"
#include "record.hpp"
#include "run_report.hpp"
#include "text.hpp"

namespace review {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxFiles = 400;
constexpr auto kBudget = 38s;  // then what has not begun is cancelled; a program runs 12 s at most
constexpr auto kReportLimit = 58s;

cp::Config config() {
  cp::Config config;
  config.tenant_id = "review";
  config.heartbeat_interval = 1s;
  config.heartbeat_timeout = 5s;  // soon enough to see the dead agents go offline
  config.lease_ttl = 10s;
  return config;
}

std::vector<Kind> possible_kinds(const Checkout& checkout, const Toolbox& tools) {
  std::set<Kind> kinds;
  for (const Kind kind : kKinds) {
    for (const SourceFile& file : checkout.files) {
      if (tools.can(kind, file.language, checkout)) kinds.insert(kind);
    }
  }
  return {kinds.begin(), kinds.end()};
}

// The first of the wishes that is possible here.
Kind choose(const std::vector<Kind>& kinds, std::initializer_list<Kind> wishes) {
  for (const Kind wish : wishes) {
    if (std::find(kinds.begin(), kinds.end(), wish) != kinds.end()) return wish;
  }
  return kinds.front();
}

// Everything that waits, so that the report can be written of what is there.
std::size_t cancel_pending(cp::Coordinator& plane) {
  std::vector<cp::TaskId> pending;
  for (const Kind kind : kKinds) {
    cp::TaskFilter filter;
    filter.state = cp::TaskState::pending;
    filter.task_type = to_string(kind);
    cp::PageRequest page{{}, 1'000};
    do {
      const auto tasks = plane.list_tasks(filter, page);
      if (!tasks) break;
      for (const cp::Task& task : tasks->items) pending.push_back(task.id);
      page.cursor = tasks->next_cursor;
    } while (!page.cursor.empty());
  }
  std::size_t cancelled = 0;
  for (const cp::TaskId& id : pending) cancelled += plane.cancel_task(id).ok() ? 1 : 0;
  return cancelled;
}

void print_plan(const Checkout& checkout, const Plan& plan) {
  std::printf("Review of %s%s: %s in %s, %s\n", checkout.root.c_str(),
              checkout.revision.empty() ? "" : (" at " + checkout.revision).c_str(),
              plural(checkout.files.size(), "file").c_str(),
              plural(plan.folders.size(), "folder").c_str(), plural(plan.tasks(), "task").c_str());
  for (const std::string& remark : plan.remarks) std::printf("  %s\n", remark.c_str());
}

}  // namespace

ReviewRun::ReviewRun(ChildProcesses& children)
    : children_(children),
      tools_(Toolbox::find()),
      cores_(std::max(1u, std::thread::hardware_concurrency())) {}

void ReviewRun::interrupt() {
  children_.kill_all();
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

// False if the deadline came first.
bool ReviewRun::wait_until(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline,
                             [this] { return interrupted_ || report_.has_value(); });
}

cp::Result<cp::Task> ReviewRun::wait_for_report(cp::Coordinator& plane, const cp::TaskId& id) {
  const auto begun = Clock::now();
  plane.wait_for_result(id, kReportLimit, [this](cp::Result<cp::Task> task) {
    const std::lock_guard lock(mutex_);
    report_ = std::move(task);
    changed_.notify_all();
  });
  if (!wait_until(begun + kBudget)) {
    const std::size_t cancelled = cancel_pending(plane);
    std::printf("\n  the time is up: %s cancelled\n", plural(cancelled, "task").c_str());
    wait_until(Clock::time_point::max());  // the wait above has a limit of its own
  }
  const std::lock_guard lock(mutex_);
  if (!report_) return cp::Error::cancelled("interrupted");
  return *report_;
}

// In the order in which they shall be served first: longest waiting first is the default.
cp::Result<void> ReviewRun::start(Fleet& fleet, Incidents& incidents,
                                  const Checkout& checkout) const {
  const std::vector<Kind> kinds = possible_kinds(checkout, tools_);
  if (kinds.empty()) return cp::Error::failed_precondition("none of the tools is here");
  const Kind killed = choose(kinds, {Kind::compile, Kind::lint, Kind::metrics});
  const Kind hung = choose(kinds, {Kind::metrics, Kind::history});
  const Kind broken = choose(kinds, {Kind::lint, Kind::compile, Kind::metrics});
  if (auto started = incidents.start(killed, hung); !started) return started;
  if (auto started = incidents.watch_circuits(); !started) return started;
  if (auto started = fleet.start_broken(broken); !started) return started;
  return fleet.start(kinds, cores_);
}

// Whether something was lost is the control plane's word, not that of the report's task.
cp::Result<Ending> ReviewRun::conclude(cp::Coordinator& plane, Fleet& fleet, Incidents& incidents,
                                       const cp::Result<cp::Task>& report,
                                       std::size_t submitted) const {
  const auto run = report_run(plane, {submitted, incidents.join(), incidents.circuits()});
  fleet.stop(2s);
  if (!run) return run.error();
  const bool reported = report && report->state == cp::TaskState::completed;
  std::printf(
      "\n%s\nThe run: %s by %s on %s, %s run\n\n%s",
      reported ? Record::parse(report->result).text("text").c_str() : "There is no report.\n",
      plural(submitted, "task").c_str(), plural(fleet.size() + 2, "agent").c_str(),
      plural(cores_, "core").c_str(), plural(children_.started(), "program").c_str(),
      run->text.c_str());
  return reported && run->nothing_lost ? Ending::complete : Ending::lost;
}

cp::Result<Ending> ReviewRun::review(const Checkout& checkout) {
  auto opened = cp::Coordinator::open(config());
  if (!opened) return opened.error();
  cp::Coordinator plane = *std::move(opened);

  const Plan plan = make_plan(checkout, tools_, cores_);
  print_plan(checkout, plan);
  ProgressView view(plan.tasks(), isatty(STDOUT_FILENO) != 0);
  if (auto started = view.start(plane); !started) return started.error();
  Incidents incidents(plane, checkout, tools_, children_);
  Fleet fleet(plane, checkout, tools_, children_);
  if (auto started = start(fleet, incidents, checkout); !started) return started.error();

  const auto id = submit(plane, plan);
  if (!id) return id.error();
  const auto report = wait_for_report(plane, *id);
  view.finish();
  incidents.end_hang();
  if (report || report.error().code != cp::ErrorCode::cancelled) {
    return conclude(plane, fleet, incidents, report, plan.tasks());
  }
  fleet.stop(0ms);
  const auto closed = plane.shutdown();
  static_cast<void>(closed);  // what is left of it ends with this process
  return Ending::interrupted;
}

cp::Result<Ending> ReviewRun::run(const std::string& path) {
  const auto checkout = open_checkout(path, tools_.git(), kMaxFiles, children_);
  if (!checkout) return checkout.error();
  return review(*checkout);
}

}  // namespace review
