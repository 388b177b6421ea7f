// The kinds of review and the real programs behind them.
// Thread safety: a Toolbox is immutable; its methods may be called from any thread.
// Errors: a program that cannot be started or that crashes is unavailable (worth another attempt);
// one that does not end in its time is failed_precondition (it would not the next time either).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkout.hpp"
#include "child_process.hpp"
#include "record.hpp"

namespace review {

enum class Kind { history, metrics, lint, compile };
inline constexpr Kind kKinds[] = {Kind::history, Kind::metrics, Kind::lint, Kind::compile};
const char* to_string(Kind kind);
Kind parse_kind(std::string_view name);  // of to_string()
bool is_cpu_bound(Kind kind);

// What an agent must offer to review such a file: "lint", or "compile" and "python".
std::vector<std::string> required_capabilities(Kind kind, Language language);

class Toolbox {
 public:
  static Toolbox find();

  const std::string& git() const { return git_; }
  // Why no file is reviewed so here; empty = it is possible.
  std::string missing(Kind kind, const Checkout& checkout) const;
  bool can(Kind kind, Language language, const Checkout& checkout) const;
  // All capabilities of an agent for that kind.
  std::vector<std::string> capabilities(Kind kind) const;

  // What an agent for that kind mostly runs.
  std::string program(Kind kind) const;
  // The first program that the review of a file runs.
  Command command(Kind kind, const Checkout& checkout, const SourceFile& file) const;
  // What it said about the file, as members of a record.
  cp::Result<Record> review(Kind kind, const Checkout& checkout, const SourceFile& file,
                            ChildProcesses& children) const;
  // As this one, but with a cppcheck that does not exist: an agent whose machine is broken.
  Toolbox broken() const;

 private:
  std::string compiler(Language language) const;
  Command compile_command(const Checkout& checkout, const SourceFile& file) const;
  Command lint_command(const Checkout& checkout, const SourceFile& file) const;
  cp::Result<Record> metrics(const Command& wc, const SourceFile& file,
                             ChildProcesses& children) const;

  std::string git_, awk_, wc_, cppcheck_, cc_, cxx_, python_, bash_;
};

}  // namespace review
