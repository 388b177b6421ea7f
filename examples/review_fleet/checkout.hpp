// The files to review: what git tracks, or all files below a directory that is no git checkout.
// Thread safety: plain values.
// Errors: a path that is no directory, or that holds no text file, is invalid_argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "child_process.hpp"

namespace review {

enum class Language { c, cxx, python, shell, other };

struct SourceFile {
  std::string path;  // relative to the checkout
  Language language = Language::other;
  std::uint64_t bytes = 0;
  std::uint64_t recent_commits = 0;  // that touched it
};

struct Checkout {
  std::string root;      // absolute
  std::string revision;  // of the commit that is checked out; empty = none
  bool is_git = false;
  std::vector<SourceFile> files;           // most changed first, then largest first
  std::size_t left_out = 0;                // text files beyond max_files
  std::vector<std::string> include_roots;  // from which its own #includes are found

  bool has_history() const { return !revision.empty(); }
};

// `git` may be empty: then no directory is a git checkout.
cp::Result<Checkout> open_checkout(const std::string& path, const std::string& git,
                                   std::size_t max_files, ChildProcesses& children);

}  // namespace review
