#include "suites/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(std::string_view text) {
  try {
    parse_csv(text, "rows.csv");
  } catch (const Error& error) {
    return std::string(error.what());
  }
  return "no error";
}

// Each expectation is what Python's csv.reader gives for the same text.
TEST(Csv, ReadsQuotesCommasAndLineEndsAsPython) {
  const std::vector<CsvRow> rows =
      parse_csv("a,\"b, \"\"c\"\"\",d\r\n\"two\r\nlines\",,\"\"\nx\"y,\"z\"w", "rows.csv");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b, \"c\"", "d"));
  EXPECT_THAT(rows[1].fields, ElementsAre("two\nlines", "", ""));
  EXPECT_THAT(rows[2].fields, ElementsAre("x\"y", "zw"));
  EXPECT_EQ(rows[1].line, 2u);
  EXPECT_EQ(rows[2].line, 4u);
}

TEST(Csv, ACommaAtTheEndPromisesAnEmptyField) {
  EXPECT_THAT(parse_csv("a,\n", "rows.csv")[0].fields, ElementsAre("a", ""));
}

TEST(Csv, FaultsAreNamedByLine) {
  EXPECT_THAT(error_of("a,b\n\nc,d\n"), HasSubstr("[rows.csv] line 2 must hold a row"));
  EXPECT_THAT(error_of("a,b\nc,\"d\n"), HasSubstr("[rows.csv] line 2 must close its quote"));
}

}  // namespace
}  // namespace longscroll
