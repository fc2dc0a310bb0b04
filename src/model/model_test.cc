#include "model/model.h"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/float16.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "model/architecture.h"
#include "model/test_models.h"
#include "model/tiny_checkpoints.h"

namespace longscroll {
namespace {

using nlohmann::json;
using test::counting_tensor;
using test::error_of;
using test::floats_of;
using test::tiny;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A checkpoint in a folder of the test's own: change the parts, then load.
class HandMade {
 public:
  explicit HandMade(const std::string& architecture, const json& changes = json::object()) {
    config_ = {{"model_type", architecture}, {"vocab_size", 10},         {"hidden_size", 8},
               {"num_hidden_layers", 1},     {"num_attention_heads", 2}, {"head_dim", 4},
               {"intermediate_size", 12},    {"rope_theta", 10000.0},    {"max_position_embeddings", 64}};
    config_.merge_patch(changes);
    ModelConfig sizes;
    sizes.vocab_size = 10;
    sizes.hidden_size = 8;
    sizes.num_heads = sizes.num_kv_heads = 2;
    sizes.head_dim = 4;
    sizes.ffn_size = 12;
    for (const TensorName& name : architecture_by_hf_model_type(architecture)->tensors) {
      if (name.hf.empty() || (!name.required && name.role != TensorRole::kHead)) continue;
      tensors.push_back(counting_tensor(tensor_name(name.hf, 0), tensor_shape(name.role, sizes)));
    }
  }

  std::shared_ptr<const Model> load(const LoadOptions& options = {}) const {
    folder_.write("config.json", config_.dump());
    write_safetensors(folder_.path() / "model.safetensors", {}, tensors);
    return load_model(folder_.path(), options);
  }

  std::string fault(ErrorKind kind, const LoadOptions& options = {}) const {
    return error_of(kind, [&] { load(options); });
  }

  TensorToWrite& tensor(const std::string& name) {
    for (TensorToWrite& tensor : tensors) {
      if (tensor.name == name) return tensor;
    }
    throw std::runtime_error("the test names a tensor that is not there: " + name);
  }

  void drop(const std::string& name) {
    std::erase_if(tensors, [&](const TensorToWrite& tensor) { return tensor.name == name; });
  }

  const test::TempFolder& folder() const { return folder_; }

  std::vector<TensorToWrite> tensors;

