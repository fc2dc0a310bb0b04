#include "base/dtype.h"

#include <gtest/gtest.h>

namespace longscroll {
namespace {

TEST(DType, NamesRoundTrip) {
  for (size_t i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(dtype_info(dtype).name), dtype);
  }
  EXPECT_EQ(dtype_from_name("q3_k"), std::nullopt);
}

TEST(DType, BytesNeedWholeBlocksAndNoOverflow) {
  EXPECT_EQ(dtype_bytes(DType::kQ4_K, 512), 288u);
  EXPECT_EQ(dtype_bytes(DType::kQ4_0, 33), std::nullopt);
  EXPECT_EQ(dtype_bytes(DType::kF32, UINT64_MAX / 2), std::nullopt);
}

}  // namespace
}  // namespace longscroll
