#include "model/conversion.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "model/test_models.h"
#include "model/tiny_checkpoints.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::counting_tensor;
using test::error_of;
using test::floats_of;
using test::tiny;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ConvertOptions to_gguf(DType type = DType::kF32) {
  return {.to = ModelForm::kGguf, .type = type};
}
ConvertOptions to_hf(DType type = DType::kF32) {
  return {.to = ModelForm::kHuggingFace, .type = type};
}

json read_json(const fs::path& path) {
  return json::parse(std::ifstream(path));
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

void expect_same_matrix(const Matrix& found, const Matrix& wanted, const char* what) {
  ASSERT_EQ(found.dtype, wanted.dtype) << what;
  ASSERT_EQ(found.rows, wanted.rows) << what;
  ASSERT_EQ(found.row_bytes, wanted.row_bytes) << what;
  EXPECT_EQ(std::memcmp(found.data, wanted.data, wanted.rows * wanted.row_bytes), 0) << what;
}

void expect_same_weights(const Model& found, const Model& wanted, bool same_head = true) {
  expect_same_matrix(found.weights.embedding, wanted.weights.embedding, "embedding");
  if (same_head) expect_same_matrix(found.weights.head, wanted.weights.head, "head");
  EXPECT_EQ(found.weights.final_norm, wanted.weights.final_norm);
  ASSERT_EQ(found.weights.layers.size(), wanted.weights.layers.size());
  for (size_t i = 0; i < wanted.weights.layers.size(); ++i) {
    const LayerWeights& a = found.weights.layers[i];
    const LayerWeights& b = wanted.weights.layers[i];
    for (const auto& [member, name] :
         {std::pair(&LayerWeights::query, "query"), std::pair(&LayerWeights::key, "key"),
          std::pair(&LayerWeights::value, "value"), std::pair(&LayerWeights::output, "output"),
          std::pair(&LayerWeights::gate, "gate"), std::pair(&LayerWeights::up, "up"),
          std::pair(&LayerWeights::down, "down")}) {
      expect_same_matrix(a.*member, b.*member, name);
    }
    for (const auto member :
         {&LayerWeights::attention_norm, &LayerWeights::post_attention_norm, &LayerWeights::ffn_norm,
          &LayerWeights::post_ffn_norm, &LayerWeights::query_bias, &LayerWeights::key_bias,
          &LayerWeights::value_bias, &LayerWeights::output_bias, &LayerWeights::query_norm,
          &LayerWeights::key_norm}) {
      EXPECT_EQ(a.*member, b.*member) << "layer " << i;
    }
  }
}

class Conversion : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }

  ConvertReport convert(const fs::path& in, const fs::path& out, const ConvertOptions& options) {
    return convert_model(in, out, options);
  }
  std::string fault(ErrorKind kind, const fs::path& in, const fs::path& out, const ConvertOptions& options) {
    return error_of(kind, [&] { convert_model(in, out, options); });
  }

  // A small llama that the test changes before it is written.
  fs::path write_llama(const json& changes = json::object(), uint64_t hidden = 32,
                       const std::function<void(std::vector<TensorToWrite>&)>& edit = {}) {
    json config = {{"model_type", "llama"},       {"vocab_size", 10},         {"hidden_size", hidden},
                   {"num_hidden_layers", 1},      {"num_attention_heads", 2}, {"head_dim", 4},
                   {"intermediate_size", 32},     {"rope_theta", 10000.0},    {"max_position_embeddings", 64},
                   {"rms_norm_eps", 0.0009765625}};
    config.merge_patch(changes);
    const std::string layer = "model.layers.0.";
    const uint64_t vocab = config["vocab_size"];
    std::vector<TensorToWrite> tensors = {
        counting_tensor("model.embed_tokens.weight", {vocab, hidden}),
        counting_tensor("lm_head.weight", {vocab, hidden}, 0.5f),
        counting_tensor("model.norm.weight", {hidden}),
        counting_tensor(layer + "input_layernorm.weight", {hidden}),
        counting_tensor(layer + "post_attention_layernorm.weight", {hidden}),
        counting_tensor(layer + "self_attn.q_proj.weight", {8, hidden}),
        counting_tensor(layer + "self_attn.k_proj.weight", {8, hidden}),
        counting_tensor(layer + "self_attn.v_proj.weight", {8, hidden}),
        counting_tensor(layer + "self_attn.o_proj.weight", {hidden, 8}),
        counting_tensor(layer + "mlp.gate_proj.weight", {32, hidden}),
        counting_tensor(layer + "mlp.up_proj.weight", {32, hidden}),
        counting_tensor(layer + "mlp.down_proj.weight", {hidden, 32})};
    if (edit) edit(tensors);
    const fs::path path = at("made");
    fs::create_directory(path);
    folder_.write("made/config.json", config.dump());
    write_safetensors(path / "model.safetensors", {}, tensors);
    return path;
  }

  test::TempFolder folder_;
};

