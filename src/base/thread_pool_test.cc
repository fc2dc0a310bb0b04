#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace longscroll {
namespace {

TEST(ThreadPool, EveryIndexIsRunOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int repeat = 0; repeat < 200; ++repeat) {
      std::vector<int> hits(97, 0);
      pool.run(hits.size(), [&](size_t i, int thread) {
        ASSERT_LT(thread, threads);
        ++hits[i];
      });
      EXPECT_EQ(std::accumulate(hits.begin(), hits.end(), 0), 97);
      EXPECT_EQ(*std::max_element(hits.begin(), hits.end()), 1);
    }
  }
}

TEST(ThreadPool, NoWorkReturnsAtOnce) {
  ThreadPool pool(3);
  pool.run(0, [](size_t, int) { FAIL(); });
}

TEST(ThreadPool, AnExceptionReachesTheCallerAndThePoolStaysUsable) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run(50,
                        [](size_t i, int) {
                          if (i == 7) throw Error(ErrorKind::kArgument, "seven", "must not be");
                        }),
               Error);
  std::atomic<int> ran{0};
  pool.run(50, [&](size_t, int) { ++ran; });
  EXPECT_EQ(ran, 50);
}

}  // namespace
}  // namespace longscroll
