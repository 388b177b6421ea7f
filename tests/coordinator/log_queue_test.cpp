#include "coordinator/log_queue.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "runtime/callback_pool.hpp"

namespace controlplane {
namespace {

using namespace std::chrono_literals;

LogRecord record(std::string message) {
  LogRecord made;
  made.message = std::move(message);
  return made;
}

struct Logged {
  static CallbackPoolOptions pumped() {
    CallbackPoolOptions options;
    options.pumped = true;
    return options;
  }
  explicit Logged(std::size_t max)
      : queue(std::make_shared<LogQueue>([this](const LogRecord& r) { hear(r); }, max)) {
    queue->attach(strand);
  }
  void hear(const LogRecord& heard) {
    records.push_back(heard);
    if (heard.message == "throw") throw std::runtime_error("sink");
  }

  CallbackPool pool{pumped()};
  std::shared_ptr<Strand> strand = pool.make_strand();
  std::vector<LogRecord> records;
  std::shared_ptr<LogQueue> queue;
};

TEST_CASE("records reach the sink in order, whatever it throws, and take one place in the pool") {
  Logged log(1'000);
  log.queue->push(record("throw"));
  for (int i = 1; i < 200; ++i) log.queue->push(record(std::to_string(i)));
  CHECK(log.pool.queued() == 1);
  log.pool.pump();
  REQUIRE(log.records.size() == 200);
  CHECK(log.records[199].message == "199");
  log.queue->flush(20s);  // at once
}

TEST_CASE("a sink may close its queue: it does not wait for itself and hears of nothing more") {
  CallbackPoolOptions pumped;
  pumped.pumped = true;
  CallbackPool pool(pumped);
  const auto strand = pool.make_strand();
  std::shared_ptr<LogQueue> queue;
  int heard = 0;
  queue = std::make_shared<LogQueue>(
      [&](const LogRecord&) {
        ++heard;
        queue->flush(1h);  // at once
        queue->close();
      },
      10);
  queue->attach(strand);
  queue->push(record("a"));
  queue->push(record("b"));
  pool.pump();
  CHECK(heard == 1);
}

TEST_CASE("beyond their bound records are dropped, and the sink is told how many") {
  Logged log(3);
  for (int i = 0; i < 10; ++i) log.queue->push(record(std::to_string(i)));
  log.pool.pump();
  REQUIRE(log.records.size() == 4);
  CHECK(log.records[2].message == "2");
  CHECK(log.records[3].level == LogLevel::warning);
  REQUIRE(log.records[3].fields.size() == 1);
  CHECK(log.records[3].fields.begin()->second == "7");
  log.queue->push(record("after"));
  log.pool.pump();
  CHECK(log.records.size() == 5);
}

}  // namespace
}  // namespace controlplane
