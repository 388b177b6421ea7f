// Shared state: documents that many read and change.
#include "controlplane/shared_state.hpp"
#include "convert.hpp"
#include "fast_method.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

SharedState state_of(Plane& plane) { return SharedState(plane.use()); }

std::optional<std::uint64_t> version_or_none(py::handle version) {
  if (version.is_none()) return std::nullopt;
  return whole("expected_version", version);
}

py::object state_get(Plane& plane, py::handle key) {
  return answered<Document>(
      [&](Done<Document> done) { state_of(plane).get(text_view("key", key), std::move(done)); },
      [](Document&& document) { return held(std::move(document)); });
}

py::object state_put(Plane& plane, py::handle key, py::handle value, py::handle expected_version,
                     py::handle ttl, py::handle operation_id) {
  SharedState state = state_of(plane);
  PutOptions options{version_or_none(expected_version), {}, {}};
  if (!ttl.is_none()) options.ttl = duration("ttl", ttl);
  if (!operation_id.is_none()) options.operation_id = text("operation_id", operation_id);
  Json json = encode_json("value", value, plane.max_json_depth());
  return answered<std::uint64_t>(
      [&](Done<std::uint64_t> done) {
        state.put(text_view("key", key), std::move(json), options, std::move(done));
      },
      [](std::uint64_t version) { return to_python(version); });
}

py::object state_remove(Plane& plane, py::handle key, py::handle expected_version) {
  SharedState state = state_of(plane);
  return answered<bool>(
      [&](Done<bool> done) {
        state.remove(text_view("key", key), version_or_none(expected_version), std::move(done));
      },
      [](bool was_there) { return to_python(was_there); });
}

// A page as a tuple: its documents, and the cursor of the next one ("" = this was the last).
py::object state_list(Plane& plane, py::handle prefix, py::handle cursor, py::handle max_items) {
  SharedState state = state_of(plane);
  const PageRequest page{text("cursor", cursor), count("max_items", max_items)};
  return answered<Page<Document>>(
      [&](Done<Page<Document>> done) {
        state.list(text_view("prefix", prefix), page, std::move(done));
      },
      [](Page<Document> found) {
        py::list documents;
        for (Document& document : found.items) documents.append(held(std::move(document)));
        return py::make_tuple(documents, found.next_cursor);
      });
}

}  // namespace

void bind_state(PlaneClass& cls) {
  add_fast<&state_get>(cls, "state_get");
  add_fast<&state_put>(cls, "state_put");
  add_fast<&state_remove>(cls, "state_remove");
  add_fast<&state_list>(cls, "state_list");
}

}  // namespace controlplane::python
