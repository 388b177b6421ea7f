#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "base/wording.hpp"
#include "runtime/dialer.hpp"
#include "runtime/probe.hpp"

namespace controlplane {
namespace {

namespace http = boost::beast::http;
using SystemError = boost::system::error_code;

constexpr std::size_t kMaxHeaderBytes = 8'192;

class HttpProbe final : public Dialer {
 public:
  HttpProbe(Loop::Handle loop, boost::asio::io_context& io, HttpUrl url,
            std::chrono::milliseconds timeout, ProbeDone done)
      : Dialer(std::move(loop), io, std::move(url.address), timeout, std::move(done)),
        request_(http::verb::get, url.target, 11) {
    request_.set(http::field::host, address().to_string());
    request_.set(http::field::user_agent, "controlplane-probe");
    request_.set(http::field::accept, "*/*");
    request_.keep_alive(false);
    response_.header_limit(kMaxHeaderBytes);
    response_.body_limit(std::numeric_limits<std::uint64_t>::max());  // it is not read
  }

 private:
  std::shared_ptr<HttpProbe> self() {
    return std::static_pointer_cast<HttpProbe>(shared_from_this());
  }

  void connected() override {
    set_step("sending the request");
    http::async_write(socket(), request_, [me = self()](const SystemError& error, std::size_t) {
      if (me->finished()) return;
      if (error) return me->finish(false, "sending the request: " + error.message());
      me->read_header();
    });
  }

  void read_header() {
    set_step("waiting for the answer");
    http::async_read_header(socket(), buffer_, response_,
                            [me = self()](const SystemError& error, std::size_t) {
                              if (me->finished()) return;
                              if (error) return me->finish(false, failure_text(error));
                              me->judge();
                            });
  }

  void judge() {
    const auto& head = response_.get();
    if (head.result_int() / 100 == 2) return finish(true, "");
    std::string text = "answered " + std::to_string(head.result_int());
    const std::string_view reason(head.reason().data(), head.reason().size());
    if (!reason.empty()) text += " " + quote(reason);
    finish(false, std::move(text));
  }

  static std::string failure_text(const SystemError& error) {
    if (error == http::error::end_of_stream || error == http::error::partial_message) {
      return "the connection was closed before the answer was complete";
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return "the answer has more than 8 KiB of headers";
    }
    if (error.category() == http::make_error_code(http::error::bad_version).category()) {
      return "the answer is not HTTP: " + error.message();
    }
    return "reading the answer: " + error.message();
  }

  http::request<http::empty_body> request_;
  http::response_parser<http::empty_body> response_;
  boost::beast::flat_buffer buffer_{kMaxHeaderBytes + 1'024};  // may also hold the body's beginning
};

}  // namespace

bool start_http_probe(Loop& loop, CallbackPool& resolver, const HttpUrl& url,
                      std::chrono::milliseconds timeout, ProbeDone done) {
  return loop.post([handle = loop.handle(), &clock = loop.clock(), &resolver, to = url, timeout,
                    done = std::move(done)]() mutable {
    auto* io = LoopIo::context(handle);
    if (io == nullptr) return;
    std::make_shared<HttpProbe>(handle, *io, std::move(to), timeout, std::move(done))
        ->dial(clock, resolver);
  });
}

}  // namespace controlplane
