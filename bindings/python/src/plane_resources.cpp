// Resources: pools, and permits of them.
#include "controlplane/resources.hpp"
#include "convert.hpp"
#include "fast_method.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

Resources resources_of(Plane& plane) { return Resources(plane.use()); }

// A permit that nobody will hear of goes back; who waits for one does so no more.
struct GiveBackPermit {
  Resources resources;
  std::string operation_id;  // empty: it does not wait

  void given_up() const noexcept {
    auto from = resources;
    if (!operation_id.empty()) (void)from.cancel_acquire(operation_id);
  }
  void operator()(const Permit& permit) const noexcept {
    auto back = resources;
    back.release(permit, [](const Result<void>&) {});
  }
};

// A page as a tuple: its items, and the cursor of the next one ("" = this was the last).
template <class T>
py::object page_to_python(Page<T> page) {
  py::list items;
  for (T& item : page.items) items.append(held(std::move(item)));
  return py::make_tuple(items, page.next_cursor);
}

PermitRef permit_of(py::handle permit) { return value_of<Permit>(permit); }

// --- pools ---

auto as_pool() {
  return [](Pool&& pool) { return held(std::move(pool)); };
}

py::object define_pool(Plane& plane, py::handle name, py::handle kind, py::handle capacity,
                       py::handle first, py::handle last, py::handle period, py::handle weights) {
  PoolSpec spec;
  spec.name = text("name", name);
  spec.kind = enum_value<PoolKind>("kind", kind);
  spec.capacity = whole("capacity", capacity);
  spec.first = count("first", first);
  spec.last = count("last", last);
  spec.period = duration("period", period);
  if (!weights.is_none()) spec.weights = python::weights("weights", weights);
  return answered<Pool>(
      [&](Done<Pool> done) { resources_of(plane).define_pool(spec, std::move(done)); }, as_pool());
}

py::object remove_pool(Plane& plane, py::handle name) {
  return answered<bool>(
      [&](Done<bool> done) {
        resources_of(plane).remove_pool(text_view("name", name), std::move(done));
      },
      [](bool was_there) { return to_python(was_there); });
}

py::object get_pool(Plane& plane, py::handle name) {
  return answered<Pool>(
      [&](Done<Pool> done) {
        resources_of(plane).get_pool(text_view("name", name), std::move(done));
      },
      as_pool());
}

py::object list_pools(Plane& plane, py::handle prefix, py::handle cursor, py::handle max_items) {
  const PageRequest page{text("cursor", cursor), count("max_items", max_items)};
  return answered<Page<Pool>>(
      [&](Done<Page<Pool>> done) {
        resources_of(plane).list_pools(text_view("prefix", prefix), page, std::move(done));
      },
      page_to_python<Pool>);
}

py::object list_permits(Plane& plane, py::handle pool, py::handle cursor, py::handle max_items) {
  const PageRequest page{text("cursor", cursor), count("max_items", max_items)};
  return answered<Page<Permit>>(
      [&](Done<Page<Permit>> done) {
        resources_of(plane).list_permits(text_view("pool", pool), page, std::move(done));
      },
      page_to_python<Permit>);
}

// --- permits ---

// `wait`: None is as long as anybody may.
py::object acquire_permit(Plane& plane, py::handle needs, py::handle owner, py::handle ttl,
                          py::handle wait, py::handle priority, py::handle operation_id) {
  Resources resources = resources_of(plane);
  AcquireRequest request;
  request.needs = permit_needs("needs", needs);
  request.owner = text("owner", owner);
  request.ttl = duration("ttl", ttl);
  request.wait = wait.is_none() ? plane.longest_wait() : duration("wait", wait);
  request.priority = task_priority(priority);
  if (!operation_id.is_none()) request.operation_id = text("operation_id", operation_id);
  GiveBackPermit undo{resources, request.wait.count() > 0 ? request.operation_id : std::string()};
  return answered<Permit>(
      [&](Done<Permit> done) { resources.acquire(std::move(request), std::move(done)); },
      [](Permit&& permit) { return held(std::move(permit)); }, std::move(undo));
}

py::object renew_permit(Plane& plane, py::handle permit, py::handle ttl) {
  return answered<Timestamp>(
      [&](Done<Timestamp> done) {
        resources_of(plane).renew(permit_of(permit), duration("ttl", ttl), std::move(done));
      },
      time_to_python);
}

py::object release_permit(Plane& plane, py::handle permit) {
  return answered_void(
      [&](Done<void> done) { resources_of(plane).release(permit_of(permit), std::move(done)); });
}

py::object settle_permit(Plane& plane, py::handle permit, py::handle used) {
  return answered_void([&](Done<void> done) {
    resources_of(plane).settle(permit_of(permit), permit_needs("used", used), std::move(done));
  });
}

}  // namespace

void bind_resources(PlaneClass& cls) {
  add_fast<&define_pool>(cls, "define_pool");
  add_fast<&remove_pool>(cls, "remove_pool");
  add_fast<&get_pool>(cls, "get_pool");
  add_fast<&list_pools>(cls, "list_pools");
  add_fast<&list_permits>(cls, "list_permits");
  add_fast<&acquire_permit>(cls, "acquire_permit");
  add_fast<&renew_permit>(cls, "renew_permit");
  add_fast<&release_permit>(cls, "release_permit");
  add_fast<&settle_permit>(cls, "settle_permit");
}

}  // namespace controlplane::python
