// review_fleet [path]: a fleet of agents reviews a checkout, while one of them is killed, one hangs
// and one has lost its tool. Ends with 0 if nothing was lost, 1 if something was, 2 if it could not
// run and 130 if it was interrupted.
#include <cstdio>
#include <cstdlib>

#include "child_process.hpp"
#include "interrupt.hpp"
#include "review_run.hpp"

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fputs("usage: review_fleet [path]\n", stderr);
    return 2;
  }
  // The programs shall speak as their output is read here.
  setenv("LC_ALL", "C", 1);  // NOLINT(concurrency-mt-unsafe): there are no threads yet

  review::ChildProcesses children;
  review::ReviewRun review(children);
  const review::Interrupt interrupt([&review] { review.interrupt(); });
  const auto ending = review.run(argc > 1 ? argv[1] : ".");
  if (!ending) {
    std::fprintf(stderr, "review_fleet: %s\n", ending.error().to_string().c_str());
    return 2;
  }
  switch (*ending) {
    case review::Ending::complete:
      return 0;
    case review::Ending::lost:
      return 1;
    case review::Ending::interrupted:
      std::puts("interrupted");
      return 130;
  }
  return 1;
}
