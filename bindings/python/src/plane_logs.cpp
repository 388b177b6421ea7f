// Logs: streams that many append to and read.
#include "controlplane/logs.hpp"
#include "convert.hpp"
#include "fast_method.hpp"
#include "pending.hpp"
#include "plane.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

Logs logs_of(Plane& plane) { return Logs(plane.use()); }

auto as_info() {
  return [](LogInfo&& log) { return held(std::move(log)); };
}

std::optional<std::uint64_t> whole_or_none(const char* what, py::handle value) {
  if (value.is_none()) return std::nullopt;
  return whole(what, value);
}

py::object log_append(Plane& plane, py::handle name, py::handle entry, py::handle operation_id) {
  Logs logs = logs_of(plane);
  const std::string_view operation =
      operation_id.is_none() ? std::string_view() : text_view("operation_id", operation_id);
  Json json = encode_json("entry", entry, plane.max_json_depth());
  return answered<std::uint64_t>(
      [&](Done<std::uint64_t> done) {
        logs.append(text_view("name", name), std::move(json), operation, std::move(done));
      },
      [](std::uint64_t seq) { return to_python(seq); });
}

// A read whose reader has left waits no more.
struct LeaveLog {
  Logs logs;
  std::string name;
  std::shared_ptr<std::uint64_t> ticket;  // of the read; written before anybody can leave
  void given_up() const noexcept { (void)logs.cancel_read(name, *ticket); }
  void operator()(const LogPage&) const noexcept {}
};

py::list entries_to_python(LogPage page) {
  py::list entries;
  for (LogEntry& entry : page.entries) entries.append(held(std::move(entry)));
  return entries;
}

// `wait`: None is as long as anybody may.
py::object log_read(Plane& plane, py::handle name, py::handle after, py::handle max_items,
                    py::handle wait) {
  const Logs logs = logs_of(plane);
  const auto longest = wait.is_none() ? plane.longest_wait() : duration("wait", wait);
  const auto read = [&](Done<LogPage> done) {
    return logs.read(text_view("name", name), whole("after", after), count("max_items", max_items),
                     longest, std::move(done));
  };
  if (longest.count() <= 0) return answered<LogPage>(read, entries_to_python);
  const auto ticket = std::make_shared<std::uint64_t>(0);
  return answered<LogPage>([&](Done<LogPage> done) { *ticket = read(std::move(done)); },
                           entries_to_python, LeaveLog{logs, text("name", name), ticket});
}

py::object log_define(Plane& plane, py::handle name, py::handle max_entries, py::handle max_bytes,
                      py::handle max_age) {
  const LogBounds bounds{whole("max_entries", max_entries), whole("max_bytes", max_bytes),
                         duration("max_age", max_age)};
  return answered<LogInfo>(
      [&](Done<LogInfo> done) {
        logs_of(plane).define(text_view("name", name), bounds, std::move(done));
      },
      as_info());
}

py::object log_trim(Plane& plane, py::handle name, py::handle before, py::handle max_entries,
                    py::handle max_bytes, py::handle max_age) {
  LogTrim trim;
  trim.before = whole_or_none("before", before);
  trim.max_entries = whole_or_none("max_entries", max_entries);
  trim.max_bytes = whole_or_none("max_bytes", max_bytes);
  if (!max_age.is_none()) trim.max_age = duration("max_age", max_age);
  return answered<std::uint64_t>(
      [&](Done<std::uint64_t> done) {
        logs_of(plane).trim(text_view("name", name), trim, std::move(done));
      },
      [](std::uint64_t dropped) { return to_python(dropped); });
}

py::object log_remove(Plane& plane, py::handle name) {
  return answered<bool>(
      [&](Done<bool> done) { logs_of(plane).remove(text_view("name", name), std::move(done)); },
      [](bool was_there) { return to_python(was_there); });
}

py::object log_get(Plane& plane, py::handle name) {
  return answered<LogInfo>(
      [&](Done<LogInfo> done) { logs_of(plane).get(text_view("name", name), std::move(done)); },
      as_info());
}

// A page as a tuple: its logs, and the cursor of the next one ("" = this was the last).
py::object log_list(Plane& plane, py::handle prefix, py::handle cursor, py::handle max_items) {
  const PageRequest page{text("cursor", cursor), count("max_items", max_items)};
  return answered<Page<LogInfo>>(
      [&](Done<Page<LogInfo>> done) {
        logs_of(plane).list(text_view("prefix", prefix), page, std::move(done));
      },
      [](Page<LogInfo> found) {
        py::list logs;
        for (LogInfo& log : found.items) logs.append(held(std::move(log)));
        return py::make_tuple(logs, found.next_cursor);
      });
}

}  // namespace

void bind_logs(PlaneClass& cls) {
  add_fast<&log_append>(cls, "log_append");
  add_fast<&log_read>(cls, "log_read");
  add_fast<&log_define>(cls, "log_define");
  add_fast<&log_trim>(cls, "log_trim");
  add_fast<&log_remove>(cls, "log_remove");
  add_fast<&log_get>(cls, "log_get");
  add_fast<&log_list>(cls, "log_list");
}

}  // namespace controlplane::python
