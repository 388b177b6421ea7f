// Snapshots as texts: a tenant that has something of most kinds, lines with sums that fit, refusals.
// Thread safety: as the coordinator's.
#pragma once

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/resources.hpp"
#include "controlplane/shared_state.hpp"
#include "controlplane/snapshot.hpp"
#include "coordinator/plane.hpp"
#include "mesh/snapshot_writer.hpp"

namespace controlplane {

inline TaskSpec work(std::string id = {}) {
  TaskSpec spec;
  spec.task_type = "work";
  spec.payload = R"({"n": 1})";
  spec.task_id = TaskId(id);
  return spec;
}

inline Result<std::optional<ClaimedTask>> claim(Coordinator& plane, std::string agent) {
  ClaimRequest request;
  request.agent_id = std::move(agent);
  return plane.claim_task(request);
}

inline void fill(Coordinator& plane) {
  AgentSpec agent;
  agent.agent_id = "worker";
  agent.capabilities = {"code"};
  agent.max_concurrency = 0;
  REQUIRE(plane.register_agent(agent));
  REQUIRE(plane.submit_task(work("a")));
  REQUIRE(plane.submit_task(work("b")));
  TaskSpec directed = work("mine");
  directed.agent_id = "worker";
  REQUIRE(plane.submit_task(directed));
  SharedState state(plane);
  REQUIRE(state.put("doc", R"({"x": [1, 2]})"));
  Resources resources(plane);
  PoolSpec pool;
  pool.name = "pool";
  pool.capacity = 3;
  REQUIRE(resources.define_pool(pool));
}

inline Result<SnapshotSummary> export_text(Coordinator& plane, std::string& text) {
  return Snapshots(plane).export_snapshot([&](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  });
}

// In pieces of at most `piece` bytes.
inline Result<SnapshotSummary> import_text(Coordinator& plane, std::string_view text,
                                    std::size_t piece = 1 << 20) {
  return Snapshots(plane).import_snapshot([&](char* to, std::size_t size) -> Result<std::size_t> {
    const std::string_view part = text.substr(0, std::min(size, piece));
    part.copy(to, part.size());
    text.remove_prefix(part.size());
    return part.size();
  });
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// With sums as if the rows had always been these.
inline std::string resealed(const std::vector<std::string>& lines) {
  std::string text;
  const Snapshots::Sink sink = [&](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  };
  SnapshotWriter writer(sink);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    std::string row = lines[i].substr(0, lines[i].size() - kSumBytes);
    REQUIRE(writer.add(row + "}\n"));
  }
  REQUIRE(writer.finish());
  return text;
}

inline std::string refusal_of(std::string_view text) {
  Plane p(StoreKind::memory);
  const auto read = import_text(p.plane, text);
  REQUIRE_FALSE(read);
  const Stats stats = p->get_stats().value();
  CHECK(stats.scheduler.submitted_total + stats.registry.total_agents + stats.documents.documents +
            stats.permits.pools + stats.events.last_seq ==
        0);
  CHECK(Snapshots(p.plane).import_snapshot("/dev/null").error().to_string() ==
        "invalid_argument: line 1: the file ends before its trailer");
  return read.error().to_string();
}

}  // namespace controlplane
