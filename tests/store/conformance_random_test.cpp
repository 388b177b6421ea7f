// Random operations on few tasks, agents, keys and capabilities, so that everything meets
// everything; the fixture audits the tables after each. A failure names its seed.
#include "store/walk.hpp"

namespace controlplane::conformance {

CONFORMANCE_CASE("whatever happens in whatever order, the tables stay sound and every task ends") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    NamespaceOptions options;
    if (seed % 2 == 0) options.ageing_interval_us = 10 * kSecond;
    if (seed % 3 == 0) options.limits.max_queues = 3;
    if (seed % 5 == 0) options.limits.max_tasks = 30;
    if (seed % 4 == 0) options.retention.max_age = std::chrono::minutes(2);
    Walk walk(kind, options, seed);
    for (int i = 0; i < 300; ++i) walk.step();
    walk.check_history();
    walk.finish();
  }
}

}  // namespace controlplane::conformance
