#include "checkout_report.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "text.hpp"

namespace review {
namespace {

constexpr std::size_t kTop = 8;

std::vector<std::string> folder_row(const Record& folder, const std::string& name,
                                    std::size_t authors) {
  const auto number = [&](const char* key) { return or_dash(folder.number(key)); };
  const std::string alone = folder.number("tried") == 0 ? "-"
                                                        : grouped(folder.number("compiles")) + "/" +
                                                              grouped(folder.number("tried"));
  return {name,
          number("files"),
          number("lines"),
          number("functions"),
          number("longest"),
          number("churn"),
          or_dash(authors),
          number("findings"),
          alone};
}

std::string folder_table(const std::vector<Record>& folders) {
  TextTable table({"folder", "files", "lines", "functions", "longest", "churn", "authors",
                   "findings", "compile alone"});
  Record total;
  std::set<std::string> everybody;
  for (const Record& folder : folders) {
    const auto authors = split(folder.text("authors"), '\n');
    everybody.insert(authors.begin(), authors.end());
    table.add(folder_row(folder, folder.text("folder"), authors.size()));
    for (const char* key :
         {"files", "lines", "functions", "churn", "findings", "compiles", "tried"}) {
      total.set(key, total.number(key) + folder.number(key));
    }
    total.set("longest", std::max(total.number("longest"), folder.number("longest")));
  }
  table.add(folder_row(total, "all", everybody.size()));
  return table.to_string();
}

// The first few of those that have the member, by it and then by the other one, largest first.
std::vector<const Record*> top(const std::vector<Record>& files, const std::string& key,
                               const std::string& then = {}) {
  std::vector<const Record*> found;
  for (const Record& file : files) {
    if (file.number(key) > 0) found.push_back(&file);
  }
  std::stable_sort(found.begin(), found.end(), [&](const Record* a, const Record* b) {
    return std::pair(a->number(key), a->number(then)) > std::pair(b->number(key), b->number(then));
  });
  found.resize(std::min(found.size(), kTop));
  return found;
}

std::string most_changed(const std::vector<Record>& files) {
  TextTable table({"file", "commits", "lines changed", "authors"});
  const auto found = top(files, "commits", "churn");
  for (const Record* file : found) {
    table.add({file->text("path"), grouped(file->number("commits")), grouped(file->number("churn")),
               grouped(split(file->text("authors"), '\n').size())});
  }
  return found.empty() ? "" : "\nMost changed\n" + table.to_string();
}

std::string longest_functions(const std::vector<Record>& files) {
  TextTable table({"function", "lines", "in", "of functions"}, {0, 2});
  const auto found = top(files, "longest");
  for (const Record* file : found) {
    table.add({shortened(file->text("longest_name"), 48), grouped(file->number("longest")),
               file->text("path"), grouped(file->number("functions"))});
  }
  return found.empty() ? "" : "\nLongest functions, one per file\n" + table.to_string();
}

std::string findings(const std::vector<Record>& files) {
  std::string text;
  for (const Record* file : top(files, "findings")) {
    const std::uint64_t more = file->number("findings") - 1;
    text +=
        "  " + file->text("message") + (more > 0 ? "  and " + grouped(more) + " more" : "") + "\n";
  }
  const auto unparsed = std::count_if(
      files.begin(), files.end(), [](const Record& file) { return file.number("unparsed") > 0; });
  if (unparsed > 0) {
    text += "  It could not parse " + plural(static_cast<std::uint64_t>(unparsed), "file") + ".\n";
  }
  return text.empty() ? "" : "\nWhat cppcheck says, of the files with most findings\n" + text;
}

std::string not_alone(const std::vector<Record>& files) {
  std::string text;
  std::size_t count = 0;
  for (const Record& file : files) {
    if (!file.has("compiles") || file.number("compiles") == 1) continue;
    if (++count <= kTop) text += "  " + file.text("error") + "\n";
  }
  if (count > kTop) text += "  and " + grouped(count - kTop) + " more\n";
  return count == 0 ? "" : "\nDo not compile alone: " + plural(count, "file") + "\n" + text;
}

}  // namespace

std::string checkout_report(const std::vector<Record>& folders) {
  std::vector<Record> files;
  for (const Record& folder : folders) {
    for (const std::string& row : split(folder.text("rows"), '\n'))
      files.push_back(Record::parse(row));
  }
  return folder_table(folders) + most_changed(files) + longest_functions(files) + findings(files) +
         not_alone(files);
}

}  // namespace review
