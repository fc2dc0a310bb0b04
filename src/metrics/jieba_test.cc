#include "metrics/jieba.h"

#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/python_text.h"

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string cut(std::u32string_view text) {
  return py::encode(py::join(jieba_cut(text), U"/"));
}

TEST(JiebaCut, FollowsTheDictionary) {
  EXPECT_EQ(cut(U"我来到北京清华大学"), "我/来到/北京/清华大学");
}

TEST(JiebaCut, FindsWordsThatTheDictionaryLacks) {
  EXPECT_EQ(cut(U"他来到了网易杭研大厦"), "他/来到/了/网易/杭研/大厦");
}

TEST(JiebaCut, KeepsWordsAndNumbersOfAscii) {
  EXPECT_EQ(cut(U"涨2.9%，a-b_c+d 3.14.15"), "涨/2.9%/，/a/-/b/_/c/+/d/ /3.14/./15");
}

TEST(JiebaCut, CutsOtherCharactersOneByOneAndKeepsCarriageReturnWithLineFeed) {
  EXPECT_EQ(cut(U"……\r\n\r \u3000é"), "…/…/\r\n/\r/ /\u3000/é");
}

TEST(JiebaCut, TakesCharactersWithoutProbabilities) {
  EXPECT_EQ(py::encode(py::join(jieba_cut(U"\u9fd5\u9fd4\u9fd3"), U"")), "\u9fd5\u9fd4\u9fd3");
  EXPECT_THAT(jieba_cut(U"\u9fd6"), ElementsAre(U"\u9fd6"));  // beyond what jieba takes for Chinese
  EXPECT_THAT(jieba_cut(U""), IsEmpty());
}

TEST(JiebaCut, IsTheSameFromSeveralThreads) {
  std::vector<std::string> found(4);
  std::vector<std::thread> threads;
  for (std::string& one : found) threads.emplace_back([&one] { one = cut(U"工信处女干事每月经过下属科室"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(found, testing::Each("工信处/女干事/每月/经过/下属/科室"));
}

}  // namespace
}  // namespace longscroll
