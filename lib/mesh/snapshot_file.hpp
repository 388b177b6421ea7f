// Files as sinks and sources of snapshots.
// Thread safety: none.
// Errors: not_found, permission_denied, resource_exhausted (no space), unavailable (anything else);
// the message names the path and the cause.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "controlplane/result.hpp"

namespace controlplane {

// Written beside its path and moved there by commit(), once it is on disk; else it leaves nothing.
// A new file is its owner's alone (mode 0600), one that was there keeps its mode.
class NewFile {
 public:
  static Result<NewFile> create(std::string_view path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Result<void> write(std::string_view bytes);
  Result<void> commit();

 private:
  NewFile(int fd, std::string path, std::string temporary);
  Error failed(std::string_view what) const;

  int fd_;
  std::string path_, temporary_;
};

class OldFile {
 public:
  static Result<OldFile> open(std::string_view path);
  OldFile(OldFile&& other) noexcept;
  OldFile& operator=(OldFile&&) = delete;
  ~OldFile();

  Result<std::size_t> read(char* to, std::size_t size);  // 0 = the end

 private:
  OldFile(int fd, std::string path);
  int fd_;
  std::string path_;
};

}  // namespace controlplane
