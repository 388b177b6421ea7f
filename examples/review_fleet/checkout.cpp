#include "checkout.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

#include "text.hpp"

namespace review {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxListed = 100'000;       // files looked at
constexpr std::uint64_t kMaxFileBytes = 2 << 20;  // larger ones are data, not source
constexpr std::size_t kMaxIncludeRoots = 24;

// Answers the output of `git <words>`; empty if it failed.
std::string git_output(const Checkout& checkout, const std::string& git,
                       std::vector<std::string> words, ChildProcesses& children) {
  words.insert(words.begin(), git);
  const auto outcome = children.run({.words = std::move(words),
                                     .directory = checkout.root,
                                     .timeout = std::chrono::seconds(5),
                                     .output_limit = 32 << 20});
  return outcome && outcome->exit_code == 0 ? outcome->output : std::string();
}

std::vector<std::string> walk(const std::string& root) {
  std::vector<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.front() == '.' && at->is_directory(error)) at.disable_recursion_pending();
    if (name.front() == '.' || !at->is_regular_file(error)) continue;
    paths.push_back(fs::relative(at->path(), root, error).string());
    if (paths.size() == kMaxListed) break;
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// A checkout without a commit tracks nothing yet; then what git would track is listed.
std::vector<std::string> list_paths(const Checkout& checkout, const std::string& git,
                                    ChildProcesses& children) {
  if (!checkout.is_git) return walk(checkout.root);
  std::string listed = git_output(checkout, git, {"ls-files", "-z"}, children);
  if (listed.empty()) {
    listed =
        git_output(checkout, git, {"ls-files", "-z", "--others", "--exclude-standard"}, children);
  }
  return split(listed, '\0');
}

std::map<std::string, std::uint64_t> recent_commits(const Checkout& checkout,
                                                    const std::string& git,
                                                    ChildProcesses& children) {
  std::map<std::string, std::uint64_t> commits;
  if (!checkout.has_history()) return commits;
  const std::string log =
      git_output(checkout, git,
                 {"log", "-n", "500", "--format=", "--name-only", "--relative", "-z"}, children);
  for (const std::string& path : split(log, '\0')) ++commits[path];
  return commits;
}

Language language_of(const std::string& path, bool has_cxx) {
  static const std::map<std::string, Language> by_suffix = {
      {".c", Language::c},       {".cc", Language::cxx},    {".cpp", Language::cxx},
      {".cxx", Language::cxx},   {".hh", Language::cxx},    {".hpp", Language::cxx},
      {".hxx", Language::cxx},   {".py", Language::python}, {".sh", Language::shell},
      {".bash", Language::shell}};
  const std::string suffix = fs::path(path).extension().string();
  if (suffix == ".h") return has_cxx ? Language::cxx : Language::c;
  const auto found = by_suffix.find(suffix);
  return found == by_suffix.end() ? Language::other : found->second;
}

// What its first bytes say: whether it is text, and by its first line whether it is a script.
bool read_head(const std::string& path, Language& language) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4096> bytes{};
  file.read(bytes.data(), bytes.size());
  const std::string_view head(bytes.data(), static_cast<std::size_t>(file.gcount()));
  if (head.empty() || head.find('\0') != std::string::npos) return false;
  const std::string_view first = head.substr(0, head.find('\n'));
  if (language != Language::other || !first.starts_with("#!")) return true;
  if (first.ends_with("sh")) language = Language::shell;
  if (first.find("python3") != std::string::npos) language = Language::python;
  return true;
}

void rank(std::vector<SourceFile>& files) {
  std::stable_sort(files.begin(), files.end(), [](const SourceFile& a, const SourceFile& b) {
    const auto rank_of = [](const SourceFile& f) {
      return std::tuple(f.recent_commits, f.language != Language::other, f.bytes);
    };
    return rank_of(a) > rank_of(b);
  });
}

// Looks at files in the order of what is known without opening them, until there are enough.
void choose_files(Checkout& checkout, std::vector<SourceFile> found, std::size_t max_files) {
  rank(found);
  for (SourceFile& file : found) {
    if (checkout.files.size() == max_files) {
      ++checkout.left_out;
    } else if (read_head(checkout.root + "/" + file.path, file.language)) {
      checkout.files.push_back(std::move(file));
    }
  }
}

