#include "engine/event.hpp"

#include <fmt/format.h>

#include "base/json_text.hpp"
#include "engine/event_wire.hpp"

namespace controlplane {
namespace {

// A JSON object grown member by member; keys are ours and need no escaping.
class Object {
 public:
  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    append_json_string(out_, value);
  }
  template <class Number>
  void number(std::string_view key, Number value) {
    begin(key);
    fmt::format_to(std::back_inserter(out_), "{}", value);  // bool, too: true or false
  }
  std::string finish() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  void begin(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    out_.append(1, '"').append(key).append("\":");
  }
  std::string out_ = "{";
};

// What the text of an event is: why something failed, or a remark.
std::string_view text_key(EventType type) {
  switch (type) {
    case EventType::task_retrying:
    case EventType::task_failed:
    case EventType::task_timeout:
    case EventType::agent_unhealthy:
    case EventType::agent_degraded:
      return "error";
    default:
      return "note";
  }
}

std::string_view count_key(EventType type) {
  switch (type) {
    case EventType::document_put:
    case EventType::document_deleted:
    case EventType::document_expired:
      return "version";
    case EventType::permit_acquired:
    case EventType::permit_released:
    case EventType::permit_settled:
    case EventType::permit_expired:
      return "amount";
    case EventType::log_trimmed: return "first_seq";
    case EventType::log_removed: return "last_seq";
    default:
      return "count";
  }
}

std::string data_of(const EventDraft& f) {
  Object object;
  if (f.attempt != 0) object.number("attempt", f.attempt);
  object.text(f.fence != 0 ? "owner" : "agent_id", f.agent);
  object.text("reason", to_string(f.reason));
  object.text("kind", f.kind);
  object.text(text_key(f.type), f.text);
  if (f.will_retry) object.number("will_retry", *f.will_retry);
  if (f.until != 0) object.number("until", f.until);
  if (f.fraction) object.number("fraction", *f.fraction);
  object.text("ref", f.other);
  if (f.count != 0) object.number(count_key(f.type), f.count);
  if (f.fence != 0) object.number("fence", f.fence);
  return object.finish();
}

}  // namespace

Event decode_event(const LogTable::Entry& entry, std::string_view tenant) {
  const event_wire::View view = event_wire::view(entry.bytes);
  Event event;
  event.seq = entry.seq;
  event.time = entry.time;
  event.tenant = tenant;
  event.type = to_string(view.fields.type);
  event.subject = view.is_task ? TaskId(view.task).str() : std::string(view.fields.subject);
  event_wire::for_labels(view.labels, [&event](std::string_view key, std::string_view value) {
    event.labels.emplace_back(key, value);
    return true;
  });
  event.data = data_of(view.fields);
  event.trace = view.fields.trace;
  return event;
}

}  // namespace controlplane
