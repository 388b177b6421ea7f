// SharedState::watch: changes of documents from the history of events.
#include <algorithm>
#include <utility>

#include <simdjson.h>

#include "controlplane/coordinator.hpp"
#include "controlplane/shared_state.hpp"
#include "coordinator/coordinator_core.hpp"
#include "engine/event_type.hpp"

namespace controlplane {
namespace {

DocumentChange::Kind kind_of(std::string_view type) {
  if (type == to_string(EventType::document_put)) return DocumentChange::Kind::put;
  if (type == to_string(EventType::document_deleted)) return DocumentChange::Kind::deleted;
  return DocumentChange::Kind::expired;
}

DocumentChange change_of(const Event& event, simdjson::dom::parser& parser) {
  DocumentChange change;
  change.kind = kind_of(event.type);
  change.key = event.subject;
  change.time = event.time;
  change.seq = event.seq;
  const std::string_view data = event.data.text();
  if (parser.parse(data.data(), data.size())["version"].get(change.version)) change.version = 0;
  return change;
}

SubscribeOptions changes_under(std::string_view prefix, std::uint64_t after,
                               const Limits& limits) {
  SubscribeOptions options;
  options.filter.types = {"document.*"};
  options.filter.subject = std::string(prefix) + "*";
  options.after = after;
  options.buffer = std::min(options.buffer, limits.max_subscription_buffer);
  return options;
}

}  // namespace

Result<Subscription> SharedState::watch(std::string_view prefix, WatchHandler handler,
                                        std::uint64_t after) {
  Checks checks(core_->limits());
  checks.optional_name("prefix", prefix);
  checks.rule(handler != nullptr, [] { return "handler is empty"; });
  if (!checks.ok()) return checks.take();
  return core_->subscribe(changes_under(prefix, after, core_->limits()),
                          [handler = std::move(handler)](const EventBatch& batch) {
                            simdjson::dom::parser parser;
                            std::vector<DocumentChange> changes;
                            for (const Event& event : batch.events) {
                              changes.push_back(change_of(event, parser));
                            }
                            handler(changes, batch.missed);
                          });
}

}  // namespace controlplane
