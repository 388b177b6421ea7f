#include "mesh/snapshot_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "base/wording.hpp"

namespace controlplane {
namespace {

Error file_error(std::string_view what, std::string_view path, int code) {
  std::string message =
      fmt::format("{} {}: {}", what, quote(path), std::generic_category().message(code));
  switch (code) {
    case ENOENT:
      return Error::not_found(std::move(message));
    case EACCES:
    case EPERM:
    case EROFS:
      return Error{ErrorCode::permission_denied, std::move(message)};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Error::resource_exhausted(std::move(message));
    default:
      return Error::unavailable(std::move(message));
  }
}

// What a rename means is on disk once the directory is.
void sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == path.npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  (void)::close(fd);
}

// While it lives, a pipe whose reader left is an error of the write and no signal for the process.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;
  ~NoPipeSignal() {
    const int code = errno;
    const timespec at_once{};
    while (!was_pending_ && ::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = code;
  }

 private:
  sigset_t pipe_, before_;
  bool was_pending_ = false;
};

bool is_link(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISLNK(found.st_mode);
}

// Where it leads; as it is if that cannot be told.
std::string resolved(const std::string& path) {
  char* const real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string text(real);
  std::free(real);
  return text;
}

}  // namespace

NewFile::NewFile(int fd, std::string path, std::string temporary)
    : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)) {}

NewFile::NewFile(NewFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

NewFile::~NewFile() {
  if (fd_ >= 0) (void)::close(fd_);
  if (!temporary_.empty()) (void)::unlink(temporary_.c_str());
}

Error NewFile::failed(std::string_view what) const { return file_error(what, path_, errno); }

// What is no regular file, such as a pipe, is written in place, and so is /dev/stdout, whatever it
// leads to. Other links stay, and what they lead to is written. A file that was there keeps its mode.
Result<NewFile> NewFile::create(std::string_view path) {
  std::string target(path);
  if (target.empty() || target.find('\0') != target.npos) {
    return Error::invalid_argument(fmt::format("path {} is none", quote(path)));
  }
  struct stat found {};
  const bool is_there = ::stat(target.c_str(), &found) == 0;
  const bool is_stream = is_link(target) && (path.starts_with("/dev/") || path.starts_with("/proc/"));
  if (is_there && (!S_ISREG(found.st_mode) || is_stream)) {
    const int fd = ::open(target.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return file_error("cannot write", target, errno);
    return NewFile(fd, std::move(target), {});
  }
  if (is_link(target)) target = resolved(target);
  std::string temporary = target + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return file_error("cannot write", target, errno);
  NewFile file(fd, std::move(target), std::move(temporary));
  if (is_there && ::fchmod(fd, found.st_mode & 07777) != 0) return file.failed("cannot set mode of");
  return file;
}

Result<void> NewFile::write(std::string_view bytes) {
  std::optional<NoPipeSignal> no_signal;
  if (temporary_.empty()) no_signal.emplace();
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("cannot write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> NewFile::commit() {
  const bool in_place = temporary_.empty();
  if (::fsync(fd_) != 0 && !(in_place && (errno == EINVAL || errno == EROFS)))
    return failed("cannot sync");
  if (::close(std::exchange(fd_, -1)) != 0) return failed("cannot close");
  if (in_place) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot make");
  temporary_.clear();
  sync_directory_of(path_);
  return {};
}

OldFile::OldFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
OldFile::OldFile(OldFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
OldFile::~OldFile() {
  if (fd_ >= 0) (void)::close(fd_);
}

Result<OldFile> OldFile::open(std::string_view path) {
  std::string source(path);
  if (source.empty() || source.find('\0') != source.npos) {
    return Error::invalid_argument(fmt::format("path {} is none", quote(path)));
  }
  const int fd = ::open(source.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error("cannot read", source, errno);
  return OldFile(fd, std::move(source));
}

Result<std::size_t> OldFile::read(char* to, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd_, to, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return file_error("cannot read", path_, errno);
  }
}

}  // namespace controlplane
