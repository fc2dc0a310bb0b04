#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <functional>

#include "base/error.h"
#include "text/bpe.h"
#include "text/byte_alphabet.h"

namespace longscroll {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

Json small() {
  Json root;
  root["model"]["type"] = "BPE";
  for (size_t byte = 0; byte < 256; ++byte) root["model"]["vocab"][byte_spellings()[byte]] = byte;
  root["model"]["vocab"]["ab"] = 256;
  root["model"]["merges"] = Json::array({"a b"});
  root["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  root["added_tokens"] = {{{"id", 257}, {"content", "<s>"}, {"special", true}}};
  return root;
}

BpeTables read(const Json& root) {
  return bpe_tables_from_tokenizer_json(root.dump(), "t");
}

std::string error_of(const std::function<void(Json&)>& spoil) {
  Json root = small();
  spoil(root);
  try {
    make_bpe_tokenizer(read(root), "t");
  } catch (const Error& error) {
    return std::string(to_string(error.kind())) + ": " + error.what();
  }
  return "nothing thrown";
}

TEST(TokenizerJson, ReadsTheTables) {
  const BpeTables tables = read(small());
  EXPECT_EQ(tables.tokens.size(), 258u);
  EXPECT_EQ(tables.tokens[256], "ab");
  EXPECT_THAT(tables.merges, ElementsAre("a b"));
  ASSERT_EQ(tables.added.size(), 1u);
  EXPECT_TRUE(tables.added[0].special);
  EXPECT_FALSE(tables.added[0].normalized);
  EXPECT_EQ(tables.split_patterns.size(), 1u);
  EXPECT_THAT(make_bpe_tokenizer(tables, "t")->encode("ab"), ElementsAre(256));
}

TEST(TokenizerJson, MergesMayBePairs) {
  Json root = small();
  root["model"]["merges"] = Json::array({Json::array({"a", "b"})});
  EXPECT_THAT(read(root).merges, ElementsAre("a b"));
}

TEST(TokenizerJson, StepsInSequence) {
  Json root = small();
  root["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array({{{"type", "NFC"}}})}};
  root["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       Json::array({{{"type", "Split"},
                     {"pattern", {{"Regex", "\\p{L}+"}}},
                     {"behavior", "Isolated"},
                     {"invert", false}},
                    {{"type", "Digits"}, {"individual_digits", true}},
                    {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}})}};
  const BpeTables tables = read(root);
  EXPECT_TRUE(tables.nfc);
  EXPECT_THAT(tables.split_patterns, ElementsAre("\\p{L}+", "\\p{N}"));
}

TEST(TokenizerJson, PrefixSpace) {
  Json root = small();
  root["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  EXPECT_THAT(make_bpe_tokenizer(read(root), "t")->encode("b"), ElementsAre(' ', 'b'));
}

TEST(TokenizerJson, BosAndEosFromTheTemplate) {
  Json root = small();
  const Json bos = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  root["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", Json::array({bos, text, bos})},
                            {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {257}}}}}}};
  const BpeTables tables = read(root);
  EXPECT_TRUE(tables.add_bos);
  EXPECT_TRUE(tables.add_eos);
  EXPECT_EQ(tables.bos, 257);
  EXPECT_EQ(tables.eos, 257);
}

TEST(TokenizerJson, NamesWhatItDoesNotDo) {
  const std::vector<std::pair<std::function<void(Json&)>, std::string>> cases = {
      {[](Json& r) { r["model"]["type"] = "Unigram"; }, "the model 'Unigram'"},
      {[](Json& r) { r["model"]["byte_fallback"] = true; }, "byte_fallback"},
      {[](Json& r) { r["model"]["end_of_word_suffix"] = "</w>"; }, "end_of_word_suffix"},
      {[](Json& r) { r["model"]["dropout"] = 0.1; }, "dropout"},
      {[](Json& r) { r["normalizer"] = {{"type", "Lowercase"}}; }, "the normalizer 'Lowercase'"},
      {[](Json& r) { r["pre_tokenizer"] = {{"type", "Metaspace"}}; }, "the pre-tokenizer 'Metaspace'"},
      {[](Json& r) { r["pre_tokenizer"] = nullptr; }, "the pre-tokenizer 'none'"},
      {[](Json& r) { r["post_processor"] = {{"type", "BertProcessing"}}; },
       "the post-processor 'BertProcessing'"},
      {[](Json& r) { r["decoder"] = {{"type", "WordPiece"}}; }, "the decoder 'WordPiece'"},
      {[](Json& r) { r["added_tokens"][0]["single_word"] = true; }, "single_word"},
  };
  for (const auto& [spoil, message] : cases) {
    EXPECT_THAT(error_of(spoil), ::testing::AllOf(HasSubstr("unsupported: [t]"), HasSubstr(message)));
  }
}

TEST(TokenizerJson, RefusesDamage) {
  const std::vector<std::pair<std::function<void(Json&)>, std::string>> cases = {
      {[](Json& r) { r = Json::array(); }, "must be a JSON object"},
      {[](Json& r) { r.erase("model"); }, "must have 'model'"},
      {[](Json& r) { r["model"]["vocab"] = 3; }, "'vocab' must be an object"},
      {[](Json& r) { r["model"]["vocab"]["a"] = -1; }, "the id of 'a' must be 0 to"},
      {[](Json& r) { r["model"]["vocab"]["a"] = 4000000000u; }, "the id of 'a' must be 0 to"},
      {[](Json& r) { r["model"]["vocab"]["a"] = 1.5; }, "the id of 'a' must be 0 to"},
      {[](Json& r) { r["model"]["merges"] = "a b"; }, "'merges' must be a list"},
      {[](Json& r) { r["model"]["merges"] = Json::array({Json::array({"a"})}); },
       "a merge must have two parts"},
      {[](Json& r) { r["model"]["merges"] = Json::array({"a z"}); }, "'az' in the merge 'a z' is none"},
      {[](Json& r) { r["model"]["merges"] = Json::array({7}); }, "a merge must be a string"},
      {[](Json& r) { r["model"]["ignore_merges"] = 1; }, "'ignore_merges' must be true or false"},
      {[](Json& r) { r["added_tokens"][0].erase("content"); }, "must have 'content'"},
      {[](Json& r) { r["pre_tokenizer"] = Json::object(); }, "must have 'type'"},
  };
  for (const auto& [spoil, message] : cases) {
    EXPECT_THAT(error_of(spoil), ::testing::AllOf(HasSubstr("file: [t]"), HasSubstr(message)));
  }
  EXPECT_THROW(bpe_tables_from_tokenizer_json("{\"model\":", "t"), Error);
  EXPECT_THROW(bpe_tables_from_tokenizer_json("", "t"), Error);
}

TEST(TokenizerJson, GapsInTheIdsAreTokensThatNeverCome) {
  Json root = small();
  root["added_tokens"][0]["id"] = 300;
  const auto tokenizer = make_bpe_tokenizer(read(root), "t");
  EXPECT_EQ(tokenizer->vocab_size(), 301u);
  EXPECT_EQ(tokenizer->token_bytes(280), "");
  EXPECT_EQ(tokenizer->find_token(""), std::nullopt);
  EXPECT_THAT(tokenizer->encode(""), IsEmpty());
}

}  // namespace
}  // namespace longscroll
