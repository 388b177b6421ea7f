#include "summary.hpp"

#include <map>
#include <set>
#include <vector>

#include "checkout_report.hpp"
#include "record.hpp"
#include "text.hpp"

namespace review {
namespace {

cp::Result<std::vector<cp::Task>> parents_of(cp::TaskContext& task, const cp::Coordinator& plane) {
  std::vector<cp::Task> parents;
  const auto& details = task.task().details;
  if (details == nullptr) return parents;
  for (const cp::TaskId& id : details->depends_on) {
    auto parent = plane.get_task(id);
    if (!parent) return std::move(parent).error();
    parents.push_back(*std::move(parent));
  }
  return parents;
}

Record sums_of(const std::map<std::string, Record>& rows) {
  std::map<std::string, std::uint64_t> sums;
  std::set<std::string> authors;
  std::uint64_t longest = 0;
  std::string lines;
  for (const auto& [path, row] : rows) {
    for (const char* key : {"lines", "functions", "churn", "findings", "compiles", "skipped"}) {
      sums[key] += row.number(key);
    }
    sums["tried"] += row.has("compiles") ? 1 : 0;
    longest = std::max(longest, row.number("longest"));
    for (std::string& author : split(row.text("authors"), '\n')) authors.insert(std::move(author));
    lines += row.json().str() + '\n';
  }
  Record record;
  for (const auto& [key, sum] : sums) record.set(key, sum);
  std::string names;
  for (const std::string& author : authors) names += author + '\n';
  return record.set("longest", longest).set("authors", names).set("rows", lines);
}

}  // namespace

cp::Result<cp::Json> summarize_folder(cp::TaskContext& task, const cp::Coordinator& plane) {
  const auto parents = parents_of(task, plane);
  if (!parents) return parents.error();
  std::map<std::string, Record> rows;
  for (const cp::Task& parent : *parents) {
    const std::string path = Record::parse(parent.payload).text("path");
    Record& row = rows[path];
    row.set("path", path);
    if (parent.state == cp::TaskState::completed) {
      row.merge(Record::parse(parent.result));
    } else {
      row.set("skipped", row.number("skipped") + 1);
    }
  }
  Record record = Record::parse(task.payload());
  record.merge(sums_of(rows));
  return record.json();
}

cp::Result<cp::Json> write_report(cp::TaskContext& task, const cp::Coordinator& plane) {
  const auto parents = parents_of(task, plane);
  if (!parents) return parents.error();
  std::vector<Record> folders;
  for (const cp::Task& parent : *parents) {
    folders.push_back(Record::parse(parent.result));
    const auto done = static_cast<double>(folders.size()) / static_cast<double>(parents->size());
    const auto told = task.progress(done, folders.back().text("folder"));
    if (!told) return told.error();
  }
  return Record().set("text", checkout_report(folders)).json();
}

}  // namespace review
