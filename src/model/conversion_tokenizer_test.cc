// Tokenizers through a conversion: the ids of the goldens, whatever the form of the files.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "model/conversion.h"
#include "model/json_fields.h"
#include "model/model.h"
#include "model/test_models.h"
#include "text/tokenizer_golden.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::counting_tensor;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const fs::path kGoldens = fs::path(LONGSCROLL_GOLDEN_DIR) / "tokenizers";
constexpr ConvertOptions kToGguf = {.to = ModelForm::kGguf, .type = DType::kF32};
constexpr ConvertOptions kToHf = {.to = ModelForm::kHuggingFace, .type = DType::kF32};

std::string read_golden(const std::string& name) {
  std::ifstream file(kGoldens / name, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

class TokenizerConversion : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }

  // A model of one layer around a tokenizer's files.
  fs::path write_model(const std::map<std::string, std::string>& files,
                       const std::string& model_type = "llama", uint64_t vocab = 4096) {
    const json config = {{"model_type", model_type}, {"vocab_size", vocab},          {"hidden_size", 4},
                         {"num_hidden_layers", 1},   {"num_attention_heads", 1},     {"intermediate_size", 4},
                         {"rope_theta", 10000.0},    {"max_position_embeddings", 64}};
    fs::create_directory(at("in"));
    folder_.write("in/config.json", config.dump());
    for (const auto& [name, text] : files) folder_.write("in/" + name, text);
    const std::string layer = "model.layers.0.";
    std::vector<TensorToWrite> tensors = {counting_tensor("model.embed_tokens.weight", {vocab, 4}),
                                          counting_tensor("lm_head.weight", {vocab, 4}, 0.5f),
                                          counting_tensor("model.norm.weight", {4})};
    for (const char* name : {"input_layernorm", "post_attention_layernorm"}) {
      tensors.push_back(counting_tensor(layer + name + ".weight", {4}));
    }
    for (const char* name :
         {"self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.gate", "mlp.up", "mlp.down"}) {
      tensors.push_back(counting_tensor(layer + name + "_proj.weight", {4, 4}));
    }
    write_safetensors(at("in") / "model.safetensors", {}, tensors);
    return at("in");
  }

  // The reference's ids from the directory, and the same from each form on the way to GGUF and back.
  // `lost` is a token that takes white space along, which GGUF cannot say: texts with it are left out.
  void expect_ids_through_gguf(const fs::path& in, const std::string& golden, const std::string& lost = "") {
    const auto first = convert_model(in, at("m.gguf"), kToGguf);
    const auto second = convert_model(at("m.gguf"), at("back"), kToHf);
    EXPECT_THAT(first.remarks, Not(Contains(HasSubstr("left out"))));
    const bool said = std::any_of(first.remarks.begin(), first.remarks.end(), [](const std::string& remark) {
      return remark.find("no longer take white space") != std::string::npos;
    });
    EXPECT_EQ(said, !lost.empty());
    const auto original = load_model(in, {.need_tokenizer = true});
    golden::expect_matches(*original->tokenizer, kGoldens, golden);
    for (const char* name : {"m.gguf", "back"}) {
      const auto model = load_model(at(name), {.need_tokenizer = true});
      expect_same_ids(*model->tokenizer, *original->tokenizer, lost);
      EXPECT_EQ(model->tokenizer->bos(), original->tokenizer->bos()) << name;
      EXPECT_EQ(model->tokenizer->eos(), original->tokenizer->eos()) << name;
      EXPECT_THAT(model->eos_ids, testing::UnorderedElementsAreArray(original->eos_ids)) << name;
      EXPECT_EQ(model->chat_metadata.jinja, original->chat_metadata.jinja) << name;
    }
    const auto back = load_model(at("back"));
    EXPECT_EQ(back->tokenizer->vocab_size(), original->tokenizer->vocab_size()) << "padding is taken off";
  }

  static void expect_same_ids(const Tokenizer& found, const Tokenizer& wanted, const std::string& lost) {
    size_t compared = 0;
    for (const std::string& text : golden::read_strings(kGoldens)) {
      if (!lost.empty() && text.find(lost) != std::string::npos) continue;
      for (const bool parse : {false, true}) {
        const EncodeOptions options = {.add_special = true, .parse_special = parse};
        const auto ids = wanted.encode(text, options);
        ASSERT_EQ(found.encode(text, options), ids) << text;
        ASSERT_EQ(found.decode(ids), wanted.decode(ids)) << text;
      }
      ++compared;
    }
    EXPECT_GE(compared, 3000u);
  }

  test::TempFolder folder_;
};

TEST_F(TokenizerConversion, SentencePieceKeepsItsIds) {
  const auto in = write_model(
      {{"tokenizer.model", read_golden("index_like.model")},
       {"tokenizer_config.json", R"({"add_bos_token": false, "chat_template": "x<|im_start|>"})"}});
  expect_ids_through_gguf(in, "index_like");
  const GgufFile file(at("m.gguf"));
  EXPECT_EQ(file.get_string("tokenizer.ggml.model"), "llama");
  EXPECT_EQ(file.get_strings("tokenizer.ggml.tokens")->size(), 4096u) << "one a row of the embedding";
  EXPECT_EQ(file.get_strings("tokenizer.ggml.tokens")->back(), "[PAD4095]");
  EXPECT_EQ(file.get_ints("tokenizer.ggml.token_type")->back(), 5);
}