class TinyConversion : public Conversion, public testing::WithParamInterface<const char*> {};

TEST_P(TinyConversion, ThroughGgufAndBackEveryWeightAndFieldIsTheSame) {
  const auto original = load_model(tiny(GetParam()));
  const auto first = convert(tiny(GetParam()), at("m.gguf"), to_gguf());
  const auto second = convert(at("m.gguf"), at("back"), to_hf());
  EXPECT_EQ(first.architecture, original->config.architecture);
  EXPECT_THAT(first.remarks, Not(Contains(HasSubstr("precision"))));
  EXPECT_THAT(second.remarks, Not(Contains(HasSubstr("precision"))));
  const auto back = load_model(at("back"));
  EXPECT_EQ(back->config, original->config);
  EXPECT_EQ(back->eos_ids, original->eos_ids);
  EXPECT_EQ(back->parameter_count, original->parameter_count);
  expect_same_weights(*back, *original);
  const json config = read_json(at("back") / "config.json");
  EXPECT_EQ(config["bos_token_id"], 1);
  EXPECT_EQ(config["rms_norm_eps"].dump().size(), 5u) << config["rms_norm_eps"];
}

INSTANTIATE_TEST_SUITE_P(Golden, TinyConversion,
                         testing::Values("llama", "llama_bias", "llama_linear", "llama_llama3", "llama_yarn",
                                         "qwen2", "qwen3", "gemma3"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_F(Conversion, QueryRowsBecomeInterleavedPairsInGguf) {
  convert(tiny("llama_bias"), at("m.gguf"), to_gguf());
  const GgufFile file(at("m.gguf"));
  const auto model = load_model(tiny("llama_bias"));
  const auto found = floats_of(file.find("blk.0.attn_q.bias")->data.data(), 64);
  const std::vector<float>& half = model->weights.layers[0].query_bias;
  for (size_t head = 0; head < 4; ++head) {
    for (size_t pair = 0; pair < 8; ++pair) {
      EXPECT_EQ(found[head * 16 + 2 * pair], half[head * 16 + pair]);
      EXPECT_EQ(found[head * 16 + 2 * pair + 1], half[head * 16 + 8 + pair]);
    }
  }
}

TEST_F(Conversion, OnlyTheRotatedPartOfAHeadIsReordered) {
  const auto in = write_llama({{"partial_rotary_factor", 0.5}});
  convert(in, at("m.gguf"), to_gguf());
  const GgufFile file(at("m.gguf"));
  EXPECT_EQ(file.get_uint("llama.rope.dimension_count"), 2u);
  const auto source = load_model(in);
  const Matrix& query = source->weights.layers[0].query;
  EXPECT_EQ(std::memcmp(file.find("blk.0.attn_q.weight")->data.data(), query.data, 8 * query.row_bytes), 0)
      << "two rotated dimensions are one pair in either order";
  convert(at("m.gguf"), at("back"), to_hf());
  EXPECT_EQ(load_model(at("back"))->config, source->config);
}

TEST_F(Conversion, DynamicScalingIsLeftOutAndSaid) {
  const auto report = convert(tiny("llama_dynamic"), at("m.gguf"), to_gguf());
  EXPECT_THAT(report.remarks, Contains(HasSubstr("dynamic rotary scaling left out")));
  const auto model = load_model(at("m.gguf"));
  EXPECT_EQ(model->config.max_position, 2048u);
  EXPECT_EQ(model->config.rope.scaling, RopeScaling::kNone);
}

TEST_F(Conversion, DivisorsOfAForeignFileBecomeLlama3Parameters) {
  convert(tiny("llama_llama3"), at("own.gguf"), to_gguf());
  const GgufFile own(at("own.gguf"));
  GgufMetadata metadata = own.metadata();
  ASSERT_EQ(metadata.erase("longscroll.rope.llama3"), 1u);
  std::vector<TensorToWrite> tensors;
  for (const TensorView& tensor : own.tensors()) {
    tensors.push_back(
        {tensor.name, *tensor.dtype, tensor.shape, [&tensor](const auto& sink) { sink(tensor.data); }});
  }
  write_gguf(at("foreign.gguf"), metadata, tensors);
  EXPECT_FALSE(load_model(at("foreign.gguf"))->config.rope.frequency_divisors.empty());
  const auto report = convert(at("foreign.gguf"), at("back"), to_hf());
  EXPECT_THAT(report.remarks, Contains(HasSubstr("llama3 rotary scaling by 4 from 2048")));
  EXPECT_EQ(load_model(at("back"))->config.rope, load_model(tiny("llama_llama3"))->config.rope);
}

TEST_F(Conversion, YarnsAttentionFactorSurvives) {
  const json rope = {
      {"rope_type", "yarn"},      {"factor", 4.0},     {"original_max_position_embeddings", 16},
      {"attention_factor", 0.75}, {"beta_fast", 16.0}, {"rope_theta", 10000.0}};
  const auto in = write_llama({{"rope_parameters", rope}});
  convert(in, at("m.gguf"), to_gguf());
  const auto wanted = rope_frequencies(load_model(in)->config.rope, 0);
  const auto found = rope_frequencies(load_model(at("m.gguf"))->config.rope, 0);
  EXPECT_FLOAT_EQ(static_cast<float>(found.attention_scale), 0.75f);
  EXPECT_EQ(found.inv_freq, wanted.inv_freq);
}

void expect_unit_rows(const Matrix& head) {
  for (size_t row = 0; row < head.rows; ++row) {
    double squares = 0;
    for (float value : floats_of(head.data + row * head.row_bytes, head.cols))
      squares += double{value} * value;
    EXPECT_NEAR(std::sqrt(squares), 1.0, 1e-6) << row;
  }
}

TEST_F(Conversion, IndexBecomesALlamaWithItsNormHeadBakedIn) {
  for (const char* name : {"index_theta", "index_ratio", "index_base"}) {
    const auto original = load_model(tiny(name));
    ConvertOptions as_llama = to_hf();
    as_llama.as_llama = true;
    as_llama.force = true;
    const auto report = convert(tiny(name), at("llama"), as_llama);
    EXPECT_EQ(report.source_architecture, "index");
    EXPECT_EQ(report.architecture, "llama");
    EXPECT_THAT(report.remarks, Contains(HasSubstr("norm head baked in")));
    const json config = read_json(at("llama") / "config.json");
    EXPECT_EQ(config["architectures"], json({"LlamaForCausalLM"}));
    EXPECT_EQ(config["rope_parameters"]["rope_theta"], 320000.0);
    EXPECT_FALSE(config.contains("norm_head"));
    const auto llama = load_model(at("llama"));
    expect_unit_rows(llama->weights.head);
    expect_same_weights(*llama, *original, false);

    ConvertOptions gguf = to_gguf();
    gguf.force = true;
    convert(tiny(name), at("m.gguf"), gguf);
    EXPECT_EQ(GgufFile(at("m.gguf")).get_string("general.architecture"), "llama");
    expect_same_matrix(load_model(at("m.gguf"))->weights.head, llama->weights.head, "baked head");
  }
}

TEST_F(Conversion, IndexStaysIndexInADirectoryUnlessAsked) {
  convert(tiny("index_ratio"), at("out"), to_hf());
  const auto original = load_model(tiny("index_ratio"));
  const auto model = load_model(at("out"));
  EXPECT_EQ(model->format, "safetensors");
  EXPECT_EQ(model->config, original->config);
  EXPECT_TRUE(model->config.norm_head);
  expect_same_weights(*model, *original);
}

TEST_F(Conversion, ATiedNormHeadGetsATensorOfItsOwn) {
  const auto in = write_llama({{"model_type", "index"}, {"tie_word_embeddings", true}, {"norm_head", true}});
  const auto report = convert(in, at("m.gguf"), to_gguf());
  EXPECT_THAT(report.remarks, Contains(HasSubstr("no longer tied")));
  const auto model = load_model(at("m.gguf"));
  EXPECT_FALSE(model->config.tied_head);
  EXPECT_NE(model->weights.head.data, model->weights.embedding.data);
}

TEST_F(Conversion, ATiedHeadHasNoTensor) {
  const auto report = convert(tiny("qwen2"), at("m.gguf"), to_gguf());
  EXPECT_THAT(report.remarks, Contains(HasSubstr("head is tied")));
  EXPECT_EQ(GgufFile(at("m.gguf")).find("output.weight"), nullptr);
}

TEST_F(Conversion, EveryTypeIsWrittenAndItsLossSaid) {
  for (const DType type : {DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0}) {
    const std::string name(dtype_info(type).name);
    const auto report = convert(tiny("llama"), at(name), to_gguf(type));
    EXPECT_THAT(report.remarks,
                Contains(AllOf(HasSubstr("precision lowered: 16 tensors from f32 to"), HasSubstr(name))));
    EXPECT_THAT(report.remarks, Contains(HasSubstr("5 norms and biases are f32")));
    EXPECT_EQ(report.types.at(name).tensors, 16u);
    EXPECT_EQ(report.types.at("f32").tensors, 5u);
    const auto model = load_model(at(name));
    EXPECT_EQ(model->weights.layers[0].query.dtype, type);
    EXPECT_EQ(model->weights.layers[0].attention_norm,
              load_model(tiny("llama"))->weights.layers[0].attention_norm);
    EXPECT_EQ(GgufFile(at(name)).get_uint("general.quantization_version").has_value(),
              type == DType::kQ8_0 || type == DType::kQ4_0);
  }
}

TEST_F(Conversion, FromGgufToGgufOnlyTheTypeChanges) {
  convert(tiny("qwen3"), at("f32.gguf"), to_gguf());
  convert(at("f32.gguf"), at("q8.gguf"), to_gguf(DType::kQ8_0));
  const GgufFile from(at("f32.gguf")), to(at("q8.gguf"));
  GgufMetadata wanted = from.metadata();
  wanted["general.file_type"] = uint64_t{7};
  wanted["general.quantization_version"] = uint64_t{2};
  EXPECT_EQ(to.metadata(), wanted);
  convert(tiny("qwen3"), at("straight.gguf"), to_gguf(DType::kQ8_0));
  expect_same_weights(*load_model(at("q8.gguf")), *load_model(at("straight.gguf")));
}

TEST_F(Conversion, RowsThatAreNoWholeBlocksStayF16) {
  const auto report = convert(write_llama(json::object(), 40), at("m.gguf"), to_gguf(DType::kQ8_0));
  EXPECT_THAT(report.remarks,
              Contains(HasSubstr("tensors are f16: their rows are not whole blocks of q8_0")));
  const auto model = load_model(at("m.gguf"));
  EXPECT_EQ(model->weights.embedding.dtype, DType::kF16);
  EXPECT_EQ(model->weights.layers[0].down.dtype, DType::kQ8_0);
}

void set_first_value(std::vector<TensorToWrite>& tensors, const std::string& name, float value) {
  for (TensorToWrite& tensor : tensors) {
    if (!tensor.name.ends_with(name)) continue;
    tensor.produce = [value, shape = tensor.shape](const auto& sink) {
      std::vector<float> values(*checked_product(shape));
      values[0] = value;
      sink(std::as_bytes(std::span(values)));
    };
  }
}

TEST_F(Conversion, ValuesThatDoNotFitTheTypeAreRefused) {
  const auto large = [](auto& tensors) { set_first_value(tensors, "up_proj.weight", 70000.0f); };
  const auto in = write_llama(json::object(), 32, large);
  EXPECT_THAT(fault(ErrorKind::kFile, in, at("m.gguf"), to_gguf(DType::kF16)),
              AllOf(HasSubstr("blk.0.ffn_up.weight"), HasSubstr("70000"), HasSubstr("bf16")));
  EXPECT_EQ(fault(ErrorKind::kFile, in, at("q8.gguf"), to_gguf(DType::kQ8_0)), "")
      << "a block has its own scale";
  const auto nan = [](auto& tensors) {
    set_first_value(tensors, "up_proj.weight", std::numeric_limits<float>::quiet_NaN());
  };
  EXPECT_THAT(
      fault(ErrorKind::kFile, write_llama(json::object(), 32, nan), at("m.gguf"), to_gguf(DType::kQ4_0)),
      HasSubstr("values must fit q4_0, found nan"));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("made", "q8.gguf"));
}

TEST_F(Conversion, ABiasThatOnlySomeProjectionsHaveIsCompletedWithZeros) {
  convert(tiny("llama_bias"), at("m.gguf"), to_gguf());
  const GgufFile whole(at("m.gguf"));
  std::vector<TensorToWrite> tensors;
  for (const TensorView& tensor : whole.tensors()) {
    if (tensor.name.ends_with("attn_output.bias")) continue;
    tensors.push_back(
        {tensor.name, *tensor.dtype, tensor.shape, [&tensor](const auto& sink) { sink(tensor.data); }});
  }
  write_gguf(at("part.gguf"), whole.metadata(), tensors);
  const auto report = convert(at("part.gguf"), at("back"), to_hf());
  EXPECT_THAT(report.remarks, Contains(HasSubstr("2 biases of zeros added")));
  const auto model = load_model(at("back"));
  EXPECT_EQ(model->weights.layers[0].output_bias, std::vector<float>(64));
  EXPECT_EQ(model->weights.layers[1].query_bias,
            load_model(tiny("llama_bias"))->weights.layers[1].query_bias);
}

TEST_F(Conversion, LargeModelsAreCutIntoShardsThatLoadAgain) {
  ConvertOptions options = to_hf();
  options.shard_bytes = 100'000;
  const auto report = convert(tiny("llama"), at("out"), options);
  EXPECT_THAT(report.files,
              ElementsAre("config.json", "model-00001-of-00004.safetensors",
                          "model-00002-of-00004.safetensors", "model-00003-of-00004.safetensors",
                          "model-00004-of-00004.safetensors", "model.safetensors.index.json"));
  EXPECT_EQ(read_json(at("out") / "model.safetensors.index.json")["metadata"]["total_size"],
            report.types.at("f32").bytes);
  expect_same_weights(*load_model(at("out")), *load_model(tiny("llama")));
}

TEST_F(Conversion, GemmasScaleThatReadersWillRoundOtherwiseIsSaid) {
  EXPECT_THAT(convert(tiny("gemma3"), at("m.gguf"), to_gguf(DType::kBF16)).remarks,
              Contains(HasSubstr("embedding's scale was rounded to f32")));
  EXPECT_THAT(convert(tiny("gemma3"), at("f32.gguf"), to_gguf()).remarks,
              Not(Contains(HasSubstr("embedding's scale"))));
}

TEST_F(Conversion, NothingIsReplacedUnlessForced) {
  convert(tiny("llama"), at("m.gguf"), to_gguf());
  convert(tiny("llama"), at("out"), to_hf());
  EXPECT_THAT(fault(ErrorKind::kArgument, tiny("qwen2"), at("m.gguf"), to_gguf()),
              AllOf(HasSubstr("must not exist"), HasSubstr("--force")));
  EXPECT_THAT(fault(ErrorKind::kArgument, tiny("qwen2"), at("out"), to_hf()), HasSubstr("must not exist"));
  EXPECT_EQ(load_model(at("out"))->config.architecture, "llama");
  ConvertOptions gguf = to_gguf(), hf = to_hf();
  gguf.force = hf.force = true;
  convert(tiny("qwen2"), at("m.gguf"), gguf);
  convert(tiny("qwen2"), at("out"), hf);
  EXPECT_EQ(load_model(at("m.gguf"))->config.architecture, "qwen2");
  EXPECT_EQ(load_model(at("out"))->config.architecture, "qwen2");
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("m.gguf", "out"));
}

