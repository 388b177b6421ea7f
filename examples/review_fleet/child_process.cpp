#include "child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>
#include <utility>

namespace review {
namespace {

using Clock = std::chrono::steady_clock;

cp::Error cannot_start(const Command& command, int error) {
  return cp::Error::unavailable("cannot start " + command.words.front() + ": " +
                                std::generic_category().message(error));
}

// How a child begins: a group of its own, so that it can be killed with all it started, none of our
// signal dispositions, nothing to read, and stdout and stderr into `output`.
class SpawnPlan {
 public:
  SpawnPlan(const Command& command, int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions_, command.directory.c_str());
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  int start(const Command& command, pid_t& pid) {
    std::vector<char*> words;
    for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    return posix_spawnp(&pid, words[0], &actions_, &attributes_, words.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left, 0, 1 << 30));
}

}  // namespace

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : owner_(other.owner_),
      command_(std::move(other.command_)),
      pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      life_(std::exchange(other.life_, -1)) {}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    owner_.kill(pid_);
    owner_.reap(pid_);
  }
  if (output_ >= 0) close(output_);
  if (life_ >= 0) close(life_);
}

// False once there is nothing more to read, now (the pipe does not block) or ever.
bool ChildProcess::read_some(std::string& output) {
  char buffer[16'384];
  const ssize_t size = read(output_, buffer, sizeof buffer);
  if (size < 0 && errno == EINTR) return true;
  if (size < 0 && errno == EAGAIN) return false;
  if (size <= 0) {
    close(std::exchange(output_, -1));
    return false;
  }
  const std::size_t room = command_.output_limit - std::min(command_.output_limit, output.size());
  output.append(buffer, std::min(room, static_cast<std::size_t>(size)));
  return true;
}

// True when it ended, false when its time did.
bool ChildProcess::wait(std::string& output) {
  const auto deadline = Clock::now() + command_.timeout;
  while (output_ >= 0 || life_ >= 0) {
    pollfd watched[] = {{output_, POLLIN, 0}, {life_, POLLIN, 0}};
    const int ready = poll(watched, 2, milliseconds_until(deadline));
    if (ready == 0) return false;
    if (watched[0].revents != 0) read_some(output);
    if (watched[1].revents != 0) break;
  }
  return true;
}

Outcome ChildProcess::finish() {
  Outcome outcome;
  outcome.timed_out = !wait(outcome.output);
  if (outcome.timed_out) owner_.kill(pid_);
  const int status = owner_.reap(std::exchange(pid_, -1));
  while (output_ >= 0 && read_some(outcome.output)) {
  }
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

// Orphans of its children become its own, so that it can reap them; not every init does.
ChildProcesses::ChildProcesses() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

// Under the lock from start to insertion: kill_all() misses nobody.
cp::Result<ChildProcess> ChildProcesses::start(const Command& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return cannot_start(command, errno);
  ChildProcess child(*this, command);
  child.output_ = ends[0];
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  int error = ECANCELED;
  {
    const std::lock_guard lock(mutex_);
    pid_t pid = -1;
    if (!closed_) error = SpawnPlan(command, ends[1]).start(command, pid);
    if (error == 0) {
      running_.insert(pid);
      ++started_;
      child.pid_ = pid;
    }
  }
  close(ends[1]);
  if (error == ECANCELED) return cp::Error::cancelled("no program is started any more");
  if (error != 0) return cannot_start(command, error);
  child.life_ = static_cast<int>(syscall(SYS_pidfd_open, child.pid_, 0));
  return child;
}

cp::Result<Outcome> ChildProcesses::run(const Command& command) {
  auto child = start(command);
  if (!child) return std::move(child).error();
  return child->finish();
}

void ChildProcesses::kill(pid_t pid) {
  const std::lock_guard lock(mutex_);
  if (running_.contains(pid)) ::kill(-pid, SIGKILL);
}

void ChildProcesses::kill_all() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const pid_t pid : running_) ::kill(-pid, SIGKILL);
}

std::size_t ChildProcesses::started() const {
  const std::lock_guard lock(mutex_);
  return started_;
}

// First it only waits for the end, because the number stays taken until the next call. Then the
// group is ended: a compiler driver that was killed leaves its compiler. All of it is reaped under
// the lock, before a new child can be given the number.
int ChildProcesses::reap(pid_t pid) {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const std::lock_guard lock(mutex_);
  running_.erase(pid);
  ::kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  while (waitpid(-pid, nullptr, 0) > 0 || errno == EINTR) {
  }
  return status;
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (folder.empty()) continue;
    folder.append("/").append(name);
    if (access(folder.c_str(), X_OK) == 0) return folder;
  }
  return {};
}

}  // namespace review
