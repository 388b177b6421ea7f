// Digests of inputs: how repeats are recognised. What goes in, and in which order, may be stored:
// append only.
#include <bit>

#include "base/digest.hpp"
#include "coordinator/validation.hpp"

namespace controlplane {
namespace {

std::uint64_t number(std::chrono::milliseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

void add_all(Sha256& sha, const std::vector<std::string>& values) {
  sha.add(values.size());
  for (const std::string& value : values) sha.add(value);
}

void add_rules(Sha256& sha, const TaskSpec& spec) {
  const RetryPolicy& retry = spec.retry;
  sha.add(retry.max_retries ? static_cast<std::uint64_t>(*retry.max_retries) + 1 : 0);
  sha.add(number(retry.delay)).add(std::bit_cast<std::uint64_t>(retry.backoff));
  sha.add(number(retry.max_delay)).add(spec.timeout ? number(*spec.timeout) : 0);
  sha.add(number(spec.queue_timeout)).add(number(spec.total_timeout)).add(number(spec.delay));
}

}  // namespace

Fingerprint fingerprint_of(const TaskSpec& spec) {
  Sha256 sha;
  sha.add(spec.task_type).add(spec.payload.text());
  add_all(sha, spec.required_capabilities);
  sha.add(static_cast<std::uint64_t>(spec.priority));
  add_rules(sha, spec);
  sha.add(spec.task_id.str()).add(spec.idempotency_key).add(spec.agent_id);
  add_all(sha, spec.exclude);
  sha.add(spec.depends_on.size());
  for (const TaskId& parent : spec.depends_on) sha.add(parent.str());
  sha.add(spec.allow_failed_parents ? 1U : 0U).add(spec.concurrency_key);
  sha.add(spec.concurrency_limit).add(spec.metadata.text()).add(spec.labels.size());
  for (const auto& [key, value] : spec.labels) sha.add(key).add(value);
  if (!spec.needs.empty()) sha.add(spec.needs.size());
  for (const PermitNeed& need : spec.needs) sha.add(need.pool).add(need.amount);
  return sha.finish();
}

std::uint64_t digest_of(const Completion& completion) noexcept {
  return FieldDigest().add(completion.result.text()).add(completion.usage.text()).finish();
}

std::uint64_t digest_of(const Failure& failure) noexcept {
  return FieldDigest()
      .add(failure.error)
      .add(static_cast<std::uint64_t>(failure.kind))
      .add(static_cast<std::uint64_t>(failure.retry_after.count()))
      .add(failure.usage.text())
      .finish();
}

}  // namespace controlplane