TEST_F(Conversion, ForceReplacesNothingButAModelOfTheSameForm) {
  ConvertOptions gguf = to_gguf(), hf = to_hf();
  gguf.force = hf.force = true;
  fs::create_directory(at("notes"));
  folder_.write("notes/text.txt", "kept");
  folder_.write("file", "kept");
  EXPECT_THAT(fault(ErrorKind::kArgument, tiny("llama"), at("notes"), hf), HasSubstr("model's directory"));
  EXPECT_THAT(fault(ErrorKind::kArgument, tiny("llama"), at("notes"), gguf), HasSubstr("must be a file"));
  EXPECT_THAT(fault(ErrorKind::kArgument, tiny("llama"), at("file"), hf), HasSubstr("must be a directory"));
  EXPECT_TRUE(fs::exists(at("notes") / "text.txt"));
}

TEST_F(Conversion, TheInputIsNeverTheOutput) {
  ConvertOptions gguf = to_gguf(), hf = to_hf();
  gguf.force = hf.force = true;
  const auto made = write_llama();
  convert(made, at("m.gguf"), gguf);
  EXPECT_THAT(fault(ErrorKind::kArgument, at("m.gguf"), at("m.gguf"), gguf),
              HasSubstr("must not be the input"));
  EXPECT_THAT(fault(ErrorKind::kArgument, made, made / ".", hf), HasSubstr("must not be the input"));
  fs::rename(at("m.gguf"), made / "m.gguf");
  EXPECT_THAT(fault(ErrorKind::kArgument, made / "m.gguf", made, hf), HasSubstr("must not hold the input"));
}

