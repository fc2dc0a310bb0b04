#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/importer.h"
#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class WithoutParquet : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("raw/a.parquet", "PAR1");
    folder_.write("raw/b.txt", "text");
  }
  Json import_from(const char* input) {
    return import_corpus(test::request_of(folder_.path() / input, folder_.path() / "out"), {}, {});
  }

  test::TempFolder folder_;
};

TEST_F(WithoutParquet, AFileThatIsNamedIsRefusedWithTheOption) {
  EXPECT_THAT(
      test::error_of([&] { import_from("raw/a.parquet"); }),
      AllOf(HasSubstr("unsupported"), HasSubstr("a.parquet] must be"), HasSubstr("LONGSCROLL_PARQUET=ON")));
}

TEST_F(WithoutParquet, AFileOfAFolderIsAFault) {
  const Json manifest = import_from("raw");
  EXPECT_EQ(manifest.at("faults"), (Json{{"unreadable", 1}}));
  EXPECT_EQ(manifest.at("other_kinds"), 0);
  EXPECT_EQ(manifest.at("out").at("raw").at("documents"), 1);
}

}  // namespace
}  // namespace longscroll::corpus
