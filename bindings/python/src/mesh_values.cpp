// Documents, as Python classes.
#include "bindings.hpp"
#include "value.hpp"

namespace controlplane::python {

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

void bind_mesh_values(py::module_& module) {
  bind_value<Document>(module, "aragora_cp.Document", "A versioned JSON value under a key.");
  bind_value<DocumentChange>(module, "aragora_cp.DocumentChange", "One change of one document.");
}

}  // namespace controlplane::python
