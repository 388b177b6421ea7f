#include "tools.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "function_counter.hpp"
#include "text.hpp"

namespace review {
namespace {

constexpr const char* kOwnTrouble[] = {"[cppcheckError]", "[internalAstError]", "[internalError]",
                                       "[syntaxError]", "[unknownMacro]"};
constexpr std::size_t kMaxMessageColumns = 160;

bool is_c_family(Language language) { return language == Language::c || language == Language::cxx; }

std::string name_of(const std::string& program) { return program.substr(program.rfind('/') + 1); }

std::string first_line(const std::string& text) {
  return shortened(text.substr(0, text.find('\n')), kMaxMessageColumns);
}

// Runs it; answers an error unless it ended by itself with a status up to `max_exit`.
cp::Result<Outcome> outcome_of(const Command& command, ChildProcesses& children, int max_exit) {
  auto outcome = children.run(command);
  if (!outcome) return std::move(outcome).error();
  const std::string program = name_of(command.words.front());
  if (outcome->timed_out) {
    return cp::Error::failed_precondition(program + " did not end within " +
                                          seconds(command.timeout.count() * 1000));
  }
  if (outcome->signal != 0) {
    return cp::Error::unavailable(program + " was ended by signal " +
                                  std::to_string(outcome->signal));
  }
  if (outcome->exit_code > max_exit) {
    return cp::Error::unavailable(program + " answered " + std::to_string(outcome->exit_code) +
                                  ": " + first_line(outcome->output));
  }
  return outcome;
}

// git log --numstat --format=%x01%an: a line \1author per commit, then added, deleted and path.
Record read_history(const std::string& log) {
  std::uint64_t commits = 0;
  std::uint64_t churn = 0;
  std::set<std::string> authors;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('\1')) {
      ++commits;
      authors.insert(line.substr(1));
    } else if (std::uint64_t added = 0, deleted = 0; std::istringstream(line) >> added >> deleted) {
      churn += added + deleted;
    }
  }
  std::string names;
  for (const std::string& author : authors) names += author + '\n';
  return Record().set("commits", commits).set("churn", churn).set("authors", names);
}

// Not about the file but about cppcheck, which does not know all macros and all of C++20.
bool is_own_trouble(const std::string& line) {
  return std::any_of(std::begin(kOwnTrouble), std::end(kOwnTrouble),
                     [&](const char* id) { return line.ends_with(id); });
}

// One line per finding. What cppcheck found in headers on the way is told by the headers' own
// tasks.
Record read_findings(const std::string& output, const std::string& path) {
  std::uint64_t findings = 0;
  std::string message;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (is_own_trouble(line)) return Record().set("unparsed", std::uint64_t{1});
    if (line.starts_with(path + ":") && ++findings == 1)
      message = shortened(line, kMaxMessageColumns);
  }
  return Record().set("findings", findings).set("message", message);
}

// The first line with an error; compilers and bash put the path in front, Python does not.
Record read_compilation(const Outcome& outcome, const std::string& path) {
  Record record;
  record.set("compiles", std::uint64_t{outcome.exit_code == 0});
  if (outcome.exit_code == 0) return record;
  std::string error = first_line(outcome.output);
  std::istringstream lines(outcome.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("rror") == std::string::npos) continue;
    error = line.starts_with(path) ? "" : path + ": ";
    error += line;
    break;
  }
  return record.set("error", shortened(error, kMaxMessageColumns));
}

}  // namespace

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::history:
      return "history";
    case Kind::metrics:
      return "metrics";
    case Kind::lint:
      return "lint";
    case Kind::compile:
      return "compile";
  }
  return "";
}

Kind parse_kind(std::string_view name) {
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](Kind kind) { return to_string(kind) == name; });
  return found == std::end(kKinds) ? Kind::metrics : *found;
}

bool is_cpu_bound(Kind kind) { return kind == Kind::lint || kind == Kind::compile; }

std::vector<std::string> required_capabilities(Kind kind, Language language) {
  std::vector<std::string> capabilities = {to_string(kind)};
  if (kind != Kind::compile) return capabilities;
  capabilities.push_back(language == Language::python  ? "python"
                         : language == Language::shell ? "shell"
                                                       : "c++");
  return capabilities;
}

Toolbox Toolbox::find() {
  Toolbox tools;
  tools.git_ = find_program("git");
  tools.awk_ = find_program("awk");
  tools.wc_ = find_program("wc");
  tools.cppcheck_ = find_program("cppcheck");
  tools.cc_ = find_program("cc");
  tools.cxx_ = find_program("c++");
  tools.python_ = find_program("python3");
  tools.bash_ = find_program("bash");
  return tools;
}

Toolbox Toolbox::broken() const {
  Toolbox tools = *this;
  tools.cppcheck_ = "/opt/cppcheck-that-was-uninstalled/bin/cppcheck";
  tools.cc_ = tools.cxx_ = tools.python_ = tools.bash_ =
      "/opt/compiler-that-was-uninstalled/bin/c++";
  tools.wc_ = "/opt/coreutils-that-were-uninstalled/bin/wc";
  return tools;
}