 private:
  json config_;
  test::TempFolder folder_;
};

uint64_t elements_of(const Model& model) {
  uint64_t sum = 0;
  for (const TensorSummary& tensor : model.tensors) sum += *checked_product(tensor.shape);
  return sum;
}

class EveryTinyModel : public testing::TestWithParam<const char*> {};

TEST_P(EveryTinyModel, LoadsWholeWithoutRemarks) {
  const auto model = load_model(tiny(GetParam()));
  const ModelConfig& config = model->config;
  EXPECT_EQ(config.head_dim, 16u);
  EXPECT_EQ(config.max_position, 8192u);
  EXPECT_EQ(model->parameter_count, elements_of(*model));
  EXPECT_EQ(model->weights.layers.size(), config.num_layers);
  EXPECT_EQ(model->weights.embedding.rows, config.vocab_size);
  EXPECT_EQ(model->weights.head.rows, config.vocab_size);
  EXPECT_EQ(model->weights.final_norm.size(), config.hidden_size);
  EXPECT_EQ(model->weights.head_row_scale.size(), config.norm_head ? config.vocab_size : 0u);
  EXPECT_EQ(model->tokenizer, nullptr);
  EXPECT_THAT(model->eos_ids, ElementsAre(2));
  for (const std::string& remark : model->remarks) EXPECT_THAT(remark, HasSubstr("window 8192")) << remark;
}

INSTANTIATE_TEST_SUITE_P(Model, EveryTinyModel,
                         testing::Values("llama", "llama_bias", "llama_linear", "llama_dynamic", "llama_yarn",
                                         "llama_llama3", "qwen2", "qwen3", "gemma3", "index_theta",
                                         "index_ratio", "index_base"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Model, FormatsAreNamed) {
  EXPECT_EQ(load_model(tiny("index_theta"))->format, "safetensors");
  EXPECT_EQ(load_model(tiny("index_ratio"))->format, "torch bin");
}

TEST(Model, IndexIsTheSameFromBothFormatsAndAllSpellings) {
  const auto theta = load_model(tiny("index_theta"));
  for (const char* other : {"index_ratio", "index_base"}) {
    const auto model = load_model(tiny(other));
    EXPECT_EQ(model->config, theta->config) << other;
    EXPECT_EQ(model->weights.head_row_scale, theta->weights.head_row_scale) << other;
    const size_t count = 128 * 64;
    EXPECT_EQ(floats_of(model->weights.head.data, count), floats_of(theta->weights.head.data, count))
        << other;
  }
}

TEST(Model, NormHeadScalesAreInverseRowNorms) {
  HandMade index("index", {{"norm_head", true}});
  const auto model = index.load();
  const auto head = floats_of(model->weights.head.data, 80);
  ASSERT_EQ(model->weights.head_row_scale.size(), 10u);
  for (size_t row = 0; row < 10; ++row) {
    const double squares = std::inner_product(&head[row * 8], &head[row * 8] + 8, &head[row * 8], 0.0);
    EXPECT_FLOAT_EQ(model->weights.head_row_scale[row], static_cast<float>(1.0 / std::sqrt(squares)));
  }
  EXPECT_TRUE(HandMade("index", {{"norm_head", false}}).load()->weights.head_row_scale.empty());
}

TEST(Model, BiasesAreLoadedWhereTheFilesAnnounceThem) {
  EXPECT_EQ(load_model(tiny("qwen2"))->weights.layers[1].key_bias.size(), 32u);
  EXPECT_TRUE(load_model(tiny("qwen2"))->weights.layers[1].output_bias.empty());
  EXPECT_EQ(load_model(tiny("llama_bias"))->weights.layers[1].output_bias.size(), 64u);
  EXPECT_TRUE(load_model(tiny("llama"))->weights.layers[1].query_bias.empty());
  EXPECT_THAT(HandMade("llama", {{"attention_bias", true}}).fault(ErrorKind::kFile),
              HasSubstr("self_attn.q_proj.bias: must be there, is missing"));
  HandMade unannounced("llama");
  unannounced.tensors.push_back(counting_tensor("model.layers.0.self_attn.q_proj.bias", {8}));
  EXPECT_TRUE(unannounced.load()->weights.layers[0].query_bias.empty());
  EXPECT_THAT(unannounced.load()->remarks, ElementsAre(HasSubstr("q_proj.bias")));
}

TEST(Model, GemmaNormWeightsBecomeOnePlusThem) {
  HandMade gemma("gemma3_text", {{"sliding_window", 4}});
  gemma.drop("lm_head.weight");
  const auto model = gemma.load();
  const LayerWeights& layer = model->weights.layers[0];
  for (const auto* norm :
       {&layer.attention_norm, &layer.post_attention_norm, &layer.ffn_norm, &layer.post_ffn_norm,
        &model->weights.final_norm, &layer.query_norm, &layer.key_norm}) {
    ASSERT_GE(norm->size(), 4u);
    EXPECT_EQ((*norm)[2], 1.0f + 2.0f / 64.0f);
  }
  EXPECT_EQ(model->weights.head.data, model->weights.embedding.data);
  EXPECT_EQ(HandMade("llama").load()->weights.final_norm[2], 2.0f / 64.0f);
}

TEST(Model, EmbeddingScaleIsRoundedToTheStoredType) {
  HandMade gemma("gemma3_text", {{"sliding_window", 4}});
  gemma.drop("lm_head.weight");
  EXPECT_EQ(gemma.load()->config.embedding_scale, std::sqrt(8.0f));
  TensorToWrite& embedding = gemma.tensor("model.embed_tokens.weight");
  embedding.dtype = DType::kBF16;
  embedding.produce = [](const auto& sink) { sink(std::vector<std::byte>(160)); };
  EXPECT_EQ(gemma.load()->config.embedding_scale, bf16_to_float(float_to_bf16(std::sqrt(8.0f))));
}

TEST(Model, ABareTextModelIsReadWithoutThePrefix) {
  HandMade gemma("gemma3_text", {{"sliding_window", 4}, {"architectures", {"Gemma3TextModel"}}});
  gemma.drop("lm_head.weight");
  for (TensorToWrite& tensor : gemma.tensors) tensor.name = tensor.name.substr(std::string("model.").size());
  EXPECT_THAT(gemma.load()->remarks, IsEmpty());
}

TEST(Model, WideningGivesTheSameValuesInFloat32) {
  HandMade llama("llama");
  TensorToWrite& up = llama.tensor("model.layers.0.mlp.up_proj.weight");
  up.dtype = DType::kF16;
  up.produce = [](const auto& sink) {
    std::vector<uint16_t> halves(96);
    for (size_t i = 0; i < halves.size(); ++i) halves[i] = float_to_f16(static_cast<float>(i) / 8.0f);
    sink(std::as_bytes(std::span(halves)));
  };
  const auto stored = llama.load();
  EXPECT_EQ(stored->weights.layers[0].up.dtype, DType::kF16);
  EXPECT_EQ(stored->weights.layers[0].up.row_bytes, 16u);
  const auto wide = llama.load({.need_tokenizer = false, .weights_as_f32 = true});
  const Matrix& matrix = wide->weights.layers[0].up;
  EXPECT_EQ(matrix.dtype, DType::kF32);
  EXPECT_EQ(matrix.row_bytes, 32u);
  const auto values = floats_of(matrix.data, 96);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<float>(i) / 8.0f);
  EXPECT_EQ(wide->weight_bytes, stored->weight_bytes + 96 * 2);
}

TEST(Model, WeightBytesAndParametersAreCountedOnce) {
  HandMade tied("llama", {{"tie_word_embeddings", true}});
  const uint64_t with_head = HandMade("llama").load()->parameter_count;
  const auto model = tied.load();
  EXPECT_EQ(model->parameter_count + 80, with_head);
  EXPECT_EQ(model->weight_bytes, model->parameter_count * 4);
  EXPECT_THAT(model->remarks,
              ElementsAre(AllOf(HasSubstr("1 tensors ignored"), HasSubstr("lm_head.weight"))));
}

TEST(Model, MissingTensorsAreNamed) {
  for (const char* name : {"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
                           "model.layers.0.mlp.down_proj.weight", "model.layers.0.input_layernorm.weight"}) {
    HandMade llama("llama");
    llama.drop(name);
    EXPECT_THAT(llama.fault(ErrorKind::kFile), HasSubstr(std::string(name) + ": must be there, is missing"));
  }
  HandMade deeper("llama", {{"num_hidden_layers", 2}});
  EXPECT_THAT(deeper.fault(ErrorKind::kFile), HasSubstr("model.layers.1."));
}

TEST(Model, WrongShapesAreNamedWithBothShapes) {
  HandMade llama("llama");
  llama.tensor("model.layers.0.mlp.gate_proj.weight") =
      counting_tensor("model.layers.0.mlp.gate_proj.weight", {8, 12});
  EXPECT_THAT(llama.fault(ErrorKind::kFile), HasSubstr("must have shape [12, 8], has [8, 12]"));
  HandMade flat("llama");
  flat.tensor("model.norm.weight") = counting_tensor("model.norm.weight", {8, 1});
  EXPECT_THAT(flat.fault(ErrorKind::kFile), HasSubstr("model.norm.weight: must have shape [8], has [8, 1]"));
  EXPECT_THAT(HandMade("llama", {{"vocab_size", 11}}).fault(ErrorKind::kFile),
              HasSubstr("model.embed_tokens.weight"));
}

TEST(Model, TensorsThatNobodyAskedForAreRemarked) {
  HandMade llama("llama");
  for (int i = 0; i < 5; ++i) llama.tensors.push_back(counting_tensor("extra." + std::to_string(i), {3}));
  EXPECT_THAT(llama.load()->remarks, ElementsAre("5 tensors ignored: extra.0, extra.1, extra.2, …"));
}

TEST(Model, HeadsWiderThanTheKernelsAreRefused) {
  EXPECT_THAT(HandMade("llama", {{"head_dim", 512}}).fault(ErrorKind::kUnsupported), HasSubstr("head_dim"));
}

TEST(Model, ATokenizerThatIsAskedForMustBeThere) {
  EXPECT_THAT(HandMade("llama").fault(ErrorKind::kFile, {.need_tokenizer = true, .weights_as_f32 = false}),
              HasSubstr("must come with a tokenizer"));
}

TEST(Model, PathsThatAreNoModelSayWhatOneIs) {
  HandMade llama("llama");
  llama.load();
  const auto& folder = llama.folder().path();
  EXPECT_THAT(error_of(ErrorKind::kFile, [&] { load_model(folder / "nothing"); }),
              HasSubstr("does not exist"));
  EXPECT_THAT(error_of(ErrorKind::kFile, [&] { load_model(folder / "model.safetensors"); }),
              HasSubstr("give the directory"));
  test::TempFolder empty;
  EXPECT_THAT(error_of(ErrorKind::kFile, [&] { load_model(empty.path()); }), HasSubstr("config.json"));
  empty.write("config.json", "{\"vocab_size\": ");
  EXPECT_THAT(error_of(ErrorKind::kFile, [&] { load_model(empty.path()); }), HasSubstr("must be JSON"));
  empty.write("config.json", "[]");
  EXPECT_THAT(error_of(ErrorKind::kFile, [&] { load_model(empty.path()); }), HasSubstr("JSON object"));
}

}  // namespace
}  // namespace longscroll
