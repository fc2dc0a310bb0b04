// The tokenizers of tools/train_index_like_spm.py against their references. Those of the real models need
// the models' files: src/model tests them.
#include "text/tokenizer_golden.h"

#include <fstream>
#include <sstream>

#include "text/bpe.h"
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

}  // namespace
}  // namespace longscroll
