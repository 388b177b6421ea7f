#include "base/logger.hpp"

#include "catch.hpp"

using namespace controlplane;

TEST_CASE("a logger without a dispatcher is quiet") {
  const Logger logger;
  CHECK_FALSE(logger.enabled(LogLevel::error));
  CHECK_FALSE(Logger(LogLevel::debug, {}).enabled(LogLevel::error));
  logger.log(LogLevel::error, "nobody hears", {}, "", 1);
}

TEST_CASE("records at or above the level are dispatched whole") {
  std::vector<LogRecord> records;
  const Logger logger(LogLevel::warning, [&](LogRecord record) { records.push_back(record); });
  logger.log(LogLevel::info, "no", {}, "", 1);
  logger.log(LogLevel::warning, "agent offline", {{"agent_id", "a-1"}}, "trace-1", 42);
  REQUIRE(records.size() == 1);
  CHECK(records[0].message == "agent offline");
  CHECK(records[0].level == LogLevel::warning);
  CHECK(records[0].fields == Labels{{"agent_id", "a-1"}});
  CHECK(records[0].correlation_id == "trace-1");
  CHECK(records[0].time == 42);
}

TEST_CASE("level off dispatches nothing") {
  const Logger logger(LogLevel::off, [](const LogRecord&) { FAIL("dispatched"); });
  CHECK_FALSE(logger.enabled(LogLevel::error));
  CHECK_FALSE(logger.enabled(LogLevel::off));
  logger.log(LogLevel::off, "no", {}, "", 1);
}

TEST_CASE("log levels are read in any case") {
  CHECK(*parse_log_level("DEBUG") == LogLevel::debug);
  CHECK(*parse_log_level("Info") == LogLevel::info);
  CHECK(*parse_log_level("warn") == LogLevel::warning);
  CHECK(*parse_log_level("CRITICAL") == LogLevel::error);
  CHECK(*parse_log_level("off") == LogLevel::off);
  CHECK(parse_log_level("loud").error().message ==
        "log level \"loud\" is not known; it is debug, info, warning, error or off");
  CHECK_FALSE(parse_log_level(""));
  CHECK(to_string(LogLevel::warning) == "warning");
}
