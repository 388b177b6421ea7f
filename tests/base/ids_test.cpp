#include "base/ids.hpp"

#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

#include "catch.hpp"

using namespace controlplane;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'123'456;
constexpr const char* kText = "task_018bcfe5-687b-7abc-9def-0123456789ab";

}  // namespace

TEST_CASE("a made id is a UUIDv7 with the time in front") {
  SeededEntropy entropy(1);
  const auto uuid = IdMaker(entropy).next(kNow);
  CHECK(load_be64(uuid.data()) >> 16 == kNow / 1000);
  CHECK(uuid[6] >> 4 == 7);
  CHECK(uuid[8] >> 6 == 2);
}

TEST_CASE("ids of one maker carry consecutive counters and one origin") {
  SeededEntropy entropy(2);
  IdMaker maker(entropy);
  const auto first = maker.next(kNow);
  for (std::uint32_t i = 1; i <= 5'000; ++i) {
    const auto uuid = maker.next(kNow + i);
    REQUIRE(counter_of(uuid) == counter_of(first) + i);
    REQUIRE(origin_of(uuid) == origin_of(first));
    REQUIRE(uuid > first);
  }
}

TEST_CASE("the origin differs between makers and after a while") {
  SeededEntropy entropy(3);
  IdMaker a(entropy);
  IdMaker b(entropy);
  const auto id = a.next(kNow);
  CHECK(origin_of(id) != origin_of(b.next(kNow)));
  CHECK(origin_of(id) != origin_of(a.next(kNow + 70'000'000)));
}

TEST_CASE("threads never get the same id of one maker") {
  SystemEntropy entropy;
  IdMaker maker(entropy);
  std::vector<TaskId::Uuid> ids[2];
  const auto make = [&maker](std::vector<TaskId::Uuid>& out) {
    for (int i = 0; i < 5'000; ++i) out.push_back(maker.next(kNow));
  };
  std::thread other([&] { make(ids[1]); });
  make(ids[0]);
  other.join();
  std::set<TaskId::Uuid> all(ids[0].begin(), ids[0].end());
  all.insert(ids[1].begin(), ids[1].end());
  CHECK(all.size() == 10'000);
}

TEST_CASE("a made id survives its text") {
  const TaskId id(kText);
  CHECK(id.is_made());
  CHECK(id.own_text().empty());
  CHECK(id.str() == kText);
  CHECK(TaskId(id.uuid()) == id);
  CHECK(TaskId(TaskId(TaskId::Uuid{}).str()) == TaskId(TaskId::Uuid{}));
}

TEST_CASE("anything but the canonical form is the caller's own text") {
  const auto text = GENERATE(as<std::string>(), "task-001", "", "task_",
                             "task_018BCFE5-687b-7abc-9def-0123456789ab",
                             "task_018bcfe5-687b-7abc-9def-0123456789a",
                             "task_018bcfe5-687b-7abc-9def-0123456789abc",
                             "task_018bcfe5_687b-7abc-9def-0123456789ab",
                             "task_018bcfe5-687b-7abc-9def-0123456789ag",
                             "task_018bcfe5-687b-7abc-9def-012345678-ab",
                             "Task_018bcfe5-687b-7abc-9def-0123456789ab",
                             "op_018bcfe5-687b-7abc-9def-0123456789abaa");
  const TaskId id(text);
  CHECK_FALSE(id.is_made());
  CHECK(id.str() == text);
  CHECK(id.own_text() == text);
  CHECK(id.uuid() == TaskId::Uuid{});
  CHECK(id.empty() == text.empty());
}

TEST_CASE("every byte at every place survives its text") {
  for (std::size_t place = 0; place < 16; ++place) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      TaskId::Uuid uuid{};
      uuid[place] = static_cast<std::uint8_t>(byte);
      const std::string text = TaskId(uuid).str();
      REQUIRE(TaskId(text).is_made());
      REQUIRE(TaskId(text).uuid() == uuid);
    }
  }
}

TEST_CASE("one wrong character at any place makes a text the caller's own") {
  const std::string digits = "0123456789abcdef";
  for (std::size_t place = 5; place < std::string(kText).size(); ++place) {
    for (int byte = 1; byte < 256; ++byte) {
      std::string text = kText;
      const bool is_dash = text[place] == '-';
      text[place] = static_cast<char>(byte);
      const bool fits = is_dash ? byte == '-' : digits.find(text[place]) != std::string::npos;
      REQUIRE(TaskId(text).is_made() == fits);
      REQUIRE(TaskId(text).str() == text);
    }
  }
}

TEST_CASE("hashes of ids find them again") {
  SeededEntropy entropy(4);
  IdMaker maker(entropy);
  std::unordered_set<TaskId> set;
  for (int i = 0; i < 1'000; ++i) set.insert(TaskId(maker.next(kNow)));
  set.insert("task-001");
  CHECK(set.size() == 1'001);
  CHECK(set.count(TaskId("task-001")) == 1);
  CHECK(set.count(TaskId("task-002")) == 0);
}

TEST_CASE("an operation id is a prefixed UUID") {
  SeededEntropy entropy(5);
  const std::string id = make_operation_id(entropy, kNow);
  CHECK(id.substr(0, 3) == "op_");
  CHECK(TaskId("task_" + id.substr(3)).is_made());
  CHECK(make_operation_id(entropy, kNow) != id);
}
