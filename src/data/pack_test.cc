#include "data/pack.h"

#include <gtest/gtest.h>

namespace longscroll::data {
namespace {

TEST(Pack, AppendsDocumentsAfterThoseThatAreHere) {
  Pack pack;
  pack.append({{1, 2, 3}, {2, 3, kIgnored}, {0, 2}});
  pack.append({{4, 5}, {5, kIgnored}, {0}});
  EXPECT_EQ(pack.ids, (std::vector<TokenId>{1, 2, 3, 4, 5}));
  EXPECT_EQ(pack.targets, (std::vector<TokenId>{2, 3, kIgnored, 5, kIgnored}));
  EXPECT_EQ(pack.starts, (std::vector<uint32_t>{0, 2, 3}));
  EXPECT_EQ(pack.loss_tokens(), 3u);
}

}  // namespace
}  // namespace longscroll::data
