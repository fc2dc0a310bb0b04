// The tokenizers of tools/train_index_like_spm.py against their references. Those of the real models need
// the models' files: src/model tests them.
#include "text/tokenizer_golden.h"

#include <fstream>
#include <sstream>

#include "text/bpe.h"
#include "text/pre_tokenizers.h"
#include "text/sentencepiece_tokenizer.h"

namespace longscroll {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "tokenizers";

std::string read_golden(const std::string& name) {
  std::ifstream file(kGoldens / name, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  EXPECT_FALSE(bytes.str().empty()) << name;
  return bytes.str();
}

TEST(TokenizerGolden, SentencePieceWithIndexsReservedIds) {
  const auto tokenizer =
      make_sentencepiece_tokenizer(read_golden("index_like.model"), {}, "index_like.model");
  golden::expect_matches(*tokenizer, kGoldens, "index_like");
  for (TokenId id = 0; id < 5; ++id) EXPECT_TRUE(tokenizer->is_special(id)) << id;
}

TEST(TokenizerGolden, SentencePieceTablesThroughGgufAndBack) {
  const SpmTables tables = spm_tables_from_proto(read_golden("index_like.model"), "index_like.model");
  const std::string proto = sentencepiece_proto_from_tables(tables);
  golden::expect_matches(*make_sentencepiece_tokenizer(proto, {}, "tables"), kGoldens, "index_like");
}

TEST(TokenizerGolden, UnigramWithNormaliserAndDummyPrefix) {
  const std::string proto = read_golden("unigram_nfkc.model");
  golden::expect_matches(*make_sentencepiece_tokenizer(proto, {}, "unigram_nfkc.model"), kGoldens,
                         "unigram_nfkc");
  const SpmTables tables = spm_tables_from_proto(proto, "unigram_nfkc.model");
  EXPECT_FALSE(tables.is_bpe);
  EXPECT_FALSE(tables.precompiled_charsmap.empty());
  const std::string again = sentencepiece_proto_from_tables(tables);
  golden::expect_matches(*make_sentencepiece_tokenizer(again, {}, "tables"), kGoldens, "unigram_nfkc");
}

TEST(TokenizerGolden, BpeWithQwen2sPatternAndNfc) {
  const BpeTables tables = bpe_tables_from_tokenizer_json(read_golden("bpe_qwen2_like.json"), "qwen2");
  golden::expect_matches(*make_bpe_tokenizer(tables, "qwen2"), kGoldens, "bpe_qwen2_like",
                         ChatFormat::kChatML);
  BpeTables named = tables;
  named.pre = "qwen2";
  golden::expect_matches(*make_bpe_tokenizer(named, "qwen2"), kGoldens, "bpe_qwen2_like",
                         ChatFormat::kChatML);
}

TEST(TokenizerGolden, BpeWithLlama3sPatternAndWholeWords) {
  const BpeTables tables = bpe_tables_from_tokenizer_json(read_golden("bpe_llama3_like.json"), "llama3");
  EXPECT_TRUE(tables.add_bos);
  golden::expect_matches(*make_bpe_tokenizer(tables, "llama3"), kGoldens, "bpe_llama3_like",
                         ChatFormat::kLlama3);
  BpeTables named = tables;
  named.pre = "llama-bpe";
  golden::expect_matches(*make_bpe_tokenizer(named, "llama3"), kGoldens, "bpe_llama3_like",
                         ChatFormat::kLlama3);
}

TEST(TokenizerGolden, BpeThroughAWrittenTokenizerJson) {
  for (const auto& [name, pre, format] : {std::tuple("bpe_qwen2_like", "qwen2", ChatFormat::kChatML),
                                          std::tuple("bpe_llama3_like", "llama-bpe", ChatFormat::kLlama3)}) {
    BpeTables tables = bpe_tables_from_tokenizer_json(read_golden(std::string(name) + ".json"), name);
    EXPECT_EQ(name_of_pre_tokenizer(tables), pre);
    tables.pre = pre;  // as from GGUF, where only the name is known
    tables.split_patterns.clear();
    const std::string json = tokenizer_json_from_bpe_tables(tables, name);
    const BpeTables again = bpe_tables_from_tokenizer_json(json, "written");
    EXPECT_EQ(name_of_pre_tokenizer(again), pre);
    golden::expect_matches(*make_bpe_tokenizer(again, "written"), kGoldens, name, format);
  }
}

TEST(TokenizerGolden, EveryNamedPreTokenizerIsFoundAgainInTokenizerJson) {
  for (const char* pre : {"gpt-2", "smollm", "qwen2", "llama-bpe"}) {
    BpeTables tables;
    tables.tokens = {"a", "b", "ab", "", "ab"};  // a gap, and a text twice
    tables.merges = {"a b"};
    tables.pre = pre;
    const BpeTables again =
        bpe_tables_from_tokenizer_json(tokenizer_json_from_bpe_tables(tables, "tables"), "written");
    EXPECT_EQ(name_of_pre_tokenizer(again), pre);
    EXPECT_EQ(again.tokens, (std::vector<std::string>{"a", "b", "ab"}));
    EXPECT_EQ(again.merges, tables.merges);
  }
}

}  // namespace
}  // namespace longscroll