std::string Toolbox::missing(Kind kind, const Checkout& checkout) const {
  if (kind == Kind::history && git_.empty()) return "git is not in PATH";
  if (kind == Kind::history && !checkout.is_git) return "it is no git checkout";
  if (kind == Kind::history && !checkout.has_history()) return "git has no commit yet";
  if (kind == Kind::metrics && (awk_.empty() || wc_.empty())) return "awk or wc is not in PATH";
  if (kind == Kind::lint && cppcheck_.empty()) return "cppcheck is not in PATH";
  return {};
}

std::string Toolbox::program(Kind kind) const {
  switch (kind) {
    case Kind::history:
      return git_;
    case Kind::metrics:
      return wc_;
    case Kind::lint:
      return cppcheck_;
    case Kind::compile:
      return !cxx_.empty() ? cxx_ : !python_.empty() ? python_ : bash_;
  }
  return {};
}

std::string Toolbox::compiler(Language language) const {
  switch (language) {
    case Language::c:
      return cc_;
    case Language::cxx:
      return cxx_;
    case Language::python:
      return python_;
    case Language::shell:
      return bash_;
    case Language::other:
      return {};
  }
  return {};
}

bool Toolbox::can(Kind kind, Language language, const Checkout& checkout) const {
  if (!missing(kind, checkout).empty()) return false;
  if (kind == Kind::lint) return is_c_family(language);
  return kind != Kind::compile || !compiler(language).empty();
}

std::vector<std::string> Toolbox::capabilities(Kind kind) const {
  std::vector<std::string> offered = {to_string(kind)};
  if (kind != Kind::compile) return offered;
  if (!cxx_.empty() || !cc_.empty()) offered.emplace_back("c++");
  if (!python_.empty()) offered.emplace_back("python");
  if (!bash_.empty()) offered.emplace_back("shell");
  return offered;
}

Command Toolbox::compile_command(const Checkout& checkout, const SourceFile& file) const {
  const std::string program = compiler(file.language);
  if (file.language == Language::shell) return {{program, "-n", file.path}, checkout.root};
  if (file.language == Language::python) {  // without writing a __pycache__ into the checkout
    return {{program, "-c",
             "import sys; compile(open(sys.argv[1], 'rb').read(), sys.argv[1], 'exec')", file.path},
            checkout.root};
  }
  const bool is_c = file.language == Language::c;
  Command command{{program, "-x", is_c ? "c" : "c++", is_c ? "-std=gnu17" : "-std=c++20",
                   "-fsyntax-only", "-w", "-fmax-errors=1", "-pthread"},
                  checkout.root};
  for (const std::string& root : checkout.include_roots) command.words.push_back("-I" + root);
  command.words.push_back(file.path);
  return command;
}

Command Toolbox::lint_command(const Checkout& checkout, const SourceFile& file) const {
  Command command{
      {cppcheck_, "--quiet", file.language == Language::c ? "--language=c" : "--language=c++",
       "--enable=warning,style,performance,portability", "--inline-suppr", "--max-configs=2",
       "--suppress=missingInclude", "--suppress=missingIncludeSystem",
       "--suppress=unusedStructMember",  // one file cannot tell
       "--template={file}:{line}: {severity}: {message} [{id}]"},
      checkout.root};
  for (const std::string& root : checkout.include_roots) command.words.push_back("-I" + root);
  command.words.push_back(file.path);
  return command;
}

Command Toolbox::command(Kind kind, const Checkout& checkout, const SourceFile& file) const {
  switch (kind) {
    case Kind::history:
      return {{git_, "log", "--follow", "--numstat", "--format=%x01%an", "--", file.path},
              checkout.root};
    case Kind::metrics:
      return {{wc_, "-l", "./" + file.path}, checkout.root};
    case Kind::lint:
      return lint_command(checkout, file);
    case Kind::compile:
      return compile_command(checkout, file);
  }
  return {};
}

cp::Result<Record> Toolbox::metrics(const Command& wc, const SourceFile& file,
                                    ChildProcesses& children) const {
  const auto counted = outcome_of(wc, children, 0);
  if (!counted) return counted.error();
  Record record;
  record.set("lines", std::strtoull(counted->output.c_str(), nullptr, 10));
  const std::string program = function_counter(file.language);
  if (program.empty()) return record;
  const auto found = outcome_of({{awk_, program, wc.words.back()}, wc.directory}, children, 0);
  if (!found) return found.error();
  std::istringstream line(found->output);
  std::uint64_t functions = 0;
  std::uint64_t longest = 0;
  std::string name;
  line >> functions >> longest >> name;
  return record.set("functions", functions).set("longest", longest).set("longest_name", name);
}

cp::Result<Record> Toolbox::review(Kind kind, const Checkout& checkout, const SourceFile& file,
                                   ChildProcesses& children) const {
  const Command first = command(kind, checkout, file);
  if (kind == Kind::metrics) return metrics(first, file, children);
  // A compiler answers 1 or 2 when it found an error; that is what it is asked for.
  const auto outcome = outcome_of(first, children, kind == Kind::compile ? 2 : 0);
  if (!outcome) return outcome.error();
  if (kind == Kind::history) return read_history(outcome->output);
  if (kind == Kind::lint) return read_findings(outcome->output, file.path);
  if (outcome->output.find("Killed signal") != std::string::npos) {
    return cp::Error::unavailable(first_line(outcome->output));  // its driver outlived it
  }
  return read_compilation(*outcome, file.path);
}

}  // namespace review
