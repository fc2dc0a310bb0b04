#include "suites/tiktoken.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hasher.h"
#include "suites/data_files.h"
#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view three = bytes.substr(at, 3);
    uint32_t held = 0;
    for (size_t i = 0; i < 3; ++i)
      held = held << 8 | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0U);
    for (size_t i = 0; i < 4; ++i) text += i <= three.size() ? kAlphabet[held >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

std::string ranks_of(const std::vector<std::string>& longer) {
  std::string ranks;
  size_t rank = 0;
  for (int byte = 0; byte < 256; ++byte) {
    ranks += base64(std::string(1, static_cast<char>(byte))) + " " + std::to_string(rank++) + "\n";
  }
  for (const std::string& token : longer) ranks += base64(token) + " " + std::to_string(rank++) + "\n";
  return ranks;
}

const std::vector<std::string> kLonger = {"th",   "the", " the", "he", "  ",       "12",           "123",
                                          "\n\n", "in",  "ing",  " x", "\xE4\xBD", "\xE4\xBD\xA0", "\n "};

std::string error_of(const std::string& ranks) {
  try {
    tokenizer_from_ranks(ranks, "own.tiktoken");
  } catch (const Error& error) {
    return std::string(error.what());
  }
  return "no error";
}

// The ids are those of Python's tiktoken 0.12 with these ranks and cl100k_base's pattern.
TEST(Tiktoken, EncodesAsTheReferenceDoes) {
  const auto tokenizer = tokenizer_from_ranks(ranks_of(kLonger), "own.tiktoken");
  EXPECT_THAT(tokenizer->encode("the thing"), ElementsAre(257, 32, 256, 265));
  EXPECT_THAT(tokenizer->encode(" the 12345"), ElementsAre(258, 32, 262, 52, 53));
  EXPECT_THAT(tokenizer->encode("x\n "), ElementsAre(120, 269));  // white space at the end is one piece
  EXPECT_THAT(tokenizer->encode("a\n\n  b"), ElementsAre(97, 263, 32, 32, 98));
  EXPECT_THAT(tokenizer->encode("it's IT'S"), ElementsAre(105, 116, 39, 115, 32, 73, 84, 39, 83));
  EXPECT_THAT(tokenizer->encode("你好"), ElementsAre(268, 229, 165, 189));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("the 你好\n")), "the 你好\n");
}

TEST(Tiktoken, FaultsAreNamedByLine) {
  const std::string good = ranks_of({});
  EXPECT_THAT(error_of(good + "dGg=\n"),
              HasSubstr("[own.tiktoken] line 257 must be a token in base64, a space"));
  EXPECT_THAT(error_of(good + "d!g= 256\n"), HasSubstr("line 257 must begin with a token in base64"));
  EXPECT_THAT(error_of(good + "dGg= 300\n"), HasSubstr("line 257 must have the rank 256, found '300'"));
  EXPECT_THAT(error_of(good + "dGg= 256x\n"), HasSubstr("line 257 must have the rank 256"));
  EXPECT_THAT(error_of(good + "dGg= 256\ndGg= 257\n"), HasSubstr("line 258 must be a token of its own"));
  EXPECT_THAT(error_of(good + base64("the") + " 256\n"),
              HasSubstr("line 257 must be a token that the ones before"));
}

// With OpenAI's file, which is not part of the project: LONGSCROLL_CL100K=cl100k_base.tiktoken.
TEST(Tiktoken, Cl100kEqualsTheReferenceOverTheHaystacks) {
  const char* ranks = std::getenv("LONGSCROLL_CL100K");
  const auto shared = shared_material();
  if (ranks == nullptr || !shared) GTEST_SKIP() << "LONGSCROLL_CL100K or ../shared is not there";
  const auto tokenizer = read_ranks_file(ranks);
  const auto contexts = read_lines(*shared / "data/longbench/multifieldqa_zh.jsonl");
  const auto goldens = nlohmann::json::parse(read_whole(LONGSCROLL_GOLDEN_DIR "/suites/cl100k.json"));
  for (const auto& [place, golden] : goldens.items()) {
    const size_t line = place.find(" line ");
    const std::string text =
        line == std::string::npos
            ? read_whole(*shared / "data" / place)
            : contexts.at(std::stoul(place.substr(line + 6)))["context"].get<std::string>();
    std::string ids;
    const std::vector<TokenId> encoded = tokenizer->encode(text);
    for (const TokenId id : encoded) ids += fmt::format("{}{}", ids.empty() ? "" : " ", id);
    EXPECT_EQ(encoded.size(), golden["ids"].get<size_t>()) << place;
    EXPECT_EQ(sha256_hex(ids), golden["sha256"].get<std::string>()) << place;
  }
}

}  // namespace
}  // namespace longscroll
