#include "model/tokenizer_loader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model.h"
#include "model/test_models.h"
#include "text/sentencepiece_model.h"

namespace longscroll {
namespace {

using nlohmann::json;
using test::counting_tensor;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint32_t kVocab = 300;

// The pieces of a small SentencePiece model: three markers, the bytes, and a few letters.
constexpr TokenId kTurn = 259, kSpaceA = 260, kA = 262;

SpmTables sentencepiece_tables() {
  SpmTables tables;
  const auto add = [&](std::string token, float score, int32_t type) {
    tables.tokens.push_back(std::move(token));
    tables.scores.push_back(score);
    tables.types.push_back(type);
  };
  add("<unk>", 0, kSpmUnknown);
  add("<s>", 0, kSpmControl);
  add("</s>", 0, kSpmControl);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 0, kSpmByte);
  add("<turn>", 0, kSpmUserDefined);
  add("\u2581a", -1, kSpmNormal);
  add("\u2581", -2, kSpmNormal);
  add("a", -3, kSpmNormal);
  tables.unk = 0;
  tables.bos = 1;
  tables.eos = 2;
  return tables;
}

GgufMetadata sentencepiece_metadata() {
  const SpmTables tables = sentencepiece_tables();
  return {{"tokenizer.ggml.model", std::string("llama")},
          {"tokenizer.ggml.tokens", tables.tokens},
          {"tokenizer.ggml.scores", std::vector<double>(tables.scores.begin(), tables.scores.end())},
          {"tokenizer.ggml.token_type", std::vector<int64_t>(tables.types.begin(), tables.types.end())},
          {"tokenizer.ggml.bos_token_id", uint64_t{1}},
          {"tokenizer.ggml.eos_token_id", uint64_t{2}},
          {"tokenizer.ggml.unknown_token_id", uint64_t{0}}};
}

// Tokens a, b, ab, the end of a document and the end of a turn.
GgufMetadata bpe_metadata() {
  return {
      {"tokenizer.ggml.model", std::string("gpt2")},
      {"tokenizer.ggml.pre", std::string("gpt-2")},
      {"tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab", "<|end|>", "<|im_end|>", "<tool>"}},
      {"tokenizer.ggml.token_type", std::vector<int64_t>{1, 1, 1, 3, 3, 4}},
      {"tokenizer.ggml.merges", std::vector<std::string>{"a b"}},
      {"tokenizer.ggml.eos_token_id", uint64_t{3}}};
}

class GgufTokenizers : public testing::Test {
 protected:
  TokenizerFiles load(const GgufMetadata& metadata) {
    const auto path = folder_.path() / "model.gguf";
    write_gguf(path, metadata, {counting_tensor("x", {4})});
    return tokenizer_from_gguf(GgufFile(path), "llama", kVocab);
  }

  std::string fault(ErrorKind kind, const GgufMetadata& metadata) {
    return error_of(kind, [&] { load(metadata); });
  }

  test::TempFolder folder_;
};

TEST_F(GgufTokenizers, ByteLevelTablesAreRead) {
  const TokenizerFiles files = load(bpe_metadata());
  EXPECT_EQ(files.tokenizer->kind(), "bpe");
  EXPECT_THAT(files.tokenizer->encode("aba<tool>"), ElementsAre(2, 0, 5));
  EXPECT_TRUE(files.tokenizer->is_special(3));
  EXPECT_FALSE(files.tokenizer->is_special(5));
  EXPECT_THAT(files.eos_ids, ElementsAre(3));
  EXPECT_EQ(files.chat_metadata.jinja, std::nullopt);
  EXPECT_EQ(files.chat_metadata.architecture, "llama");
}

TEST_F(GgufTokenizers, EveryEndIsNamedOnce) {
  GgufMetadata metadata = bpe_metadata();
  metadata["tokenizer.ggml.eot_token_id"] = uint64_t{2};
  metadata["tokenizer.chat_template"] = std::string("…<|im_start|>…<|im_end|>…");
  EXPECT_THAT(load(metadata).eos_ids, ElementsAre(3, 2, 4));
  metadata["tokenizer.ggml.eot_token_id"] = uint64_t{4};
  EXPECT_THAT(load(metadata).eos_ids, ElementsAre(3, 4));
}

