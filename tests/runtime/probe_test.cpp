#include "runtime/probe.hpp"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include "catch.hpp"
#include "runtime/gate.hpp"
#include "runtime/local_server.hpp"

namespace controlplane {
namespace {

using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;

constexpr milliseconds kLong{20'000};
constexpr milliseconds kShort{30};

struct Outcome {
  int calls = 0;
  bool good = false;
  std::string error;
  bool asked = true;
};

struct Prober {
  Loop loop;
  CallbackPool pool;
  Gate done;
  Outcome outcome;

  Prober() { REQUIRE(loop.start().ok()); }

  ProbeDone record() {
    return [this](ProbeOutcome what, std::string error) {
      outcome = {outcome.calls + 1, what == ProbeOutcome::good, std::move(error),
                 what != ProbeOutcome::not_asked};
      done.arrive();
    };
  }
  Outcome tcp(const HostPort& address, milliseconds timeout = kLong) {
    REQUIRE(start_tcp_probe(loop, pool, address, timeout, record()));
    return finish();
  }
  Outcome http(const std::string& url, milliseconds timeout = kLong) {
    REQUIRE(start_http_probe(loop, pool, parse_http_url(url).value(), timeout, record()));
    return finish();
  }
  Outcome finish() {
    REQUIRE(done.wait_for(1));
    loop.stop();
    return outcome;
  }
};

// Asks a server that answers every request with `answer` and closes.
Outcome ask(const std::string& answer) {
  LocalServer server([&answer](LocalServer::Connection& connection) {
    connection.read_request();
    connection.send(answer);
  });
  Prober prober;
  return prober.http("http://127.0.0.1:" + std::to_string(server.port()) + "/health");
}

TEST_CASE("a port that accepts is good") {
  LocalServer server([](LocalServer::Connection& connection) { connection.wait_until_closed(); });
  Prober prober;
  const Outcome outcome = prober.tcp({"127.0.0.1", server.port()});
  CHECK(outcome.good);
  CHECK(outcome.error.empty());
  CHECK(outcome.calls == 1);
}

TEST_CASE("a name is resolved") {
  LocalServer server([](LocalServer::Connection& connection) { connection.wait_until_closed(); });
  Prober prober;
  const Outcome outcome = prober.tcp({"localhost", server.port()});
  INFO(outcome.error);
  CHECK(outcome.good);
}

TEST_CASE("a port that refuses is not good") {
  Prober prober;
  const std::uint16_t port = LocalServer::closed_port();
  const Outcome outcome = prober.tcp({"127.0.0.1", port});
  CHECK_FALSE(outcome.good);
  CHECK_THAT(outcome.error, ContainsSubstring("connecting to 127.0.0.1:" + std::to_string(port)));
  CHECK_THAT(outcome.error, ContainsSubstring("refused"));
}

TEST_CASE("a name that nobody has is not good") {
  Prober prober;
  const Outcome outcome = prober.tcp({"no-such-host.invalid", 80});
  CHECK_FALSE(outcome.good);
  CHECK_THAT(outcome.error, ContainsSubstring("resolving \"no-such-host.invalid\""));
}

TEST_CASE("a pool without room is not the target's fault, and does not block the loop") {
  Prober prober;
  prober.pool.stop(std::chrono::steady_clock::now());
  const Outcome outcome = prober.tcp({"localhost", 80});
  CHECK_FALSE(outcome.asked);
  CHECK_THAT(outcome.error, ContainsSubstring("callback pool"));
}

TEST_CASE("an answer of 2xx is good, and the request is complete") {
  std::string request;
  LocalServer server([&request](LocalServer::Connection& connection) {
    request = connection.read_request();
    connection.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  Prober prober;
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  const Outcome outcome = prober.http("http://" + host + "/health?deep=1#part");
  INFO(outcome.error);
  CHECK(outcome.good);
  CHECK_THAT(request, ContainsSubstring("GET /health?deep=1 HTTP/1.1\r\n"));
  CHECK_THAT(request, ContainsSubstring("Host: " + host + "\r\n"));
  CHECK_THAT(request, ContainsSubstring("Connection: close\r\n"));
}

TEST_CASE("a body, however long it says it is, is not waited for") {
  const Outcome outcome = ask("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nbegin");
  INFO(outcome.error);
  CHECK(outcome.good);
}

TEST_CASE("other answers name what is wrong") {
  const auto [answer, text] = GENERATE(table<std::string, const char*>(
      {{"HTTP/1.1 500 Internal Server Error\r\n\r\n", "answered 500 \"Internal Server Error\""},
       {"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", "answered 301"},
       {"HTTP/1.1 404 \r\n\r\n", "answered 404"},
       {"", "closed before the answer"},
       {"HTTP/1.1 200 OK\r\nConte", "closed before the answer"},
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"},
       {std::string("\0\1\2\3\r\n\r\n", 8), "not HTTP"},
       {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "8 KiB of headers"}}));
  const Outcome outcome = ask(answer);
  CHECK_FALSE(outcome.good);
  CHECK_THAT(outcome.error, ContainsSubstring(text));
  CHECK(outcome.calls == 1);
}

TEST_CASE("a server that never answers times out, and the text says where") {
  LocalServer server([](LocalServer::Connection& connection) { connection.wait_until_closed(); });
  Prober prober;
  const Outcome outcome =
      prober.http("http://127.0.0.1:" + std::to_string(server.port()) + "/", kShort);
  CHECK_FALSE(outcome.good);
  CHECK(outcome.error == "timed out after 0.03 s while waiting for the answer");
}

TEST_CASE("a pool whose threads all hang delays no other probe and makes none fail") {
  LocalServer server([](LocalServer::Connection& connection) { connection.wait_until_closed(); });
  Gate release, timed_out;
  Prober prober;
  CallbackPoolOptions one;
  one.max_threads = 1;
  CallbackPool stuck(one);
  stuck.submit([&release] { release.wait_for(1); });
  ProbeOutcome outcome = ProbeOutcome::good;
  std::string error;
  const auto record = [&](ProbeOutcome what, std::string text) {
    outcome = what;
    error = std::move(text);
    timed_out.arrive();
  };
  start_tcp_probe(prober.loop, stuck, {"localhost", 80}, kShort, record);
  start_tcp_probe(prober.loop, stuck, {"127.0.0.1", server.port()}, kLong, prober.record());
  REQUIRE(timed_out.wait_for(1));
  CHECK(prober.finish().good);
  CHECK(outcome == ProbeOutcome::not_asked);
  CHECK_THAT(error, ContainsSubstring("while waiting for a thread"));
  release.arrive();
}

TEST_CASE("a loop that stops drops its probes without calling them") {
  Gate asked;
  LocalServer server([&asked](LocalServer::Connection& connection) {
    connection.read_request();
    asked.arrive();
    connection.wait_until_closed();
  });
  const auto owner = std::make_shared<int>(0);
  Prober prober;
  const auto url = parse_http_url("http://127.0.0.1:" + std::to_string(server.port()) + "/");
  for (int i = 0; i < 3; ++i) {
    start_http_probe(prober.loop, prober.pool, *url, kLong,
                     [owner](ProbeOutcome, std::string) { std::abort(); });
  }
  REQUIRE(asked.wait_for(1));
  prober.loop.stop();
  CHECK(owner.use_count() == 1);
  CHECK_FALSE(start_http_probe(prober.loop, prober.pool, *url, kLong,
                               [owner](ProbeOutcome, std::string) { std::abort(); }));
  CHECK(owner.use_count() == 1);
}

}  // namespace
}  // namespace controlplane
