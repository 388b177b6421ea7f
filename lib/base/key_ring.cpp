#include "controlplane/key_ring.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/key_set.hpp"
#include "base/wording.hpp"

namespace controlplane {
namespace {

constexpr std::size_t kMaxFileBytes = 65'536;

Error file_error(const std::string& path, const char* what) {
  return Error::invalid_argument(
      fmt::format("key file {} {}: {}", quote(path), what, std::generic_category().message(errno)));
}

struct File {
  explicit File(const std::string& path) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(const File&) = delete;
  const int fd;
};

Result<void> check_file(const std::string& path, int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return file_error(path, "cannot be looked at");
  if (!S_ISREG(info.st_mode)) {
    return Error::invalid_argument("key file " + quote(path) + " is not a regular file");
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error::invalid_argument(
        fmt::format("key file {} has mode {:04o}; nobody but its owner may read or write it (chmod 600)",
                    quote(path), info.st_mode & 07777));
  }
  return {};
}

Result<Secret> read_all(const std::string& path, int fd) {
  Secret all(std::string(kMaxFileBytes + 1, '\0'));
  std::string& text = all.bytes();
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path, "cannot be read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxFileBytes) {
    return Error::invalid_argument(fmt::format("key file {} is larger than {} bytes", quote(path),
                                               grouped(kMaxFileBytes)));
  }
  text.resize(size);
  return all;
}

Result<std::vector<SecretKey>> read_file(const std::string& path) {
  const File file(path);
  if (file.fd < 0) return file_error(path, "cannot be opened");
  if (auto fine = check_file(path, file.fd); !fine) return std::move(fine.error());
  auto text = read_all(path, file.fd);
  if (!text) return std::move(text.error());
  return parse_keys("key file " + quote(path), *text);
}

}  // namespace

// All that it has room for: a longer text may have been there.
void Secret::clear() noexcept {
  bytes_.resize(bytes_.capacity());
  wipe(bytes_.data(), bytes_.size());
  bytes_.clear();
}

struct KeyRing::State {
  explicit State(KeySource s) : source(std::move(s)) {}

  Result<void> load() {
    const std::uint64_t turn = ++turns;
    auto given = source();
    if (!given) return std::move(given.error());
    auto checked = KeySet::check(std::move(*given));
    if (!checked) return std::move(checked.error());
    auto fresh = std::make_shared<const KeySet>(std::move(*checked));
    const std::lock_guard lock(mutex);
    if (turn < of_turn) return {};  // what was asked for later is here
    of_turn = turn;
    keys.swap(fresh);  // the old ones go after the lock
    return {};
  }
  std::shared_ptr<const KeySet> now() const {
    const std::lock_guard lock(mutex);
    return keys;
  }

  const KeySource source;
  std::atomic<std::uint64_t> turns{0};  // reloads begun: a slow one must not undo a later one
  mutable std::mutex mutex;             // guards the rest
  std::shared_ptr<const KeySet> keys;
  std::uint64_t of_turn = 0;
};

Result<KeyRing> KeyRing::open(KeySource source) {
  if (!source) return Error::invalid_argument("the source of keys is empty");
  KeyRing ring;
  ring.state_ = std::make_shared<State>(std::move(source));
  if (auto loaded = ring.reload(); !loaded) return std::move(loaded.error());
  return ring;
}

Result<KeyRing> KeyRing::of(std::vector<SecretKey> keys) {
  auto checked = KeySet::check(std::move(keys));
  if (!checked) return std::move(checked.error());
  const auto kept = std::make_shared<const KeySet>(std::move(*checked));
  return open([kept]() -> Result<std::vector<SecretKey>> { return kept->all(); });
}

Result<KeyRing> KeyRing::from_file(std::string path) {
  return open([path = std::move(path)] { return read_file(path); });
}

Result<KeyRing> KeyRing::from_environment(std::string variable) {
  return open([variable = std::move(variable)]() -> Result<std::vector<SecretKey>> {
    const char* const text = std::getenv(variable.c_str());
    if (text == nullptr) return Error::invalid_argument("the variable " + variable + " is not set");
    return parse_keys(variable, text);
  });
}

Result<void> KeyRing::reload() {
  if (empty()) return Error::failed_precondition("a key ring without a source cannot be reloaded");
  return state_->load();
}

std::vector<KeyInfo> KeyRing::keys() const {
  std::vector<KeyInfo> infos;
  if (empty()) return infos;
  for (const SecretKey& key : state_->now()->all()) infos.push_back({key.id, key.state});
  return infos;
}

std::shared_ptr<const KeySet> KeyRing::current() const { return empty() ? nullptr : state_->now(); }

}  // namespace controlplane