TEST_F(GgufTokenizers, BosIsAddedWhereTheFileSaysSo) {
  GgufMetadata metadata = bpe_metadata();
  metadata["tokenizer.ggml.bos_token_id"] = uint64_t{3};
  EXPECT_THAT(load(metadata).tokenizer->encode("a"), ElementsAre(0));
  metadata["tokenizer.ggml.add_bos_token"] = true;
  EXPECT_THAT(load(metadata).tokenizer->encode("a"), ElementsAre(3, 0));
}

TEST_F(GgufTokenizers, SentencePieceTablesAreReadAndAddBosByDefault) {
  const TokenizerFiles files = load(sentencepiece_metadata());
  EXPECT_EQ(files.tokenizer->kind(), "sentencepiece");
  EXPECT_THAT(files.tokenizer->encode("a"), ElementsAre(1, kSpaceA));
  GgufMetadata metadata = sentencepiece_metadata();
  metadata["tokenizer.ggml.add_bos_token"] = false;
  metadata["tokenizer.ggml.add_space_prefix"] = false;
  EXPECT_THAT(load(metadata).tokenizer->encode("a"), ElementsAre(kA));
}

TEST_F(GgufTokenizers, AFileWithoutOneHasNone) {
  EXPECT_EQ(load({}).tokenizer, nullptr);
  EXPECT_EQ(load({{"tokenizer.ggml.model", std::string("no_vocab")}}).tokenizer, nullptr);
  EXPECT_THAT(load({}).eos_ids, IsEmpty());
}

TEST_F(GgufTokenizers, FaultsNameTheKey) {
  GgufMetadata metadata = bpe_metadata();
  metadata["tokenizer.ggml.model"] = std::string("rwkv");
  EXPECT_THAT(fault(ErrorKind::kUnsupported, metadata), HasSubstr("is rwkv"));
  metadata = bpe_metadata();
  metadata.erase("tokenizer.ggml.pre");
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("tokenizer.ggml.pre"));
  metadata["tokenizer.ggml.pre"] = std::string("viking");
  EXPECT_THAT(fault(ErrorKind::kUnsupported, metadata), HasSubstr("viking"));
  metadata = bpe_metadata();
  metadata["tokenizer.ggml.token_type"] = std::vector<int64_t>{1};
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("tokenizer.ggml.token_type"));
  metadata = bpe_metadata();
  metadata["tokenizer.ggml.eos_token_id"] = uint64_t{kVocab};
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("tokenizer.ggml.eos_token_id"));
  metadata = sentencepiece_metadata();
  metadata.erase("tokenizer.ggml.scores");
  EXPECT_NE(fault(ErrorKind::kFile, metadata), "");
  metadata = sentencepiece_metadata();
  std::get<std::vector<int64_t>>(metadata["tokenizer.ggml.token_type"])[5] = 9;
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("tokenizer.ggml.token_type"));
}

class HfTokenizers : public testing::Test {
 protected:
  TokenizerFiles load() { return tokenizer_from_hf(folder_.path(), "index", kVocab); }
  std::string fault(ErrorKind kind) {
    return error_of(kind, [&] { load(); });
  }
  void write(const std::string& name, const json& content) { folder_.write(name, content.dump()); }

  void write_bpe() {
    write("tokenizer.json",
          {{"added_tokens", {{{"id", 3}, {"content", "<|end|>"}, {"special", true}}}},
           {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
           {"decoder", {{"type", "ByteLevel"}}},
           {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}}}, {"merges", {"a b"}}}}});
  }
  void write_sentencepiece() {
    folder_.write("tokenizer.model", sentencepiece_proto_from_tables(sentencepiece_tables()));
  }

  test::TempFolder folder_;
};

TEST_F(HfTokenizers, TokenizerJsonIsReadAndTheConfigNamesItsEnd) {
  write_bpe();
  write("tokenizer_config.json", {{"eos_token", {{"content", "<|end|>"}}}});
  const TokenizerFiles files = load();
  EXPECT_EQ(files.tokenizer->kind(), "bpe");
  EXPECT_THAT(files.tokenizer->encode("aba"), ElementsAre(2, 0));
  EXPECT_EQ(files.tokenizer->eos(), 3);
  EXPECT_THAT(files.eos_ids, ElementsAre(3));
}

