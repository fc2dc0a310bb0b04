#include "train/evaluation.h"

#include <gtest/gtest.h>

#include "train/test_task.h"

namespace longscroll::train {
namespace {

using test::EndlessText;
using test::SmallTask;

TEST(Evaluation, SumsLossesByTheLengthOfDocuments) {
  SmallTask task(8);
  Communicator alone;
  const EndlessText held_out(8);
  const auto found = evaluate(task, held_out, 3, 4, 16, alone, nullptr);
  ASSERT_TRUE(found.has_value());
  double loss = 0;
  uint64_t targets = 0;
  for (uint64_t index = 0; index < 3; ++index) {
    loss += task.loss_sum(held_out.pack(index), index).item<double>();
    targets += held_out.pack(index).loss_tokens();
  }
  EXPECT_NEAR(found->all.loss_sum, loss, 1e-6 * loss);
  EXPECT_EQ(found->all.targets, targets);
  ASSERT_EQ(found->buckets.size(), 1u);  // all three documents have eight tokens
  EXPECT_EQ(found->buckets[0].from, 4u);
  EXPECT_EQ(found->buckets[0].to, 8u);
  EXPECT_EQ(found->buckets[0].documents, 3u);
}

TEST(Evaluation, IsGivenUpWhenARunIsAskedToStop) {
  SmallTask task(8);
  Communicator alone;
  const std::atomic<bool> stop = true;
  EXPECT_FALSE(evaluate(task, EndlessText(8), 3, 4, 16, alone, &stop).has_value());
}

}  // namespace
}  // namespace longscroll::train
