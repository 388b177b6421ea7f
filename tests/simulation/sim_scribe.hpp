// Who keeps logs: appends entries, follows them as several readers, trims, removes and defines.
// Thread safety: none.
// Lifetime: lives as long as its world.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "controlplane/log_entry.hpp"
#include "controlplane/result.hpp"
#include "simulation/plan.hpp"

namespace controlplane {
class Coordinator;
}

namespace controlplane::simulation {

class World;

class SimScribe {
 public:
  explicit SimScribe(World& world);

  void act(Act act);
  void check_waiting() const;  // nothing is on its way: nobody waits for what is there
  static std::array<std::string, 3> logs();

 private:
  // Reads one log from where it is, and must never be led past an entry that it was not given.
  struct Reader {
    std::string log;
    std::uint64_t after = 0;
    bool reading = false;
  };

  Coordinator& plane();
  std::string some_log();
  void append();
  void read();
  void shape();
  void define(const std::string& log);
  void trim(const std::string& log);
  void took(Reader& reader, const LogPage& page);
  void failed(Reader& reader, const Error& error);

  World& world_;
  std::uint64_t written_ = 0;
  std::array<Reader, 4> readers_;
};

}  // namespace controlplane::simulation
