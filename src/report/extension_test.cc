#include "report/extension.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace longscroll::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

RopeMapCell cell(double perplexity) {
  return {{std::log(perplexity) * 100, 100}, {}, 0};
}

Extension extended(double short_after) {
  Extension extension;
  extension.old_window = 512;
  extension.window = 4096;
  extension.bases = {{"as trained", "10000"}, {"2310.05209, for 4,096 tokens", "1.92e5"}, {"chosen", "2e5"}};
  extension.findings = {"The theories differ."};
  extension.facts = {"Trained on 7 documents."};
  extension.map.methods = {kBefore, kAfter};
  extension.map.lengths = {512, 4096};
  extension.map.cells = {{{kBefore, 512}, cell(8)},
                         {{kBefore, 4096}, cell(100)},
                         {{kAfter, 512}, cell(short_after)},
                         {{kAfter, 4096}, cell(10)}};
  extension.needle = {{512, 90, 80}, {4064, 0, 100}};
  return extension;
}

std::string page_of(const Extension& extension) {
  return markdown_page({"Extended", extension_sections(extension), ""});
}

TEST(Extension, LongAndShortStandTogetherBeforeAndAfter) {
  EXPECT_EQ(
      headline(extended(8.4)),
      "Perplexity at the new window of 4,096 tokens: 100.00 before, 10.00 after (−90.0%); at the old one "
      "of 512: 8.00 before, 8.40 after (+5.0%).");
  const std::string page = page_of(extended(8.4));
  EXPECT_THAT(page,
              AllOf(HasSubstr("within the old window of 512"), HasSubstr("up to the new window of 4,096"),
                    HasSubstr("1.92e5"), HasSubstr("The theories differ"), HasSubstr("on 7 documents"),
                    HasSubstr("−10.0"), HasSubstr("+100.0")));
}

TEST(Extension, AWarningSaysWhatShortTextsLost) {
  EXPECT_THAT(page_of(extended(8.4)), HasSubstr("Short texts got worse"));
  EXPECT_THAT(page_of(extended(8.1)), Not(HasSubstr("Short texts got worse")));
}

TEST(Extension, WhatWasNotMeasuredIsNoNumber) {
  Extension extension = extended(8);
  extension.map.cells.erase({kAfter, 4096});
  extension.needle.clear();
  EXPECT_EQ(headline(extension), "Not all lengths were measured.");
  EXPECT_THAT(page_of(extension), AllOf(HasSubstr("–"), Not(HasSubstr("Needle"))));
}

}  // namespace
}  // namespace longscroll::report
