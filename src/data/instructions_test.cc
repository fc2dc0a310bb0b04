#include "data/instructions.h"

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
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ChatSettings kChatML = {ChatFormat::kChatML, ""};

std::string learnt_text(const Tokenizer& tokenizer, const TokenDocument& document) {
  std::string text;
  for (size_t i = 0; i < document.ids.size(); ++i) {
    if (document.learnt[i] != 0) text += tokenizer.token_bytes(document.ids[i], false);
  }
  return text;
}

TEST(Instructions, LossIsOnEveryAnswerWithTheTokenThatEndsIt) {
  const auto tokenizer = byte_tokenizer();
  const Conversation talk{{{"user", "one"}, {"assistant", "two"}, {"user", "three"}, {"assistant", "four"}},
                          {1, 1}};
  const TokenDocument document =
      encode_conversation(*tokenizer, {ChatFormat::kChatML, "sys"}, talk, {"x", 1});
  EXPECT_EQ(tokenizer->decode(document.ids, false),
            "<|im_start|>system\nsys<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|"
            "im_end|>\n"
            "<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>");
  EXPECT_EQ(learnt_text(*tokenizer, document), "two<|im_end|>four<|im_end|>");
}

TEST(Instructions, AnAnswerOfWeight0IsReadAndNotLearnt) {
  const auto tokenizer = byte_tokenizer();
  const Conversation talk{{{"user", "one"}, {"assistant", "two"}, {"user", "three"}, {"assistant", "four"}},
                          {0, 1}};
  const TokenDocument document = encode_conversation(*tokenizer, kChatML, talk, {"x", 1});
  EXPECT_EQ(learnt_text(*tokenizer, document), "four<|im_end|>");
}

TEST(Instructions, IndexsOwnSystemMessageStandsInForAMissingOneInItsOwnForm) {
  const auto tokenizer = byte_tokenizer();
  const Conversation talk{{{"user", "q"}, {"assistant", "a"}}, {1}, true};
  const TokenDocument index = encode_conversation(*tokenizer, {ChatFormat::kIndex, ""}, talk, {"x", 1});
  EXPECT_EQ(index.ids.front(), 0);
  EXPECT_THAT(tokenizer->decode(index.ids, false), HasSubstr("名为“Index”"));
  const TokenDocument other = encode_conversation(*tokenizer, kChatML, talk, {"x", 1});
  EXPECT_THAT(tokenizer->decode(other.ids, false), ::testing::Not(HasSubstr("Index")));
}

TEST(Instructions, AConversationThatTheChatFormDoesNotHaveIsNamedWithFileAndLine) {
  const auto tokenizer = byte_tokenizer();
  const Conversation talk{{{"user", "q"}, {"system", "s"}, {"user", "r"}, {"assistant", "a"}}, {1}};
  EXPECT_THAT(
      error_of([&] { encode_conversation(*tokenizer, {ChatFormat::kIndex, ""}, talk, {"chat.jsonl", 9}); }),
      HasSubstr("file: [chat.jsonl] line 9 must be a conversation that the model's chat form has, found "
                "otherwise: [index chat template] the system message must be the first"));
}

TEST(Instructions, AreReadIntoMemoryInTheirOrder) {
  const TempFolder folder;
  const auto tokenizer = byte_tokenizer();
  folder.write("d/a.jsonl",
               "{\"human\": \"q\", \"assistant\": \"aa\"}\n{\"instruction\": \"i\", \"output\": \"o\"}\n");
  folder.write("d/b.json",
               "[{\"messages\": [{\"role\": \"user\", \"content\": \"x\"},\n"
               "{\"role\": \"assistant\", \"content\": \"y\"}]}]");
  uint64_t seen = 0;
  ReadEvents events;
  events.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_LE(done, total);
    seen = done;
  };
  const Documents documents = read_instructions({folder.path() / "d"}, {}, *tokenizer, kChatML, 3, events);
  ASSERT_EQ(documents->size(), 3U);
  EXPECT_GT(seen, 0U);
  EXPECT_EQ(documents->name(1), "a.jsonl line 2");
  EXPECT_EQ(documents->name(2), "b.json line 1");
  EXPECT_FALSE(documents->may_split());
  const PackedDocuments packs("chat", documents, {.window = 200});
  uint64_t targets = 0;
  for (uint64_t i = 0; i < packs.packs_per_epoch(); ++i) targets += packs.pack(i).loss_tokens();
  EXPECT_EQ(targets, 3U + 2U + 2U);  // "aa", "o", "y", each with its end
}

TEST(Instructions, ASetWithoutAnyIsAnErrorAndSoIsAStop) {
  const TempFolder folder;
  const auto tokenizer = byte_tokenizer();
  const auto path = folder.write("a.jsonl", "\n");
  EXPECT_THAT(error_of([&] { read_instructions({path}, {}, *tokenizer, kChatML, 1); }),
              HasSubstr("must hold instructions, found none"));
  const std::atomic<bool> cancel{true};
  EXPECT_THAT(error_of([&] { read_instructions({path}, {}, *tokenizer, kChatML, 1, {{}, &cancel}); }),
              HasSubstr("cancelled: "));
}

}  // namespace
}  // namespace longscroll::data
