#include "plan.hpp"

#include <algorithm>
#include <map>

#include "record.hpp"
#include "text.hpp"

namespace review {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxFolders = 40;
constexpr std::size_t kMaxFolderFiles = 200;  // times four kinds: below Limits::max_parents
constexpr std::size_t kUnlimited = 1'000'000;
constexpr std::size_t kFirstFiles = 40;

std::size_t file_limit(Kind kind, unsigned cores) {
  if (kind == Kind::compile) return std::size_t{12} * cores;
  return kind == Kind::lint ? std::size_t{48} * cores : kUnlimited;
}

// What costs little goes first, and of the rest the files that matter most; they come first.
cp::TaskPriority priority_of(Kind kind, std::size_t rank) {
  if (!is_cpu_bound(kind)) return cp::TaskPriority::high;
  return rank < kFirstFiles ? cp::TaskPriority::normal : cp::TaskPriority::low;
}

cp::TaskSpec file_task(Kind kind, const SourceFile& file, std::size_t rank,
                       const std::string& folder, unsigned cores) {
  cp::TaskSpec spec;
  spec.task_type = to_string(kind);
  spec.payload = Record()
                     .set("path", file.path)
                     .set("language", static_cast<std::uint64_t>(file.language))
                     .json();
  spec.required_capabilities = required_capabilities(kind, file.language);
  spec.priority = priority_of(kind, rank);
  spec.retry = {.max_retries = 5, .delay = 200ms, .backoff = 2.0, .max_delay = 2s};
  spec.timeout = 30s;
  spec.labels = {{"kind", to_string(kind)}, {"folder", shortened(folder, 80)}};
  if (is_cpu_bound(kind)) {  // however many agents there are, no more of them at once than cores
    spec.concurrency_key = "cpu";
    spec.concurrency_limit = cores;
  }
  return spec;
}

cp::TaskSpec summary_task(const char* type, cp::TaskPriority priority, const Record& payload,
                          std::vector<cp::TaskId> parents) {
  cp::TaskSpec spec;
  spec.task_type = type;
  spec.payload = payload.json();
  spec.required_capabilities = {"summarize"};
  spec.priority = priority;
  spec.retry = {.max_retries = 3, .delay = 100ms};
  spec.depends_on = std::move(parents);
  spec.allow_failed_parents =
      true;  // a file that could not be reviewed is told, not a reason to stop
  spec.labels = {{"kind", type}};
  return spec;
}

// "lib/engine" for lib/engine/sub/file.cpp with two levels; "." for files at the top.
std::string folder_of(const std::string& path, int levels) {
  std::size_t end = 0;
  for (int level = 0; level < levels; ++level) {
    const std::size_t slash = path.find('/', end == 0 ? 0 : end + 1);
    if (slash == std::string::npos) break;
    end = slash;
  }
  return end == 0 ? "." : path.substr(0, end);
}

using Folders = std::map<std::string, std::vector<const SourceFile*>>;

Folders group(const Checkout& checkout, int levels) {
  Folders folders;
  for (const SourceFile& file : checkout.files)
    folders[folder_of(file.path, levels)].push_back(&file);
  return folders;
}

// As deep as leaves a readable number of folders; a large one is done in parts.
Folders make_folders(const Checkout& checkout) {
  Folders folders = group(checkout, 2);
  if (folders.size() > kMaxFolders) folders = group(checkout, 1);
  Folders parts;
  for (auto& [name, files] : folders) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::size_t part = i / kMaxFolderFiles + 1;
      parts[part == 1 ? name : name + " (" + std::to_string(part) + ")"].push_back(files[i]);
    }
  }
  return parts;
}

// Which folder each file belongs to, as an index into plan.folders.
std::map<const SourceFile*, std::size_t> add_folders(const Checkout& checkout, Plan& plan) {
  std::map<const SourceFile*, std::size_t> index;
  for (const auto& [name, files] : make_folders(checkout)) {
    for (const SourceFile* file : files) index[file] = plan.folders.size();
    plan.folders.push_back({name, files.size(), {}});
  }
  return index;
}

std::string some_of(std::size_t count, std::size_t all, const Checkout& checkout) {
  return grouped(count) + " of " + plural(all, "file") + ", the " +
         (checkout.has_history() ? "most changed" : "largest") + " ones";
}

// `wanted`: how many files a kind could review.
void add_remarks(const Checkout& checkout, const Toolbox& tools, unsigned cores,
                 std::map<Kind, std::size_t>& wanted, Plan& plan) {
  if (checkout.left_out > 0) {
    const std::size_t count = checkout.files.size();
    plan.remarks.push_back(some_of(count, count + checkout.left_out, checkout));
  }
  for (const Kind kind : kKinds) {
    const std::string reason = tools.missing(kind, checkout);
    const std::size_t limit = file_limit(kind, cores);
    if (!reason.empty())
      plan.remarks.push_back(std::string("no ") + to_string(kind) + ": " + reason);
    if (wanted[kind] <= limit) continue;
    plan.remarks.push_back(to_string(kind) + std::string(": ") +
                           some_of(limit, wanted[kind], checkout));
  }
}

cp::Result<std::vector<cp::TaskId>> submit_all(cp::Coordinator& plane,
                                               const std::vector<cp::TaskSpec>& specs) {
  std::vector<cp::TaskId> ids;
  const std::size_t batch = plane.config().limits.max_batch;
  for (auto from = specs.begin(); from != specs.end();) {
    const auto to =
        from + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(batch), specs.end() - from);
    const auto answers = plane.submit_tasks({from, to});
    if (!answers) return answers.error();
    for (const auto& answer : *answers) {
      if (!answer) return answer.error();
      ids.push_back(*answer);
    }
    from = to;
  }
  return ids;
}

}  // namespace

// File by file, so that within a priority a file is looked at in every way before the next one.
Plan make_plan(const Checkout& checkout, const Toolbox& tools, unsigned cores) {
  Plan plan;
  const auto folders = add_folders(checkout, plan);
  std::map<Kind, std::size_t> wanted;
  for (std::size_t rank = 0; rank < checkout.files.size(); ++rank) {
    const SourceFile& file = checkout.files[rank];
    Plan::Folder& folder = plan.folders[folders.at(&file)];
    for (const Kind kind : kKinds) {
      if (!tools.can(kind, file.language, checkout)) continue;
      if (++wanted[kind] > file_limit(kind, cores)) continue;
      folder.tasks.push_back(plan.file_tasks.size());
      plan.file_tasks.push_back(file_task(kind, file, rank, folder.name, cores));
    }
  }
  add_remarks(checkout, tools, cores, wanted, plan);
  return plan;
}

// Three levels, because parents must exist before their dependents.
cp::Result<cp::TaskId> submit(cp::Coordinator& plane, const Plan& plan) {
  const auto files = submit_all(plane, plan.file_tasks);
  if (!files) return files.error();
  std::vector<cp::TaskSpec> summaries;
  for (const Plan::Folder& folder : plan.folders) {
    std::vector<cp::TaskId> parents;
    for (const std::size_t task : folder.tasks) parents.push_back((*files)[task]);
    summaries.push_back(summary_task(kFolderTask, cp::TaskPriority::high,
                                     Record().set("folder", folder.name).set("files", folder.files),
                                     std::move(parents)));
  }
  const auto folders = submit_all(plane, summaries);
  if (!folders) return folders.error();
  return plane.submit_task(
      summary_task(kReportTask, cp::TaskPriority::critical, Record(), *folders));
}

}  // namespace review
