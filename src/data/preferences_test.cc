#include "data/preferences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/packed_documents.h"
#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using longscroll::test::TempFolder;
using test::byte_tokenizer;
using test::error_of;
using ::testing::HasSubstr;

const ChatSettings kChatML = {ChatFormat::kChatML, ""};

std::shared_ptr<const PreferencePairs> pairs_of(const std::string& lines) {
  const TempFolder folder;
  return read_preferences({folder.write("pairs.jsonl", lines)}, *byte_tokenizer(), kChatML, 2);
}

TEST(Preferences, APairIsTwoDocumentsOfOnePackWithLossOnTheAnswers) {
  const auto tokenizer = byte_tokenizer();
  const auto pairs = pairs_of(R"({"prompt": "q", "chosen": "good", "rejected": "no"})"
                              "\n"
                              R"({"prompt": "r", "chosen": "yes", "rejected": "bad!", "system": "s"})"
                              "\n");
  ASSERT_EQ(pairs->size(), 2U);
  EXPECT_EQ(pairs->name(1), "pairs.jsonl line 2");
  const PackedDocuments packs("pairs", pairs, {.window = 300, .mode = PackingMode::kBestFit});
  ASSERT_EQ(packs.packs_per_epoch(), 1U);
  const Pack pack = packs.pack(0);
  ASSERT_EQ(pack.starts.size(), 5U);  // two pairs and the padding
  std::vector<std::string> answers;
  for (size_t d = 0; d < 4; ++d) {
    std::string answer;
    for (uint32_t t = pack.starts[d]; t < pack.starts[d + 1]; ++t) {
      if (pack.targets[t] != kIgnored) answer += tokenizer->token_bytes(pack.targets[t], false);
    }
    answers.push_back(answer);
  }
  const std::vector<Piece> pieces = packs.pieces(0);
  ASSERT_EQ(pieces.size(), 2U);
  for (size_t k = 0; k < 2; ++k) {
    const bool is_first = pieces[k].document == 0;
    EXPECT_EQ(answers[2 * k], is_first ? "good<|im_end|>" : "yes<|im_end|>");
    EXPECT_EQ(answers[2 * k + 1], is_first ? "no<|im_end|>" : "bad!<|im_end|>");
  }
  EXPECT_THAT(tokenizer->decode(pairs->pair(1).chosen.ids, false), HasSubstr("system\ns<|im_end|>"));
}

TEST(Preferences, PromptsAndAnswersMayBeMessages) {
  const auto tokenizer = byte_tokenizer();
  const auto pairs =
      pairs_of(R"({"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},)"
               R"( {"role": "user", "content": "c"}], "chosen": [{"role": "assistant", "content": "d"}],)"
               R"( "rejected": [{"role": "assistant", "content": "e"}]})");
  const PreferencePair& pair = pairs->pair(0);
  // The earlier answer is part of the prompt.
  uint64_t learnt = 0;
  for (const uint8_t flag : pair.chosen.learnt) learnt += flag;
  EXPECT_EQ(learnt, 2U);  // "d" and its end
  EXPECT_EQ(pair.chosen.ids.size(), pair.rejected.ids.size());
}

TEST(Preferences, FaultsAreNamedWithFileAndLine) {
  const auto error = [](const std::string& line) {
    return error_of(
        [&] { pairs_of("{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\"}\n" + line); });
  };
  EXPECT_THAT(error(R"({"prompt": "q", "chosen": "a"})"),
              HasSubstr("line 2 must have the field 'rejected', found none"));
  EXPECT_THAT(error(R"({"prompt": "q", "chosen": "a", "rejected": "a"})"),
              HasSubstr("line 2 must prefer one answer"));
  EXPECT_THAT(error(R"({"prompt": "q", "chosen": "a", "rejected": " "})"),
              HasSubstr("line 2 must have an answer that says something in 'rejected'"));
  EXPECT_THAT(error(R"({"prompt": 3, "chosen": "a", "rejected": "b"})"),
              HasSubstr("line 2 must have a text in the field 'prompt', found number"));
  EXPECT_THAT(error(R"({"prompt": [{"role": "assistant", "content": "x"}], "chosen": "a", "rejected": "b"})"),
              HasSubstr("line 2 a prompt must end with a question"));
  EXPECT_THAT(error(R"({"chosen": [{"role": "user", "content": "x"}], "rejected": []})"),
              HasSubstr("conversations without a prompt of their own"));
  EXPECT_THAT(error(R"({"prompt": "q", "chosen": [], "rejected": "b"})"),
              HasSubstr("line 2 'chosen' must be one message of the assistant"));
  EXPECT_THAT(error_of([] { pairs_of("\n"); }), HasSubstr("must hold preferences, found none"));
}

}  // namespace
}  // namespace longscroll::data
