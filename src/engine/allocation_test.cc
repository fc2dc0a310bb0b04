// Decoding allocates nothing for a token, whatever their number: a replaced operator new counts.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <numeric>

#include "engine/generate.h"
#include "engine/session.h"
#include "engine/test_sets.h"

namespace {
std::atomic<size_t> allocations{0};
}

void* operator new(size_t bytes) {
  ++allocations;
  void* place = std::malloc(bytes == 0 ? 1 : bytes);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, size_t) noexcept {
  std::free(place);
}

namespace longscroll {
namespace {

TEST(Allocation, NoneForATokenOfTheAnswer) {
  if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
  const auto model = load_model(std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "tiny" / "qwen2");
  Session session(model, {.threads = 2, .max_length = 300});
  std::vector<TokenId> prompt(100);
  std::iota(prompt.begin(), prompt.end(), 1);
  prompt.insert(prompt.end(), prompt.begin(), prompt.begin() + 50);  // so that there is something to guess
  for (const float temperature : {0.0f, 0.8f}) {
    GenerateOptions options;
    options.sampling.temperature = temperature;
    options.sampling.repetition_penalty = 1.1f;
    options.max_new_tokens = 100;
    size_t before = 0, counted = 0, ids = 0;
    const auto on_token = [&](TokenId) {
      const size_t now = allocations;
      if (ids++ > 0) counted += now - before;
      before = now;
    };
    generate(session, prompt, options, on_token);
    EXPECT_EQ(ids, 100u);
    EXPECT_EQ(counted, 0u) << "at temperature " << temperature;
  }
}

}  // namespace
}  // namespace longscroll