TEST_F(Conversion, OptionsThatContradictEachOtherAreNamed) {
  EXPECT_THAT(fault(ErrorKind::kArgument, tiny("llama"), at("m"), to_hf(DType::kQ8_0)), HasSubstr("--type"));
  EXPECT_THAT(fault(ErrorKind::kArgument, tiny("llama"), at("m"), to_gguf(DType::kQ4_K)),
              AllOf(HasSubstr("--type"), HasSubstr("q4_k")));
  ConvertOptions as_llama = to_hf();
  as_llama.as_llama = true;
  EXPECT_THAT(fault(ErrorKind::kUnsupported, tiny("qwen2"), at("m"), as_llama),
              AllOf(HasSubstr("--as llama"), HasSubstr("qwen2")));
}

TEST_F(Conversion, AFaultyInputLeavesNothingBehind) {
  const auto missing = [](auto& tensors) { tensors.pop_back(); };
  EXPECT_THAT(fault(ErrorKind::kFile, write_llama(json::object(), 32, missing), at("m.gguf"), to_gguf()),
              HasSubstr("mlp.down_proj.weight: must be there, is missing"));
  EXPECT_THAT(fault(ErrorKind::kFile, at("none"), at("m.gguf"), to_gguf()), HasSubstr("does not exist"));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("made"));
}

