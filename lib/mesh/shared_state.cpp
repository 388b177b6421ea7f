#include "controlplane/shared_state.hpp"

#include <utility>

#include "controlplane/coordinator.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/validation.hpp"
#include "mesh/document_calls.hpp"

namespace controlplane {
namespace {

Checks checked_key(CoordinatorCore& core, std::string_view key) {
  Checks checks(core.limits());
  checks.name("key", key);
  return checks;
}

Checks checked_put(CoordinatorCore& core, std::string_view key, const Json& value,
                   const PutOptions& options) {
  const Limits& limits = core.limits();
  Checks checks = checked_key(core, key);
  checks.rule(!value.empty(), [&] { return "value of document " + std::string(key) + " is empty"; });
  checks.json("value", value, limits.max_document_bytes, "max_document_bytes");
  if (options.ttl) {
    checks.within("ttl", *options.ttl, std::chrono::milliseconds(0), limits.max_delay, "max_delay");
  }
  checks.optional_name("operation_id", options.operation_id);
  return checks;
}

}  // namespace

SharedState::SharedState(const Coordinator& plane) : core_(plane.core()) {}

Result<Document> SharedState::get(std::string_view key) const {
  Checks checks = checked_key(*core_, key);
  return core_->block(checks, GetDocumentCall(key));
}
void SharedState::get(std::string_view key, Done<Document> done) const {
  Checks checks = checked_key(*core_, key);
  core_->complete(checks, GetDocumentCall(key), std::move(done));
}

Result<std::uint64_t> SharedState::put(std::string_view key, Json value, const PutOptions& options) {
  auto stored = put_document(key, std::move(value), options);
  if (!stored) return std::move(stored.error());
  return stored->version;
}
Result<Document> SharedState::put_document(std::string_view key, Json value,
                                           const PutOptions& options) {
  Checks checks = checked_put(*core_, key, value, options);
  return core_->block(checks, PutDocumentCall(key, std::move(value), options));
}
void SharedState::put(std::string_view key, Json value, const PutOptions& options,
                      Done<std::uint64_t> done) {
  Checks checks = checked_put(*core_, key, value, options);
  core_->complete(checks, PutDocumentCall(key, std::move(value), options),
                  mapped<Document>(std::move(done), [](const Document& stored) { return stored.version; }));
}

Result<bool> SharedState::remove(std::string_view key,
                                 std::optional<std::uint64_t> expected_version) {
  Checks checks = checked_key(*core_, key);
  return core_->block(checks, RemoveDocumentCall(key, expected_version));
}
void SharedState::remove(std::string_view key, std::optional<std::uint64_t> expected_version,
                         Done<bool> done) {
  Checks checks = checked_key(*core_, key);
  core_->complete(checks, RemoveDocumentCall(key, expected_version), std::move(done));
}

Result<Page<Document>> SharedState::list(std::string_view prefix, const PageRequest& page) const {
  Checks checks(core_->limits());
  check_page(checks, prefix, page);
  return core_->block(checks, ListDocumentsCall(prefix, page));
}
void SharedState::list(std::string_view prefix, const PageRequest& page,
                       Done<Page<Document>> done) const {
  Checks checks(core_->limits());
  check_page(checks, prefix, page);
  core_->complete(checks, ListDocumentsCall(prefix, page), std::move(done));
}

}  // namespace controlplane