TEST_F(HfTokenizers, TokenizerModelComesFirst) {
  write_bpe();
  write_sentencepiece();
  EXPECT_EQ(load().tokenizer->kind(), "sentencepiece");
}

TEST_F(HfTokenizers, AddBosTokenDecidesAndItsAbsenceIsSaid) {
  write_sentencepiece();
  EXPECT_THAT(load().tokenizer->encode("a"), ElementsAre(1, kSpaceA));
  EXPECT_THAT(load().remarks, ElementsAre(HasSubstr("add_bos_token")));
  write("tokenizer_config.json", {{"add_bos_token", false}, {"add_eos_token", true}});
  EXPECT_THAT(load().tokenizer->encode("a"), ElementsAre(kSpaceA, 2));
  EXPECT_THAT(load().remarks, IsEmpty());
}

TEST_F(HfTokenizers, AddedTokensAreMarkup) {
  write_sentencepiece();
  const json turn = {{"content", "<turn>"}, {"special", true}};
  const json extra = {{"content", "<extra>"}, {"special", false}, {"normalized", false}};
  write("tokenizer_config.json", {{"add_bos_token", false},
                                  {"eos_token", "<turn>"},
                                  {"added_tokens_decoder", {{"259", turn}, {"263", extra}}}});
  const auto tokenizer = load().tokenizer;
  EXPECT_TRUE(tokenizer->is_special(kTurn));
  EXPECT_EQ(tokenizer->eos(), kTurn);
  EXPECT_EQ(tokenizer->find_token("<extra>"), 263);
  EXPECT_EQ(tokenizer->vocab_size(), 264u);
  write("tokenizer_config.json", {{"added_tokens_decoder", {{"12x", turn}}}});
  EXPECT_THAT(fault(ErrorKind::kFile), HasSubstr("12x"));
}

TEST_F(HfTokenizers, EndsComeFromEveryFileThatNamesThem) {
  write_sentencepiece();
  write("generation_config.json", {{"eos_token_id", {5, 6}}});
  write("config.json", {{"eos_token_id", 6}});
  EXPECT_THAT(load().eos_ids, ElementsAre(5, 6, 2));
  write("config.json", {{"eos_token_id", 300}});
  EXPECT_THAT(fault(ErrorKind::kFile), HasSubstr("eos_token_id"));
  write("config.json", {{"eos_token_id", -1}});
  EXPECT_THAT(fault(ErrorKind::kFile), HasSubstr("eos_token_id"));
}

TEST_F(HfTokenizers, TheChatTemplateIsFoundWhereverItLies) {
  EXPECT_EQ(load().chat_metadata.jinja, std::nullopt);
  write("tokenizer_config.json", {{"chat_template", "plain"}});
  EXPECT_EQ(load().chat_metadata.jinja, "plain");
  const json named = {{{"name", "tool_use"}, {"template", "tools"}},
                      {{"name", "default"}, {"template", "named"}}};
  write("tokenizer_config.json", {{"chat_template", named}});
  EXPECT_EQ(load().chat_metadata.jinja, "named");
  folder_.write("chat_template.jinja", "own file");
  EXPECT_EQ(load().chat_metadata.jinja, "own file");
}

TEST_F(HfTokenizers, DamagedFilesAreNamed) {
  folder_.write("tokenizer.model", "not a model");
  EXPECT_THAT(fault(ErrorKind::kFile), HasSubstr("tokenizer.model"));
  folder_.write("tokenizer_config.json", "{");
  EXPECT_THAT(fault(ErrorKind::kFile), HasSubstr("tokenizer_config.json"));
}

TEST_F(HfTokenizers, ATokenizerLargerThanTheEmbeddingIsRefused) {
  const std::filesystem::path tiny = std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "tiny" / "llama";
  for (const char* name : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(tiny / name, folder_.path() / name);
  }
  write_sentencepiece();
  EXPECT_THAT(error_of(ErrorKind::kFile, [&] { load_model(folder_.path()); }),
              HasSubstr("must fit the embedding's 128 rows, has 263 tokens"));
}

}  // namespace
}  // namespace longscroll
