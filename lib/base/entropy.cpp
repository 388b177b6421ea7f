#include "base/entropy.hpp"

#include <array>
#include <atomic>
#include <cstdlib>

#include <openssl/rand.h>
#include <pthread.h>
#include <sys/random.h>

namespace controlplane {
namespace {

// How often this process has become another one. The only way to know without a system call per
// number, and therefore the one global of this library.
std::atomic<std::uint64_t> forks{0};

void count_forks() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  if (registered != 0) std::abort();
}

// The kernel's generator is as good as OpenSSL's, only slower. It serves where OpenSSL's cannot: in
// a set-up without one (FIPS without its module), and in a forked child, which may have inherited a
// lock of OpenSSL's from a thread that it did not.
void fill(void* bytes, std::size_t size) {
  const bool forked = forks.load(std::memory_order_relaxed) > 0;
  if (!forked && RAND_bytes(static_cast<unsigned char*>(bytes), static_cast<int>(size)) == 1) return;
  auto* at = static_cast<char*>(bytes);
  while (size > 0) {
    const std::size_t part = size < 256 ? size : 256;  // never cut short by a signal
    if (getrandom(at, part, 0) != static_cast<ssize_t>(part)) std::abort();
    at += part;
    size -= part;
  }
}

struct Pool {
  std::array<std::uint64_t, 512> words;
  std::size_t left;
  std::uint64_t filled_after;  // forks
};

// Zero is a valid empty pool; no constructor, so that reaching it needs no guard.
thread_local Pool pool;

void refill() {
  count_forks();
  fill(pool.words.data(), sizeof pool.words);
  pool.left = pool.words.size();
  pool.filled_after = forks.load(std::memory_order_relaxed);
}

}  // namespace

std::uint64_t SystemEntropy::next() {
  const bool usable =
      pool.left > 0 && pool.filled_after == forks.load(std::memory_order_relaxed);
  if (!usable) refill();
  return pool.words[--pool.left];
}

}  // namespace controlplane