TEST_F(Conversion, AnOutputThatCannotBeWrittenIsNamed) {
  folder_.write("file", "");
  for (const auto& options : {to_gguf(), to_hf()}) {
    EXPECT_THAT(fault(ErrorKind::kFile, tiny("llama"), at("no/such/m"), options),
                AllOf(HasSubstr("no/such/m"), HasSubstr("must be writable")));
    EXPECT_THAT(fault(ErrorKind::kFile, tiny("llama"), at("file/m"), options), HasSubstr("file/m"));
  }
}

TEST_F(Conversion, StoppingLeavesWhatWasThereAndNothingElse) {
  convert(tiny("llama"), at("m.gguf"), to_gguf());
  convert(tiny("llama"), at("out"), to_hf());
  std::atomic<bool> cancel = true;
  ConvertEvents events;
  events.cancel = &cancel;
  for (auto& [name, options] : {std::pair("m.gguf", to_gguf()), std::pair("out", to_hf())}) {
    ConvertOptions forced = options;
    forced.force = true;
    const std::string what =
        error_of(ErrorKind::kCancelled, [&] { convert_model(tiny("qwen2"), at(name), forced, events); });
    EXPECT_THAT(what, HasSubstr("stopped"));
    EXPECT_EQ(load_model(at(name))->config.architecture, "llama");
  }
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("m.gguf", "out"));
}

TEST_F(Conversion, ProgressEndsAtTheLastByte) {
  uint64_t last = 0, all = 0;
  ConvertEvents events;
  events.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, last);
    last = done;
    all = total;
  };
  const auto report = convert_model(tiny("llama"), at("m.gguf"), to_gguf(), events);
  EXPECT_EQ(last, report.types.at("f32").bytes);
  EXPECT_EQ(all, last);
}

}  // namespace
}  // namespace longscroll
