// Shared state: JSON documents that many agents read and change, by compare and set.
// Thread safety: every method may be called from any thread; copies share the coordinator.
// Lifetime: made from a Coordinator; after that closed, operations answer cancelled.
// Errors: returned, never thrown. Keys and prefixes are names; values are JSON of at most
// max_document_bytes. A document of another tenant is not_found.
// Blocking and completion forms: as in agent_registry.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/agent_registry.hpp"
#include "controlplane/document.hpp"
#include "controlplane/event.hpp"
#include "controlplane/health_monitor.hpp"
#include "controlplane/result.hpp"

namespace controlplane {

class Coordinator;
class CoordinatorCore;

class SharedState {
 public:
  explicit SharedState(const Coordinator& plane);

  // not_found: there is none, or it has expired.
  Result<Document> get(std::string_view key) const;
  void get(std::string_view key, Done<Document> done) const;

  // Answers the new version. conflict: it has another version than expected, which the message
  // names. already_exists: the operation id was used for another value. resource_exhausted:
  // max_documents, max_documents_bytes.
  Result<std::uint64_t> put(std::string_view key, Json value, const PutOptions& options = {});
  void put(std::string_view key, Json value, const PutOptions& options, Done<std::uint64_t> done);

  // False: there was none. conflict: it has another version than expected.
  Result<bool> remove(std::string_view key, std::optional<std::uint64_t> expected_version = {});
  void remove(std::string_view key, std::optional<std::uint64_t> expected_version, Done<bool> done);

  // Those whose keys begin with `prefix`, in the order of their keys.
  Result<Page<Document>> list(std::string_view prefix = {}, const PageRequest& page = {}) const;
  void list(std::string_view prefix, const PageRequest& page, Done<Page<Document>> done) const;

  // Puts what `change` makes of the document (null: there is none), again and again until nobody
  // came between, with growing, jittered pauses; answers the document as it is then. An empty Json
  // leaves it as it is, an error is answered. Runs `change` on the caller's thread, once or more.
  // conflict: still contended after max_tries. Blocks: failed_precondition on the loop thread.
  using Change = std::function<Result<Json>(const Document* current)>;
  Result<Document> update(std::string_view key, const Change& change,
                          const UpdateOptions& options = {});

  // Changes of the documents whose keys begin with `prefix`, in order, on the callback pool, from
  // now on or after the event `after`. `missed` changes were too many for the buffer: read anew.
  // Errors: those of Coordinator::subscribe.
  using WatchHandler = std::function<void(const std::vector<DocumentChange>&, std::uint64_t missed)>;
  Result<Subscription> watch(std::string_view prefix, WatchHandler handler, std::uint64_t after = 0);

 private:
  // Answers what is stored, without key and value.
  Result<Document> put_document(std::string_view key, Json value, const PutOptions& options);

  std::shared_ptr<CoordinatorCore> core_;
};

}  // namespace controlplane
