#include "suites/fill_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longscroll {
namespace {

using testing::ElementsAre;

const Columns kColumns = {
    {"input", "Why {context}?"}, {"context", "See {answers} and {input}."}, {"answers", ""}};

TEST(FillTemplate, OnePassLeavesBracesInsideOfTexts) {
  EXPECT_EQ(fill_template("{context}\nQ: {input}", kColumns, FillRule::kOnePass),
            "See {answers} and {input}.\nQ: Why {context}?");
}

TEST(FillTemplate, ColumnByColumnReplacesLaterColumnsInsideOfEarlierTexts) {
  // "{context}" came in with the input and is replaced; "{input}" came in after the input's turn and stays.
  EXPECT_EQ(fill_template("{context}\nQ: {input}", kColumns, FillRule::kColumnByColumn),
            "See  and {input}.\nQ: Why See  and {input}.?");
}

TEST(FillTemplate, UnknownNamesAndLoneBracesStay) {
  for (const FillRule rule : {FillRule::kOnePass, FillRule::kColumnByColumn}) {
    EXPECT_EQ(fill_template("{none} {} { x } } {", kColumns, rule), "{none} {} { x } } {");
  }
}

TEST(FillTemplate, NamesAreListedInOrder) {
  EXPECT_THAT(template_columns("{b} {a b} {{c}} {"), ElementsAre("b", "c"));
}

TEST(ReplaceAll, DoesNotLookAtWhatItPutIn) {
  EXPECT_EQ(replace_all("aaaa", "aa", "a"), "aa");
  EXPECT_EQ(replace_all("x'x'", "x'", ""), "");
}

}  // namespace
}  // namespace longscroll
