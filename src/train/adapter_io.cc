#include "train/adapter_io.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "formats/safetensors.h"
#include "model/hf_export.h"
#include "model/json_fields.h"
#include "train/weights_io.h"

namespace longscroll::train {
namespace {

using at::Tensor;

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kWeightSuffix = ".weight";
constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";

struct AdapterTensor {
  std::string name;  // in the file
  Tensor tensor;
};

std::string module_of(const NamedParameter& weight) {
  return weight.name.substr(0, weight.name.size() - kWeightSuffix.size());
}

bool trained_whole(const NamedParameter& weight) {
  return weight.tensor.requires_grad();
}

// A tied head is saved as a module of its own: PEFT trains copies, which are no longer tied.
std::vector<AdapterTensor> adapter_tensors(const LanguageModel& lm) {
  std::vector<AdapterTensor> all;
  for (const NamedParameter& weight : lm.weights()) {
    if (const Projection* adapter = lm.adapter_of(weight)) {
      all.push_back({fmt::format("{}{}.lora_A.weight", kPrefix, module_of(weight)), adapter->lora_a});
      all.push_back({fmt::format("{}{}.lora_B.weight", kPrefix, module_of(weight)), adapter->lora_b});
    } else if (trained_whole(weight)) {
      all.push_back({fmt::format("{}{}", kPrefix, weight.name), weight.tensor});
      if (weight.role == TensorRole::kEmbedding && lm.config().tied_head)
        all.push_back({fmt::format("{}lm_head.weight", kPrefix), weight.tensor});
    }
  }
  return all;
}

// The last parts of the names of the modules that were trained whole.
std::set<std::string> saved_modules(const LanguageModel& lm) {
  std::set<std::string> names;
  for (const NamedParameter& weight : lm.weights()) {
    if (!trained_whole(weight)) continue;
    const std::string module = module_of(weight);
    names.insert(module.substr(module.rfind('.') + 1));
    if (weight.role == TensorRole::kEmbedding && lm.config().tied_head) names.insert("lm_head");
  }
  return names;
}

nlohmann::ordered_json config_of(const LanguageModel& lm, const std::string& base_model) {
  const LoraOptions& lora = lm.options().lora;
  const std::set<std::string> modules = saved_modules(lm);
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base_model},
          {"r", lora.rank},
          {"lora_alpha", lora.alpha},
          {"lora_dropout", 0.0},
          {"target_modules", lora.targets},
          {"modules_to_save", modules.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(modules)},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"init_lora_weights", true},
          {"inference_mode", true}};
}

void check_config(const LanguageModel& lm, const std::filesystem::path& path) {
  const nlohmann::json json = read_json_object(path);
  const JsonFields fields(json, path.string());
  const LoraOptions& lora = lm.options().lora;
  const uint32_t rank = fields.need_uint("r");
  if (rank != lora.rank) fields.fail("r", fmt::format("must be the model's {}, is {}", lora.rank, rank));
  const auto alpha = fields.get_number("lora_alpha");
  if (!alpha || *alpha != lora.alpha) {
    fields.fail("lora_alpha", fmt::format("must be the model's {}, is {}", lora.alpha,
                                          alpha ? fmt::to_string(*alpha) : "not given"));
  }
}

void copy_from_file(const TensorView& view, const std::string& where, const Tensor& out) {
  const std::vector<uint64_t> shape(out.sizes().begin(), out.sizes().end());
  if (view.shape != shape || view.dtype != DType::kF32) {
    throw Error(ErrorKind::kFile, where,
                fmt::format("{}: must be F32 [{}], is {} [{}]", view.name, fmt::join(shape, ", "),
                            view.type_name, fmt::join(view.shape, ", ")));
  }
  const Tensor values = at::empty(out.sizes(), at::kFloat);
  std::memcpy(values.data_ptr<float>(), view.data.data(), view.data.size());
  out.copy_(values);
}

}  // namespace

void save_adapter(const LanguageModel& lm, const std::string& base_model,
                  const std::filesystem::path& directory) {
  if (lm.options().lora.rank == 0)
    throw Error(ErrorKind::kArgument, "lora.rank", "must be above 0 for an adapter to be saved, is 0");
  std::vector<TensorToWrite> tensors;
  for (const AdapterTensor& own : adapter_tensors(lm))
    tensors.push_back(tensor_to_write(own.name, own.tensor, DType::kF32));
  write_safetensors(directory / kWeightsFile, {{"format", "pt"}}, tensors);
  write_file(directory / kConfigFile, config_of(lm, base_model).dump(2) + "\n");
}

void load_adapter(LanguageModel& lm, const std::filesystem::path& directory) {
  check_config(lm, directory / kConfigFile);
  const SafetensorsFile file(directory / kWeightsFile);
  const std::string where = (directory / kWeightsFile).string();
  std::map<std::string_view, const TensorView*> found;
  for (const TensorView& view : file.tensors()) found.emplace(view.name, &view);
  const at::NoGradGuard no_grad;
  for (const AdapterTensor& own : adapter_tensors(lm)) {
    const auto view = found.find(own.name);
    if (view == found.end())
      throw Error(ErrorKind::kFile, where, fmt::format("{}: must be there, is missing", own.name));
    copy_from_file(*view->second, where, own.tensor);
    found.erase(view);
  }
  if (!found.empty()) {
    throw Error(ErrorKind::kFile, where,
                fmt::format("{}: must belong to the model's adapters, does not", found.begin()->first));
  }
}

}  // namespace longscroll::train