// Payloads are JSON and labels are text: other names cannot travel.
bool is_plain_text(std::string_view name) {
  while (!name.empty()) {
    const std::size_t size = utf8_length(name);
    if (size == 0 || static_cast<unsigned char>(name.front()) < 0x20) return false;
    name.remove_prefix(size);
  }
  return true;
}

std::vector<SourceFile> find_files(const Checkout& checkout, const std::vector<std::string>& paths,
                                   const std::map<std::string, std::uint64_t>& commits) {
  const bool has_cxx = std::any_of(paths.begin(), paths.end(), [](const std::string& path) {
    return language_of(path, false) == Language::cxx;
  });
  std::vector<SourceFile> files;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::path full = fs::path(checkout.root) / path;
    if (!is_plain_text(path) || !fs::is_regular_file(fs::symlink_status(full, error))) continue;
    const std::uint64_t bytes = fs::file_size(full, error);
    const auto changed = commits.find(path);
    if (error || bytes == 0 || bytes > kMaxFileBytes) continue;
    files.push_back(
        {path, language_of(path, has_cxx), bytes, changed == commits.end() ? 0 : changed->second});
  }
  return files;
}

// The name in a line like `#include "engine/task_table.hpp"`; empty if it is none.
std::string included(std::string_view line) {
  const std::size_t hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#' || line.find("include") == std::string::npos)
    return {};
  const std::size_t begin = line.find_first_of("\"<");
  const std::size_t end = line.find_first_of("\">", begin + 1);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return std::string(line.substr(begin + 1, end - begin - 1));
}

std::set<std::string> all_included(const Checkout& checkout) {
  std::set<std::string> names;
  for (const SourceFile& file : checkout.files) {
    if (file.language != Language::c && file.language != Language::cxx) continue;
    std::ifstream text(checkout.root + "/" + file.path);
    for (std::string line; std::getline(text, line);) names.insert(included(line));
  }
  names.erase(std::string());
  return names;
}

// The directories from which the names in #includes lead to files of the checkout: what a build
// system would pass with -I. Those that serve most names come first.
std::vector<std::string> find_include_roots(const Checkout& checkout,
                                            const std::vector<std::string>& paths) {
  const std::set<std::string> names = all_included(checkout);
  std::map<std::string, std::size_t> uses;
  for (const std::string& path : paths) {
    for (std::size_t slash = path.size(); slash != std::string::npos && slash > 0;) {
      slash = path.rfind('/', slash - 1);
      const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
      if (names.contains(path.substr(begin))) ++uses[begin == 0 ? "." : path.substr(0, slash)];
    }
  }
  std::vector<std::pair<std::size_t, std::string>> sorted;
  sorted.reserve(uses.size());
  for (const auto& [root, count] : uses) sorted.emplace_back(count, root);
  std::sort(sorted.rbegin(), sorted.rend());
  std::vector<std::string> roots;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMaxIncludeRoots); ++i) {
    roots.push_back(sorted[i].second);
  }
  return roots;
}

}  // namespace

cp::Result<Checkout> open_checkout(const std::string& path, const std::string& git,
                                   std::size_t max_files, ChildProcesses& children) {
  std::error_code error;
  Checkout checkout;
  checkout.root = fs::canonical(path, error).string();
  if (error || !fs::is_directory(checkout.root, error)) {
    return cp::Error::invalid_argument(path + " is not a directory");
  }
  if (!git.empty()) {
    checkout.is_git = !git_output(checkout, git, {"rev-parse", "--git-dir"}, children).empty();
    checkout.revision = git_output(checkout, git, {"rev-parse", "--short", "HEAD"}, children);
    checkout.revision = checkout.revision.substr(0, checkout.revision.find('\n'));
  }
  const auto paths = list_paths(checkout, git, children);
  choose_files(checkout, find_files(checkout, paths, recent_commits(checkout, git, children)),
               max_files);
  if (checkout.files.empty()) return cp::Error::invalid_argument(path + " holds no text file");
  checkout.include_roots = find_include_roots(checkout, paths);
  return checkout;
}

}  // namespace review
