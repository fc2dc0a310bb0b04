#include "data/corpus_packer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <nlohmann/json.hpp>

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

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A tokenizer that puts <bos> before a text by itself.
std::shared_ptr<const Tokenizer> leading_tokenizer() {
  BpeTables tables;
  tables.tokens.assign(byte_spellings().begin(), byte_spellings().end());
  tables.tokens.emplace_back("<bos>");
  tables.added = {{.id = 256, .content = "<bos>", .special = true}};
  tables.pre = "gpt-2";
  tables.bos = 256;
  tables.add_bos = true;
  return make_bpe_tokenizer(std::move(tables), "test");
}

class CorpusPacker : public testing::Test {
 protected:
  PackRequest request() const {
    PackRequest made;
    made.inputs = {folder_.path() / "in"};
    made.out = folder_.path() / "out";
    made.model = "tiny";
    made.eos = tokenizer_->eos();
    return made;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  TempFolder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_ = byte_tokenizer();
};

TEST_F(CorpusPacker, ShardsHoldTheTextsWithTheirEnds) {
  folder_.write("in/a.jsonl", "{\"text\": \"ab\"}\n{\"text\": \"\"}\n{\"text\": \"<|im_end|>\"}\n");
  folder_.write("in/b.txt", "xyz");
  const PackReport report = pack_corpus(request(), *tokenizer_);
  EXPECT_EQ(report.lengths.documents, 3U);
  EXPECT_EQ(report.lengths.tokens, 3U + 11U + 4U);
  EXPECT_EQ(report.learnt, 2U + 10U + 3U);
  EXPECT_EQ(report.empty, 1U);
  ASSERT_EQ(report.shards.size(), 1U);
  EXPECT_EQ(report.shards[0].file, "00000.tokens");
  EXPECT_EQ(report.shards[0].first, "a.jsonl line 1");
  EXPECT_EQ(report.shards[0].last, "b.txt");
  const TokenShard shard(folder_.path() / "out/00000.tokens");
  EXPECT_THAT(shard.read(0, 0, 3).ids, ElementsAre('a', 'b', *tokenizer_->eos()));
  // Markup in a text is text.
  EXPECT_EQ(tokenizer_->decode(shard.read(1, 0, 10).ids, false), "<|im_end|>");
  EXPECT_TRUE(shard.tokenizer().same_ids(identify(*tokenizer_, "")));
  EXPECT_EQ(shard.tokenizer().model, "tiny");
}

TEST_F(CorpusPacker, DocumentsCanBeKeptApart) {
  folder_.write("in/a.jsonl", "{\"text\": \"ab\"}\n{\"text\": \"cdef\"}\n");
  PackRequest made = request();
  made.keep = [](const CorpusText& text) { return text.text != "ab"; };
  EXPECT_EQ(pack_corpus(made, *tokenizer_).lengths.tokens, 4U + 1U);
}

TEST_F(CorpusPacker, TheManifestSaysWhatTheShardsWereMadeOf) {
  folder_.write("in/a.jsonl", "{\"text\": \"ab\"}\n{\"text\": \"cd\"}\n");
  PackRequest two = request();
  two.shard_ids = 2;
  pack_corpus(two, *tokenizer_);
  const auto manifest = nlohmann::json::parse(read_file(folder_.path() / "out/manifest.json"));
  EXPECT_EQ(manifest["tokenizer"]["sha256"], identify(*tokenizer_, "").sha256);
  EXPECT_EQ(manifest["text"]["field"], "text");
  EXPECT_EQ(manifest["text"]["bos"], nullptr);
  EXPECT_EQ(manifest["text"]["eos"], *tokenizer_->eos());
  EXPECT_EQ(manifest["documents"], 2);
  ASSERT_EQ(manifest["shards"].size(), 2U);
  EXPECT_EQ(manifest["shards"][1]["file"], "00001.tokens");
  EXPECT_EQ(manifest["shards"][1]["first"], "a.jsonl line 2");
}

TEST_F(CorpusPacker, TheThreadsDoNotChangeAByte) {
  std::string lines;
  for (int i = 0; i < 1500; ++i)
    lines += "{\"text\": \"" + std::string(static_cast<size_t>(1 + i * 37 % 211), 'a') + "\"}\n";
  folder_.write("in/a.jsonl", lines);
  std::vector<std::string> bytes;
  for (const int threads : {1, 3}) {
    PackRequest made = request();
    made.threads = threads;
    made.replace = true;
    made.shard_ids = 40'000;
    const PackReport report = pack_corpus(made, *tokenizer_);
    std::string all;
    for (const ShardSummary& shard : report.shards) all += read_file(folder_.path() / "out" / shard.file);
    bytes.push_back(all + read_file(folder_.path() / "out/manifest.json"));
    EXPECT_GT(report.shards.size(), 2U);
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST_F(CorpusPacker, BosComesFromTheTokenizerAndIsNeverATarget) {
  const auto leading = leading_tokenizer();
  EXPECT_EQ(leading_id(*leading), 256);
  EXPECT_EQ(leading_id(*tokenizer_), std::nullopt);
  folder_.write("in/a.txt", "xy");
  PackRequest made = request();
  made.bos = leading_id(*leading);
  made.eos = std::nullopt;
  EXPECT_EQ(pack_corpus(made, *leading).learnt, 2U);
  EXPECT_THAT(TokenShard(folder_.path() / "out/00000.tokens").read(0, 0, 3).ids, ElementsAre(256, 'x', 'y'));
}

TEST_F(CorpusPacker, ADocumentOfOneTokenPredictsNothingAndIsCounted) {
  folder_.write("in/a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"bc\"}\n");
  PackRequest made = request();
  made.eos = std::nullopt;
  const PackReport report = pack_corpus(made, *tokenizer_);
  EXPECT_EQ(report.too_short, 1U);
  EXPECT_EQ(report.lengths.documents, 1U);
}

TEST_F(CorpusPacker, InstructionsBecomeShardsWithTheirAnswers) {
  folder_.write("in/a.jsonl",
                "{\"human\": \"q\", \"assistant\": \"aa\"}\n{\"instruction\": \"i\", \"output\": \"o\"}\n");
  PackRequest made = request();
  made.chat = ChatSettings{ChatFormat::kChatML, ""};
  const PackReport report = pack_corpus(made, *tokenizer_);
  EXPECT_EQ(report.learnt, 3U + 2U);
  const Documents shards = open_shards({folder_.path() / "out/00000.tokens"}, report.tokenizer);
  const Documents held = read_instructions(made.inputs, {}, *tokenizer_, *made.chat, 1);
  const PackedDocuments of_shards("s", shards, {.window = 64, .seed = 4});
  const PackedDocuments in_memory("m", held, {.window = 64, .seed = 4});
  ASSERT_EQ(of_shards.packs_per_epoch(), in_memory.packs_per_epoch());
  for (uint64_t i = 0; i < of_shards.packs_per_epoch(); ++i) {
    EXPECT_EQ(of_shards.pack(i).ids, in_memory.pack(i).ids);
    EXPECT_EQ(of_shards.pack(i).targets, in_memory.pack(i).targets);
  }
}

TEST_F(CorpusPacker, AFaultLeavesNothingAndWhatLayThereStays) {
  folder_.write("in/a.jsonl", "{\"text\": \"ab\"}\n{\"txt\": \"cd\"}\n");
  EXPECT_THAT(error_of([&] { pack_corpus(request(), *tokenizer_); }),
              HasSubstr("line 2 must have the field 'text'"));
  EXPECT_THAT(names(), ElementsAre("in"));
  folder_.write("out/mine.txt", "mine");
  EXPECT_THAT(error_of([&] { pack_corpus(request(), *tokenizer_); }), HasSubstr("must be a new folder"));
  PackRequest replacing = request();
  replacing.replace = true;
  EXPECT_THAT(error_of([&] { pack_corpus(replacing, *tokenizer_); }), HasSubstr("line 2"));
  EXPECT_THAT(names(), ElementsAre("in", "out"));
  EXPECT_EQ(read_file(folder_.path() / "out/mine.txt"), "mine");
  folder_.write("in/a.jsonl", "{\"text\": \"ab\"}\n");
  pack_corpus(replacing, *tokenizer_);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out/mine.txt"));
}

TEST_F(CorpusPacker, ACorpusWithoutADocumentIsAnError) {
  folder_.write("in/a.jsonl", "{\"text\": \"\"}\n");
  EXPECT_THAT(error_of([&] { pack_corpus(request(), *tokenizer_); }),
              HasSubstr("must hold documents, found none (1 without text, 0 of one token)"));
}

TEST_F(CorpusPacker, StopsSoonWhenItIsToldTo) {
  folder_.write("in/a.txt", "xy");
  const std::atomic<bool> cancel{true};
  EXPECT_THAT(error_of([&] { pack_corpus(request(), *tokenizer_, {{}, &cancel}); }),
              HasSubstr("cancelled: "));
  EXPECT_THAT(names(), ElementsAre("in"));
}

}  // namespace
}  // namespace longscroll::data
