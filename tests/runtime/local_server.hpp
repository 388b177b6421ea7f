// A TCP server on a free port of 127.0.0.1 whose behaviour a test writes as a function of one
// connection; connections are served one after the other.
// Lifetime: the destructor unblocks the behaviour by shutting its connection down, and joins.
#pragma once

#include <arpa/inet.h>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace controlplane {

class LocalServer {
 public:
  class Connection {
   public:
    explicit Connection(int fd) : fd_(fd) {}
    // All up to and including the empty line that ends a request's headers, or up to the end.
    std::string read_request() {
      std::string text;
      char byte = 0;
      while (!text.ends_with("\r\n\r\n") && ::recv(fd_, &byte, 1, 0) == 1) text += byte;
      return text;
    }
    void send(std::string_view text) {
      while (!text.empty()) {
        const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
      }
    }
    void wait_until_closed() {
      char byte = 0;
      while (::recv(fd_, &byte, 1, 0) == 1) {
      }
    }

   private:
    int fd_;
  };
  using Behaviour = std::function<void(Connection&)>;

  explicit LocalServer(Behaviour behaviour) : listener_(open()), behaviour_(std::move(behaviour)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~LocalServer() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      ::shutdown(listener_, SHUT_RDWR);
      if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
    }
    thread_.join();
    ::close(listener_);
  }
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  std::uint16_t port() const { return port_of(listener_); }

  // A port on which nothing listens.
  static std::uint16_t closed_port() {
    const int fd = open();
    const std::uint16_t port = port_of(fd);
    ::close(fd);
    return port;
  }

 private:
  static int open() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address = reinterpret_cast<const sockaddr*>(&local);
    if (fd < 0 || ::bind(fd, address, sizeof local) != 0 || ::listen(fd, 16) != 0) {
      throw std::runtime_error("no local port");
    }
    return fd;
  }
  static std::uint16_t port_of(int fd) {
    sockaddr_in local{};
    socklen_t size = sizeof local;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
    return ntohs(local.sin_port);
  }

  void serve() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      {
        std::lock_guard lock(mutex_);
        current_ = stopping_ ? -1 : fd;
      }
      Connection connection(fd);
      if (current_ >= 0) behaviour_(connection);
      std::lock_guard lock(mutex_);
      current_ = -1;
      ::close(fd);
    }
  }

  const int listener_;
  const Behaviour behaviour_;
  std::mutex mutex_;
  int current_ = -1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace controlplane
