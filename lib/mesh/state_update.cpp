// SharedState::update: optimistic concurrency with bounded, jittered retries.
#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "controlplane/coordinator.hpp"
#include "controlplane/shared_state.hpp"
#include "coordinator/coordinator_core.hpp"

namespace controlplane {
namespace {

constexpr std::int64_t kFirstPauseUs = 20;
constexpr std::int64_t kLongestPauseUs = 10'000;

// "Full jitter": anything up to a bound that doubles with every try.
// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
void pause(std::uint32_t tries, Entropy& entropy) {
  const std::int64_t bound = std::min(kLongestPauseUs, kFirstPauseUs << std::min(tries, 20U));
  const auto us = static_cast<std::int64_t>(entropy.next() % static_cast<std::uint64_t>(bound));
  std::this_thread::sleep_for(std::chrono::microseconds(us));
}

PutOptions replacing(const Document* current, const UpdateOptions& options) {
  PutOptions put;
  put.expected_version = current == nullptr ? 0 : current->version;
  put.ttl = options.ttl;
  return put;
}

Error contended(std::string_view key, const UpdateOptions& options) {
  return Error::conflict(
      fmt::format("document {} was changed by others during each of max_tries ({}) tries", key,
                  options.max_tries));
}

}  // namespace

Result<Document> SharedState::update(std::string_view key, const Change& change,
                                     const UpdateOptions& options) {
  Checks checks(core_->limits());
  checks.rule(options.max_tries > 0, [] { return "max_tries is 0; it must be at least 1"; });
  if (!checks.ok()) return checks.take();
  for (std::uint32_t tries = 1; tries <= options.max_tries; ++tries) {
    Result<Document> got = get(key);
    if (!got && got.error().code != ErrorCode::not_found) return got;
    Document* const current = got ? &*got : nullptr;
    Result<Json> next = change(current);
    if (!next) return std::move(next.error());
    if (next->empty()) return got;
    const PutOptions put = replacing(current, options);
    if (auto stored = put_document(key, *next, put)) {
      stored->key = key;
      stored->value = *std::move(next);
      return stored;
    } else if (stored.error().code != ErrorCode::conflict) {
      return stored;
    }
    if (tries == options.max_tries) break;
    core_->state_retries().fetch_add(1, std::memory_order_relaxed);
    pause(tries, core_->calls().entropy());
  }
  return contended(key, options);
}

}  // namespace controlplane
