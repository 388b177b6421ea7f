// The workers of a distributor and the tasks that it gave them: decides, and calls nobody.
// Thread safety: none; lives under its distributor's lock.
// Errors: none; what it does not know it ignores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controlplane/agent.hpp"
#include "controlplane/distributor.hpp"

namespace controlplane {

// What a task asks of who does it.
struct Wants {
  std::vector<std::string> required, exclude{};
};

class WorkerPool {
 public:
  // What the registry says of the pool now. Who is not among `agents` has left it.
  void update(const std::vector<Agent>& agents);
  void clear() { workers_.clear(), given_.clear(); }

  enum class Room : std::uint8_t { needed, ignored };
  // The usable worker with the smallest load that is wanted; nullptr if there is none. With
  // Room::needed only one that has a free slot, or one more task to find when it is done: what waits
  // here may still go to whoever is free first, and need not be moved when a worker goes.
  const std::string* choose(const Wants& wants, Room room) const;
  bool has(std::string_view worker) const { return workers_.find(worker) != workers_.end(); }
  bool is_usable(std::string_view worker) const;

  void give(const TaskId& task, std::string_view worker, Wants wants);
  bool knows(const TaskId& task) const { return given_.find(task) != given_.end(); }
  // Somebody is to watch for its end; false: somebody does, or it is not known.
  bool begin_watch(const TaskId& task);
  void move(const TaskId& task, std::string_view worker);
  void end(const TaskId& task);

  struct Stray {
    TaskId task;
    std::string worker;
    Wants wants;
  };
  std::vector<Stray> strays() const;  // tasks of workers that are not usable
  std::vector<PoolWorker> list() const;
  std::size_t usable() const;
  std::size_t size() const noexcept { return workers_.size(); }
  std::size_t tasks() const noexcept { return given_.size(); }

 private:
  struct Member {
    SharedNames capabilities;
    std::uint32_t slots = 1;
    bool usable = false;
    std::uint32_t load = 0;  // tasks given
  };
  struct Given {
    std::string worker;
    Wants wants;
    bool watched = false;
  };
  static bool fits(std::string_view worker, const Member& member, const Wants& wants, Room room);
  void count(std::string_view worker, int change);

  std::map<std::string, Member, std::less<>> workers_;
  std::unordered_map<TaskId, Given> given_;
};

}  // namespace controlplane
