// What is left of a secret when memory goes back: nothing, whatever way it went.
#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.hpp"
#include "base/key_set.hpp"
#include "catch.hpp"
#include "controlplane/key_ring.hpp"

namespace {

// Looks for these in whatever this thread frees.
struct Watched {
  std::string_view secret, encoded;
  int found = 0;
};
thread_local Watched* watched = nullptr;

void look(const void* memory) noexcept {
  if (watched == nullptr || memory == nullptr) return;
  const std::string_view text(static_cast<const char*>(memory),
                              malloc_usable_size(const_cast<void*>(memory)));
  for (const std::string_view what : {watched->secret, watched->encoded}) {
    if (text.find(what) != text.npos) ++watched->found;
  }
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* const memory = std::calloc(1, size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  look(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace controlplane {
namespace {

const std::string kSecret(48, 's');
const std::string kEncoded = base64(kSecret);

// How many pieces of memory still held it when they were freed.
template <class Work>
int left_behind(Work work) {
  Watched mine{kSecret, kEncoded, 0};
  watched = &mine;
  work();
  watched = nullptr;
  return mine.found;
}

std::string text_of(std::string_view state, std::string_view rest = "") {
  return R"({"keys":[{"id":"k1","state":")" + std::string(state) + R"(","secret":")" + kEncoded + "\"}" +
         std::string(rest) + "]}";
}

SecretKey key(std::string id, KeyState state = KeyState::active) { return {std::move(id), kSecret, state}; }

}  // namespace

TEST_CASE("memory that held a secret is found by this test") {
  CHECK(left_behind([] { std::string copy(kSecret); }) == 1);
  CHECK(left_behind([] { Secret copy(kSecret); }) == 0);
}

TEST_CASE("a secret is gone when its owner is, moved, copied, assigned or cleared") {
  CHECK(left_behind([] {
          Secret first(kSecret), second(first), third(std::move(first));
          const bool moved = third == kSecret && first.size() == 0;  // NOLINT: a moved one is empty
          CHECK(moved);
          second = third;
          second = Secret();
          third.clear();
          CHECK(third.size() == 0);
          Secret filled(std::string(100, ' '));
          filled.bytes().replace(0, kSecret.size(), kSecret);
          filled.bytes().resize(1);
        }) == 0);
}

TEST_CASE("of keys that were read, accepted, refused or replaced nothing is left behind") {
  const std::string good = text_of("active"), unknown = text_of("old"), cut = text_of("active", ",{");
  const std::string twice = text_of("active", R"(,{"id":"k2","state":"active","secret":")" + kEncoded + "\"}");
  const std::string odd = text_of("active", R"(,{"id":"k2","state":"previous","secret":")" + kEncoded + "*\"}");
  for (const std::string* text : {&good, &unknown, &cut, &twice, &odd}) {
    INFO(*text);
    CHECK(left_behind([&] {
            auto keys = parse_keys("a text", *text);
            if (keys) (void)KeyRing::of(*std::move(keys));
          }) == 0);
  }
  CHECK(left_behind([] {
          KeyRing ring = KeyRing::of({key("k1"), key("k2", KeyState::retired)}).value();
          (void)ring.reload();
          CHECK_FALSE(KeyRing::of({key("k1"), key("k1")}).ok());
        }) == 0);
}

TEST_CASE("of a key file nothing is left behind, even if it is refused") {
  const auto path = std::filesystem::temp_directory_path() / ("keys-" + std::to_string(getpid()));
  std::ofstream(path) << text_of("active");
  chmod(path.c_str(), 0600);
  CHECK(left_behind([&] { CHECK(KeyRing::from_file(path).ok()); }) == 0);
  std::ofstream(path, std::ios::app) << std::string(65'536, ' ');
  CHECK(left_behind([&] { CHECK_FALSE(KeyRing::from_file(path).ok()); }) == 0);
  std::filesystem::remove(path);
}

}  // namespace controlplane
