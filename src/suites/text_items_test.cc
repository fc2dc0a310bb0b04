#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suites/code_point_tokenizer.h"
#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

struct TextData : test::TempFolder {
  TextData() { write("a.txt", "0123456789abcdefghijklmnopqrstuvwxyz你好世界"); }
  SuiteOptions options() const {
    SuiteOptions made;
    made.data = path();
    made.length_tokenizer = tokenizer.get();
    made.lengths = {20};
    return made;
  }
  std::shared_ptr<const Tokenizer> tokenizer = make_code_point_tokenizer();
};

TEST(Perplexity, AWindowIsAGivenBeginningAndOneChoice) {
  const TextData data;
  const LoadedSuite suite = load_suite("perplexity", data.options());
  ASSERT_THAT(suite.items, SizeIs(2));
  EXPECT_TRUE(suite.items[0].bare);
  EXPECT_EQ(suite.items[0].turns[0].content, "0123456789abcdef");
  EXPECT_THAT(suite.items[0].choices, ElementsAre("ghij"));
  EXPECT_THAT(suite.items[1].choices, ElementsAre("你好世界"));
  EXPECT_EQ(suite.items[1].id, "a.txt-L20-w1");
  EXPECT_EQ(suite.items[1].fields["length"], 20);
  EXPECT_EQ(suite.items[1].max_new_tokens, 0u);
}

TEST(Perplexity, ATextShorterThanAWindowIsSaidAndNoTextAtAllIsAnError) {
  const TextData data;
  SuiteOptions options = data.options();
  options.lengths = {20, 1000};
  EXPECT_THAT(load_suite("perplexity", options).remarks,
              Contains(HasSubstr("a.txt has 40 tokens: no window of 1000")));
  options.lengths = {16};
  EXPECT_THAT(error_of_loading("perplexity", options), HasSubstr("must be above the 16 tokens"));
  const test::TempFolder empty;
  options.data = empty.path();
  options.lengths = {20};
  EXPECT_THAT(error_of_loading("perplexity", options), HasSubstr("must have texts (.txt), found none"));
}

}  // namespace
}  // namespace longscroll
