// Documents, logs and messages, as Python classes.
#include "bindings.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

// A bound of the log as a field of it.
template <auto member>
Field<LogInfo> bound_field(const char* name, const char* doc) {
  return {name, doc, [](const LogInfo& it) { return to_python(it.bounds.*member); },
          [](LogInfo& it, const char* what, py::handle from) {
            assign(it.bounds.*member, what, from);
          }};
}

}  // namespace

template <>
const std::vector<Field<Document>>& fields_of<Document>() {
  using T = Document;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::key>("key", "Its name."),
      field<&T::value>("value", "What was put."),
      field<&T::version>("version",
                         "Grows with every change of the key, and is never used twice for it."),
      time_field<&T::created_at>("created_at", "When it was put first."),
      time_field<&T::updated_at>("updated_at", "When it was put last."),
      time_field<&T::expires_at>("expires_at", "When it removes itself; None: never."),
      optional_field<&T::unreadable>("unreadable",
                                     "In a list: why the value could not be decrypted and is None."),
  };
  return *fields;
}

template <>
const std::vector<Field<DocumentChange>>& fields_of<DocumentChange>() {
  using T = DocumentChange;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::kind>("kind", "A ChangeKind."),
      field<&T::key>("key", "The document's."),
      field<&T::version>("version", "The new one; of a document that is gone its last."),
      time_field<&T::time>("time", "When it happened."),
      field<&T::seq>("seq", "Of its event; resume a watch after it."),
  };
  return *fields;
}

template <>
const std::vector<Field<LogEntry>>& fields_of<LogEntry>() {
  using T = LogEntry;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::seq>("seq", "Its number: gapless in its log, and never used twice for that name."),
      time_field<&T::time>("time", "When it was appended."),
      field<&T::value>("value", "What was appended."),
  };
  return *fields;
}

template <>
const std::vector<Field<LogInfo>>& fields_of<LogInfo>() {
  using T = LogInfo;
  using B = LogBounds;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::name>("name", "Its name."),
      bound_field<&B::max_entries>("max_entries", "The oldest go when there are more."),
      bound_field<&B::max_bytes>("max_bytes", "The oldest go when they come to more."),
      bound_field<&B::max_age>("max_age", "What is older goes, in seconds; 0: never for its age."),
      field<&T::first_seq>("first_seq", "Of the entries there are; last_seq + 1: there is none."),
      field<&T::last_seq>("last_seq", "The last number that was given out."),
      field<&T::entries>("entries", "So many, now."),
      field<&T::bytes>("bytes", "Of the entries, now."),
      time_field<&T::created_at>("created_at", "When it was defined, or appended to, first."),
  };
  return *fields;
}

template <>
const std::vector<Field<Message>>& fields_of<Message>() {
  using T = Message;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::id>("id", "That of its task; a reply has that of its request."),
      field<&T::from>("from_", "The agent that sent it."),
      field<&T::to>("to", "The agent that it is for."),
      field<&T::type>("type", "As its sender named it."),
      field<&T::body>("body", "What was sent."),
      optional_field<&T::correlation_id>("correlation_id", "As its sender gave it, or None."),
      optional_field<&T::key_id>("key_id", "The key that signed it; None: it is unsigned."),
      time_field<&T::sent_at>("sent_at", "When it was sent."),
      field<&T::delivery>("delivery", "1: the first; 0: a reply."),
      time_field<&T::visible_at>(
          "visible_at", "Delivered again from then on, unless acknowledged or extended."),
      field<&T::lease>("lease", "Proof of this delivery."),
  };
  return *fields;
}

template <>
const std::vector<Field<SnapshotSummary>>& fields_of<SnapshotSummary>() {
  using T = SnapshotSummary;
  static const auto* const fields = new std::vector<Field<T>>{
      time_field<&T::taken_at>("taken_at", "What is in it is as it was then."),
      field<&T::agents>("agents", "Registered ones."),
      field<&T::tasks>("tasks", "In whatever state."),
      field<&T::documents>("documents", "Of shared state."),
      field<&T::logs>("logs", "Named ones."),
      field<&T::entries>("entries", "Of all logs."),
      field<&T::pools>("pools", "Of permits."),
      field<&T::permits>("permits", "That were out."),
      field<&T::events>("events", "Of the history."),
      field<&T::waiters>("waiters", "Who waited for permits."),
      field<&T::keys>("keys", "Of submits whose tasks are gone."),
      field<&T::lines>("lines", "Of the file."),
      field<&T::bytes>("bytes", "Of the file."),
      field<&T::sha256>("sha256", "Of all lines but the last one, in hexadecimal."),
  };
  return *fields;
}

void bind_mesh_values(py::module_& module) {
  bind_value<Document>(module, "aragora_cp.Document", "A versioned JSON value under a key.");
  bind_value<Message>(module, "aragora_cp.Message", "What an agent sent to another one.");
  bind_value<DocumentChange>(module, "aragora_cp.DocumentChange", "One change of one document.");
  bind_value<LogEntry>(module, "aragora_cp.LogEntry", "One entry of a log.");
  bind_value<LogInfo>(module, "aragora_cp.LogInfo", "A log, and how it stands.");
  bind_value<SnapshotSummary>(module, "aragora_cp.SnapshotSummary", "What a snapshot has.");
}

}  // namespace controlplane::python
