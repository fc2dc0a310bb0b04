// Twelve faults planted in a checkpoint that is known to the last weight, and sound ones in every form: each
// fault is found under its name, and in the sound ones nothing is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "doctor/echo_model.h"
#include "doctor/files.h"
#include "doctor/measure.h"
#include "doctor/weights.h"

namespace longscroll::doctor {
namespace {

namespace fs = std::filesystem;

using test::EchoOptions;

struct Patient {
  std::function<fs::path(const test::TempFolder&)> write;
  KvType kv = KvType::kQ8;
  size_t text = 600;
};

std::vector<Finding> diagnose(const Patient& patient) {
  const test::TempFolder folder;
  LoadOptions load;
  load.need_tokenizer = true;
  const std::shared_ptr<const Model> model = load_model(patient.write(folder), load);
  std::vector<Finding> findings = examine_files(*model);
  const auto add = [&findings](const std::vector<Finding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  add(examine_weights(*model));
  MeasureRequest request;
  request.model = model;
  request.session = {.threads = 1, .kv_type = patient.kv};
  request.text = test::echo_text(patient.text);
  add(judge(measure(request), *model, patient.kv));
  return findings;
}

std::string listed(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings)
    text += std::string(to_string(finding.severity)) + " " + finding.check + ": " + finding.text + "\n";
  return text;
}

Patient gguf(EchoOptions options) {
  return {[options](const test::TempFolder& folder) { return test::write_echo(folder, options); }};
}
Patient directory(EchoOptions options, nlohmann::json config) {
  return {
      [=](const test::TempFolder& folder) { return test::write_echo_directory(folder, options, config); }};
}

const nlohmann::json kIndex = {
    {"architectures", {"IndexForCausalLM"}}, {"model_type", "index"}, {"norm_head", true}};

void expect_sound(const Patient& patient) {
  for (const Finding& finding : diagnose(patient))
    EXPECT_EQ(finding.severity, Severity::kNote) << finding.check << ": " << finding.text;
}

TEST(SoundModels, HaveNoFindings) {
  expect_sound(gguf({}));
  expect_sound(directory({}, {}));
  expect_sound(directory({.varied_head = true}, kIndex));
  expect_sound(gguf({.trained_base = 320000, .metadata = {{"llama.rope.freq_base", 320000.0}}}));
}

TEST(SoundModels, BearEightBitKeysThatFourBitsWouldRuin) {
  expect_sound(gguf({.key_outlier = 20}));
}

struct Planted {
  const char* check;
  Patient patient;
};

class PlantedFault : public testing::TestWithParam<Planted> {};

TEST_P(PlantedFault, IsFoundUnderItsName) {
  const std::vector<Finding> findings = diagnose(GetParam().patient);
  const auto found = std::ranges::find_if(findings, [](const Finding& finding) {
    return finding.check == GetParam().check && finding.severity != Severity::kNote;
  });
  EXPECT_NE(found, findings.end()) << listed(findings);
}

std::vector<Planted> twelve_faults() {
  Patient wrong_window = gguf({.far_pull = 7});
  wrong_window.text = 2200;
  Patient collapsing = gguf({.key_outlier = 20});
  collapsing.kv = KvType::kQ4;
  return {
      {"base", gguf({.trained_base = 320000})},
      {"rope_ratio", directory({.trained_base = 320000}, {{"rope_ratio", 32}})},
      {"norm_head",
       directory({.varied_head = true},
                 {{"architectures", {"IndexForCausalLM"}}, {"model_type", "index"}, {"norm_head", false}})},
      {"template",
       gguf({.metadata = {{"tokenizer.chat_template", std::string("<|start_header_id|>user<|eot_id|>")}}})},
      {"special_tokens", gguf({.metadata = {{"tokenizer.ggml.bos_token_id", test::kEnd},
                                            {"tokenizer.ggml.eos_token_id", test::kBegin}}})},
      {"window", wrong_window},
      {"rotation_order", gguf({.half_split = true})},
      {"eps", gguf({.metadata = {{"llama.attention.layer_norm_rms_epsilon", 0.01}}})},
      {"tied_head", directory({}, {{"tie_word_embeddings", true}})},
      {"bos", gguf({.metadata = {{"tokenizer.ggml.bos_token_id", uint64_t{97}}}})},
      {"kv", collapsing},
      {"weights", gguf({.damaged_layer = 2})}};
}

INSTANTIATE_TEST_SUITE_P(Twelve, PlantedFault, testing::ValuesIn(twelve_faults()),
                         [](const auto& tested) { return std::string(tested.param.check); });

// A head that should be normalised but is of another architecture, where only measuring can tell.
TEST(Measuring, FindsAHeadThatWouldBeReadBetterNormalised) {
  const std::vector<Finding> findings = diagnose(gguf({.varied_head = true}));
  EXPECT_THAT(listed(findings), testing::HasSubstr("fault norm_head: the text is predicted better"));
}

TEST(Measuring, NamesTheBaseThatReadsBetter) {
  EXPECT_THAT(listed(diagnose(gguf({.trained_base = 320000}))), testing::HasSubstr("base 320000"));
}

TEST(Measuring, SaysHowFarTheModelWorks) {
  const test::TempFolder folder;
  MeasureRequest request;
  request.model = load_model(test::write_echo(folder, {.far_pull = 7}));
  request.session = {.threads = 1, .kv_type = KvType::kF32};
  request.text = test::echo_text(2200);
  const Measurements measured = measure(request);
  EXPECT_EQ(measured.length, 2199u);
  EXPECT_GT(measured.working_window, 100u);
  EXPECT_LT(measured.working_window, 1800u);
  EXPECT_EQ(measured.kv_divergence, 0.0);
}

TEST(Measuring, ATextTooShortIsRefused) {
  const test::TempFolder folder;
  MeasureRequest request;
  request.model = load_model(test::write_echo(folder));
  request.text = test::echo_text(20);
  EXPECT_THROW(measure(request), Error);
}

TEST(Weights, ValuesThatAreNoNumbersAndMatricesOfZerosAreNamed) {
  const test::TempFolder folder;
  const fs::path path = folder.path() / "bad.gguf";
  std::vector<TensorToWrite> tensors = test::EchoWeights({}).tensors();
  for (TensorToWrite& tensor : tensors) {
    const bool broken = tensor.name == "blk.1.ffn_up.weight", empty = tensor.name == "blk.3.attn_v.weight";
    if (!broken && !empty) continue;
    std::vector<float> values(tensor.shape[0] * tensor.shape[1], broken ? 0.5f : 0.0f);
    if (broken) values[17] = std::numeric_limits<float>::quiet_NaN();
    tensor.produce = [values](const auto& sink) { sink(std::as_bytes(std::span(values))); };
  }
  write_gguf(path, test::echo_metadata(), tensors);
  const std::string found = listed(examine_weights(*load_model(path)));
  EXPECT_THAT(found, testing::HasSubstr("blk.1.ffn_up.weight: 1 values are no numbers"));
  EXPECT_THAT(found, testing::HasSubstr("blk.3.attn_v.weight: every value is 0"));
}

}  // namespace
}  // namespace longscroll::doctor
