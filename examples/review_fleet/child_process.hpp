// Real programs as children of this process, each in a process group of its own.
// Thread safety: ChildProcesses from any thread; one ChildProcess belongs to one thread.
// Lifetime: a ChildProcesses outlives every child that it started. No child outlives its
// ChildProcess. Errors: what cannot be started is unavailable; how a program ended is data.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <controlplane/controlplane.hpp>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace review {

namespace cp = controlplane;

struct Command {
  std::vector<std::string> words;             // program and arguments; no shell sees them
  std::string directory;                      // to run in
  std::chrono::milliseconds timeout{12'000};  // then its whole group is killed
  std::size_t output_limit = 1 << 20;         // bytes kept; the rest is read and dropped
};

struct Outcome {
  std::string output;  // stdout and stderr, as they came
  int exit_code = -1;  // -1: `signal` ended it
  int signal = 0;
  bool timed_out = false;
};

class ChildProcesses;

class ChildProcess {
 public:
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();  // kills and reaps it

  pid_t pid() const { return pid_; }
  // Reads what it says until it ends or its timeout does. Once.
  Outcome finish();

 private:
  friend class ChildProcesses;
  ChildProcess(ChildProcesses& owner, const Command& command) : owner_(owner), command_(command) {}
  bool wait(std::string& output);
  bool read_some(std::string& output);

  ChildProcesses& owner_;
  Command command_;
  pid_t pid_ = -1;
  int output_ = -1;  // read end of a pipe
  int life_ = -1;    // readable once the child has ended; -1 on kernels without pidfd_open
};

class ChildProcesses {
 public:
  ChildProcesses();
  ChildProcesses(const ChildProcesses&) = delete;
  ChildProcesses& operator=(const ChildProcesses&) = delete;

  cp::Result<ChildProcess> start(const Command& command);
  cp::Result<Outcome> run(const Command& command);

  void kill(pid_t pid);  // its whole group; nothing if it has been reaped
  void kill_all();       // and none can be started from now on
  std::size_t started() const;

 private:
  friend class ChildProcess;
  int reap(pid_t pid);  // waits, ends what is left of its group; answers its status

  mutable std::mutex mutex_;
  // Started and not reaped: only these numbers are safe to signal, all others may be somebody
  // else's.
  std::set<pid_t> running_;
  std::size_t started_ = 0;
  bool closed_ = false;
};

// The path of a program in PATH; empty if there is none.
std::string find_program(const std::string& name);

}  // namespace review
