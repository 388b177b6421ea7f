#include "engine/row_record.hpp"

#include <string>

#include "catch.hpp"
#include "engine/row_json.hpp"
#include "engine/row_lines.hpp"

namespace controlplane {
namespace {

TaskRow full_task() {
  TaskRow row;
  row.id = TaskId("named");
  row.named = true;
  row.serial = 300;
  row.type.text = "work";
  row.state = TaskState::running;
  row.submitted_at = 1'700'000'000'000'000;
  row.required = {{"a"}, {"b"}};
  row.needs = {{{"pool"}, 3}};
  row.backoff = 1.5;
  row.depends_on = {TaskId(TaskId::Uuid{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 9}), TaskId("other")};
  row.fingerprint = Fingerprint{1, 2, 3};
  row.labels = {{{"k"}, {"\xc3\xb6\"\n"}}};
  row.payload.text = "{\"a\":\n[1]}";
  AttemptRow& attempt = row.attempt.emplace();
  attempt.number = 2;
  attempt.nonce.value = UINT64_MAX;
  attempt.agent.text = "agent";
  attempt.fraction = 0.25;
  attempt.note.text = "half way";
  return row;
}

std::string line_of(TaskRow& row) {
  RowBuffer out;
  append_row(out, row);
  out.append('\n');
  return std::string(out.text());
}

TEST_CASE("a record comes back as the row that it was") {
  TaskRow row = full_task();
  RowBuffer frames;
  append_framed(frames, row);
  TaskRow small;
  append_framed(frames, small);
  RowBuffer lines;
  append_lines(lines, frames.text());
  CHECK(lines.text() == line_of(row) + line_of(small));
}

TEST_CASE("a record that is cut, too long or changed is refused or read, and harms nobody") {
  TaskRow row = full_task();
  RowBuffer out;
  append_record(out, row);
  const std::string whole(out.text());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("size " << size);
    const std::string cut = whole.substr(0, size);  // of its own memory, for the sanitizer
    TaskRow read;
    CHECK_FALSE(read_record(cut, read));
  }
  TaskRow longer;
  CHECK_FALSE(read_record(whole + "x", longer));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ flip);
      TaskRow read;
      (void)read_record(changed, read);
    }
  }
}

}  // namespace
}  // namespace controlplane
