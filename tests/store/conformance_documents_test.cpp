// Documents: versions, compare and set, time to live, order, and what repeats.
#include <map>

#include "base/entropy.hpp"
#include "store/conformance.hpp"

namespace controlplane::conformance {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

PutOptions lasting(seconds ttl) {
  PutOptions options;
  options.ttl = ttl;
  return options;
}

PutOptions named(std::string operation, std::optional<std::uint64_t> expected = {}) {
  PutOptions options;
  options.operation_id = std::move(operation);
  options.expected_version = expected;
  return options;
}

}  // namespace

CONFORMANCE_CASE("a document is what was put last, with a version that grows by one") {
  Plane plane(kind);
  CHECK_FALSE(plane.document("a"));
  CHECK(plane.put("a", R"({"x":1})") == "ok: 1");
  const Timestamp first = plane.now();
  plane.pass(kSecond);
  CHECK(plane.put("a", R"({"x":2})") == "ok: 2");
  CHECK(plane.put("b", "null") == "ok: 1");
  const Document a = *plane.document("a");
  CHECK(a.key == "a");
  CHECK(a.value == R"({"x":2})");
  CHECK(a.version == 2);
  CHECK(a.created_at == first);
  CHECK(a.updated_at == first + kSecond);
  CHECK(a.expires_at == 0);
}

CONFORMANCE_CASE("a put that expects another version changes nothing and names the current one") {
  Plane plane(kind);
  CHECK(plane.put_at("a", 1) == "conflict: there is no document a; version 1 was expected");
  CHECK(plane.put_at("a", 0) == "ok: 1");
  CHECK(plane.put_at("a", 0) == "conflict: document a has version 1; it was expected not to exist");
  CHECK(plane.put_at("a", 1, "2") == "ok: 2");
  CHECK(plane.put_at("a", 1, "3") == "conflict: document a has version 2; version 1 was expected");
  CHECK(plane.document("a")->value == "2");
  CHECK(plane.remove_document("a", 1) ==
        "conflict: document a has version 2; version 1 was expected");
  CHECK(plane.remove_document("a", 2) == "removed");
  CHECK(plane.stats().documents.conflicts_total == 4);
  CHECK(plane.new_types() == "document.put document.put document.deleted");
}

CONFORMANCE_CASE("what was read before a delete cannot pass for what was put after it") {
  Plane plane(kind);
  plane.put("a");
  plane.put("a");
  CHECK(plane.remove_document("a") == "removed");
  CHECK(plane.put_at("a", 2) == "conflict: there is no document a; version 2 was expected");
  CHECK(plane.put_at("a", 0) == "ok: 3");
  CHECK(plane.put("b") == "ok: 3");  // a lower one would do; that it grows is what is promised
  plane.put("b", "1", lasting(seconds(1)));
  plane.pass(kSecond);
  CHECK(plane.put_at("b", 4) == "conflict: there is no document b; version 4 was expected");
  CHECK(plane.put("b") == "ok: 5");
}

CONFORMANCE_CASE("deleting what is not there is no error, whatever was expected") {
  Plane plane(kind);
  CHECK(plane.remove_document("a") == "absent");
  CHECK(plane.remove_document("a", 7) == "absent");
  CHECK(plane.new_types().empty());
}

CONFORMANCE_CASE("a put that names itself is done once, however often it comes") {
  Plane plane(kind);
  CHECK(plane.put("a", "1", named("op1", 0)) == "ok: 1");
  CHECK(plane.put("a", "1", named("op1", 0)) == "ok: 1");
  CHECK(plane.put("a", "2", named("op1", 0)) ==
        "already_exists: operation op1 has put another value into document a");
  CHECK(plane.put("a", "2", named("op2")) == "ok: 2");
  CHECK(plane.put("a", "2", named("op2")) == "ok: 2");
  CHECK(plane.new_types() == "document.put document.put");
  // Somebody put since: what the first one did is gone, and an unconditional one is done again.
  CHECK(plane.put("a", "1", named("op1", 0)) ==
        "conflict: document a has version 2; it was expected not to exist");
  CHECK(plane.put("b", "2", named("op2")) == "ok: 1");
}

CONFORMANCE_CASE("a put that names a digest is repeated with that, whatever its value looks like") {
  Plane plane(kind);
  CHECK(plane.put("a", "\"x\"", named("op1"), 7) == "ok: 1");
  CHECK(plane.put("a", "\"y\"", named("op1"), 7) == "ok: 1");
  CHECK(plane.document("a")->value == "\"x\"");
  CHECK(plane.put("a", "\"x\"", named("op1"), 8) ==
        "already_exists: operation op1 has put another value into document a");
  CHECK(plane.put("a", "\"y\"", named("op2"), 7) == "ok: 2");
}

CONFORMANCE_CASE("a document expires at its time, touched or not") {
  Plane plane(kind);
  plane.put("touched", "1", lasting(seconds(10)));
  plane.put("untouched", "1", lasting(seconds(10)));
  plane.put("kept", "1");
  plane.new_types();
  plane.pass(10 * kSecond - 1);
  CHECK(plane.advance_all() == 0);
  CHECK(plane.document("touched")->expires_at == plane.now() + 1);
  plane.pass(1);
  CHECK(plane.listed_documents("") == "kept");
  CHECK_FALSE(plane.document("touched"));
  CHECK(plane.new_types() == "document.expired");
  CHECK(plane.advance_all() == 1);
  CHECK(plane.new_types() == "document.expired");
  CHECK(plane.stats().documents.documents == 1);
  CHECK(plane.stats().documents.expired_total == 2);
}

