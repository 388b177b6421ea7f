// The unit that loops and pools run, and how they survive one that throws.
// Thread safety: values and free functions.
// Errors: run_guarded lets nothing escape.
#pragma once

#include <exception>
#include <functional>
#include <string_view>

#include "runtime/unique_function.hpp"

namespace controlplane {

using Work = UniqueFunction<void()>;

// Hears of work that threw, on the thread that ran it. Must not throw or block. Whoever logs from
// it makes sure that a failing log sink does not report itself.
using FailureHook = std::function<void(std::string_view what)>;

void report_failure(const FailureHook& hook, std::string_view what) noexcept;

// Runs `call`; true if it returned, false if it threw, which is then reported.
template <class Call>
bool run_guarded(const FailureHook& hook, Call&& call) noexcept {
  try {
    call();
    return true;
  } catch (const std::exception& e) {
    report_failure(hook, e.what());
  } catch (...) {
    report_failure(hook, "unknown exception");
  }
  return false;
}

}  // namespace controlplane
