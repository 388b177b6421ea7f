#include "runtime/work.hpp"

namespace controlplane {

void report_failure(const FailureHook& hook, std::string_view what) noexcept {
  if (!hook) return;
  try {
    hook(what);
  } catch (...) {  // a hook that throws has nobody left to tell
  }
}

}  // namespace controlplane