CONFORMANCE_CASE("a put without a time to live leaves the expiry as it is") {
  Plane plane(kind);
  plane.put("a", "1", lasting(seconds(10)));
  plane.pass(5 * kSecond);
  plane.put("a", "2");
  CHECK(plane.document("a")->expires_at == plane.now() + 5 * kSecond);
  plane.put("a", "3", lasting(seconds(60)));
  CHECK(plane.document("a")->expires_at == plane.now() + kMinute);
  plane.put("a", "4", lasting(seconds(0)));
  CHECK(plane.document("a")->expires_at == 0);
  CHECK(plane.advance_all(kHour) == 0);
  CHECK(plane.document("a")->version == 4);
}

CONFORMANCE_CASE("a list gives the documents under a prefix in the order of their keys") {
  Plane plane(kind);
  for (const char* key : {"b/2", "a", "b/1", "b", "b0", "c", "b/10"}) plane.put(key);
  CHECK(plane.listed_documents("") == "a b b/1 b/10 b/2 b0 c");
  CHECK(plane.listed_documents("b") == "b b/1 b/10 b/2 b0");
  CHECK(plane.listed_documents("b/") == "b/1 b/10 b/2");
  CHECK(plane.listed_documents("x").empty());
}

CONFORMANCE_CASE("a page goes on where the last one ended, whatever came and went meanwhile") {
  Plane plane(kind);
  for (const char* key : {"a", "b", "c", "d"}) plane.put(key);
  PageRequest request;
  request.max_items = 2;
  Page<Document> page = plane.list_documents("", request);
  CHECK(page.next_cursor == "b");
  plane.remove_document("b");
  plane.remove_document("c");
  plane.put("bb");
  plane.put("aa");
  request.cursor = page.next_cursor;
  page = plane.list_documents("", request);
  REQUIRE(page.items.size() == 2);
  CHECK(page.items[0].key == "bb");
  CHECK(page.items[1].key == "d");
  CHECK(page.next_cursor.empty());
}

CONFORMANCE_CASE("the events of a document carry its version, and a prefix selects them") {
  Plane plane(kind);
  plane.put("team/a");
  plane.put("team/a");
  plane.put("teams");
  plane.remove_document("team/a");
  plane.submit("team-task");
  EventFilter filter;
  filter.subject = "team/*";
  const ReadEvents read = plane.read_events(0, 100, filter);
  REQUIRE(read.events.size() == 3);
  CHECK(read.events[0].subject == "team/a");
  CHECK(read.events[1].type == "document.put");
  CHECK(read.events[1].data == R"({"version":2})");
  CHECK(read.events[2].type == "document.deleted");
  CHECK(read.events[2].data == R"({"version":2})");
  filter.subject = "team*";
  CHECK(plane.read_events(0, 100, filter).events.size() == 5);
}

CONFORMANCE_CASE("documents answer as a plain map does, whatever happens in whatever order") {
  struct Known {
    std::string value;
    std::uint64_t version = 0;
    Timestamp expires = 0;
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Plane plane(kind);
    SeededEntropy dice(seed);
    std::map<std::string, Known> model;
    std::map<std::string, std::uint64_t> highest;
    for (int i = 0; i < 400; ++i) {
      const std::string key = "k" + std::to_string(dice.next() % 5);
      const Known* known = model.count(key) != 0 ? &model[key] : nullptr;
      const std::uint64_t roll = dice.next() % 10;
      if (roll < 5) {
        PutOptions options;
        if (dice.next() % 2 == 0) options.expected_version = known != nullptr ? known->version : 0;
        if (dice.next() % 8 == 0) options.expected_version = dice.next() % 50;
        if (dice.next() % 3 == 0) options.ttl = seconds(dice.next() % 4);
        const std::string value = std::to_string(i);
        const std::string answer = plane.put(key, value, options);
        const bool agrees = !options.expected_version ||
                            *options.expected_version == (known != nullptr ? known->version : 0);
        CHECK((answer.substr(0, 2) == "ok") == agrees);
        if (!agrees) continue;
        const std::uint64_t version = std::stoull(answer.substr(4));
        CHECK(version > highest[key]);
        if (known != nullptr) CHECK(version == known->version + 1);
        const Timestamp expires = !options.ttl ? (known != nullptr ? known->expires : 0)
                                  : options.ttl->count() == 0
                                      ? 0
                                      : plane.now() + options.ttl->count() * kMs;
        model[key] = {value, highest[key] = version, expires};
      } else if (roll < 6) {
        CHECK(plane.remove_document(key) == (known != nullptr ? "removed" : "absent"));
        model.erase(key);
      } else if (roll < 8) {
        const auto document = plane.document(key);
        CHECK(document.has_value() == (known != nullptr));
        if (document && known != nullptr) CHECK(document->value == known->value);
      } else {
        plane.pass(static_cast<std::int64_t>(dice.next() % 2'000) * kMs);
        if (roll == 9) plane.advance();
        std::erase_if(model, [&](const auto& item) {
          return item.second.expires != 0 && item.second.expires <= plane.now();
        });
      }
      std::string keys;
      for (const auto& item : model) keys += (keys.empty() ? "" : " ") + item.first;
      CHECK(plane.listed_documents("k") == keys);
    }
  }
}

}  // namespace controlplane::conformance