TEST_F(TokenizerConversion, Qwen2sBpeKeepsItsIds) {
  const auto in = write_model({{"tokenizer.json", read_golden("bpe_qwen2_like.json")},
                               {"tokenizer_config.json", R"({"eos_token": "<|im_end|>"})"},
                               {"generation_config.json", R"({"eos_token_id": [1, 2]})"}});
  expect_ids_through_gguf(in, "bpe_qwen2_like", "<gap>");
  EXPECT_EQ(GgufFile(at("m.gguf")).get_string("tokenizer.ggml.pre"), "qwen2");
}

TEST_F(TokenizerConversion, Llama3sBpeKeepsItsIdsAndItsBos) {
  const auto in = write_model({{"tokenizer.json", read_golden("bpe_llama3_like.json")}});
  expect_ids_through_gguf(in, "bpe_llama3_like", "<gap>");
  EXPECT_EQ(GgufFile(at("m.gguf")).get_string("tokenizer.ggml.pre"), "llama-bpe");
}

TEST_F(TokenizerConversion, AnUnknownWayToCutWordsIsLeftOutAndSaid) {
  json tokenizer = json::parse(read_golden("bpe_qwen2_like.json"));
  tokenizer["normalizer"] = nullptr;  // its pattern without its NFC has no name
  const auto in = write_model({{"tokenizer.json", tokenizer.dump()}});
  const auto report = convert_model(in, at("m.gguf"), kToGguf);
  EXPECT_EQ(report.tokenizer, "none");
  EXPECT_THAT(report.remarks, Contains(HasSubstr("tokenizer is left out")));
  EXPECT_EQ(load_model(at("m.gguf"))->tokenizer, nullptr);
}

TEST_F(TokenizerConversion, AUnigramTokenizerIsLeftOutOfGgufAndSaid) {
  const auto in = write_model({{"tokenizer.model", read_golden("unigram_nfkc.model")}});
  const auto report = convert_model(in, at("m.gguf"), kToGguf);
  EXPECT_THAT(report.remarks, Contains(HasSubstr("unigram")));
  EXPECT_EQ(load_model(at("m.gguf"))->tokenizer, nullptr);
}

TEST_F(TokenizerConversion, AddedTokensOfADirectoryBecomeTokensOfTheFile) {
  const auto in =
      write_model({{"tokenizer.model", read_golden("index_like.model")}, {"tokenizer_config.json", "{}"}});
  const size_t pieces = load_model(in)->tokenizer->vocab_size();
  json config;
  config["added_tokens_decoder"][std::to_string(pieces)] = {{"content", "<|mark|>"}, {"special", true}};
  config["added_tokens_decoder"][std::to_string(pieces + 1)] = {
      {"content", "<tool>"}, {"special", false}, {"lstrip", true}};
  folder_.write("in/tokenizer_config.json", config.dump());
  const auto report = convert_model(in, at("m.gguf"), kToGguf);
  EXPECT_THAT(report.remarks, Contains(HasSubstr("1 added tokens no longer take white space")));
  const auto original = load_model(in), made = load_model(at("m.gguf"));
  for (const char* text : {"a<tool>b", "a <|mark|> b"}) {
    EXPECT_EQ(made->tokenizer->encode(text, {.parse_special = true}).size(),
              original->tokenizer->encode(text, {.parse_special = true}).size())
        << text;
  }
  EXPECT_EQ(made->tokenizer->find_token("<|mark|>"), static_cast<TokenId>(pieces));
  EXPECT_TRUE(made->tokenizer->is_special(static_cast<TokenId>(pieces)));
  EXPECT_FALSE(made->tokenizer->is_special(static_cast<TokenId>(pieces + 1)));
}

TEST_F(TokenizerConversion, FilesOfADirectoryAreCopiedAsTheyAre) {
  const std::string odd = "{ \"tokenizer_class\" : \"LlamaTokenizer\",\n\n \"add_bos_token\":false }";
  const auto in = write_model({{"tokenizer.model", read_golden("index_like.model")},
                               {"tokenizer_config.json", odd},
                               {"tokenization_index.py", "print('not run')\n"},
                               {"notes.txt", "not the model's"}});
  const auto report = convert_model(in, at("out"), kToHf);
  EXPECT_EQ(read_text_file(at("out") / "tokenizer_config.json"), odd);
  EXPECT_EQ(read_text_file(at("out") / "tokenizer.model"), read_golden("index_like.model"));
  EXPECT_THAT(report.files, Contains("tokenization_index.py"));
  EXPECT_FALSE(fs::exists(at("out") / "notes.txt"));
}

TEST_F(TokenizerConversion, IndexKeepsItsChatFormAsATemplate) {
  const auto in = write_model({{"tokenizer.model", read_golden("index_like.model")},
                               {"tokenizer_config.json", R"({"add_bos_token": false})"}},
                              "index");
  const auto original = load_model(in);
  ASSERT_EQ(detect_chat_format(original->chat_metadata), ChatFormat::kIndex);
  const auto report = convert_model(in, at("m.gguf"), kToGguf);
  EXPECT_THAT(report.remarks, Contains(HasSubstr("chat template of Index added")));
  ConvertOptions as_llama = kToHf;
  as_llama.as_llama = true;
  convert_model(in, at("llama"), as_llama);
  const std::vector<ChatMessage> messages = {{"system", "简短。"}, {"user", "What is reserved_1?"}};
  for (const char* name : {"m.gguf", "llama"}) {
    const auto model = load_model(at(name));
    EXPECT_EQ(model->config.architecture, "llama");
    ASSERT_EQ(detect_chat_format(model->chat_metadata), ChatFormat::kIndex) << name;
    EXPECT_EQ(chat_prompt(*model->tokenizer, ChatFormat::kIndex, messages),
              chat_prompt(*original->tokenizer, ChatFormat::kIndex, messages))
        << name;
  }
}

}  // namespace
}  // namespace longscroll
