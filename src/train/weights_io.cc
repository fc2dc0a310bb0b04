#include "train/weights_io.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "model/hf_export.h"
#include "model/row_order.h"
#include "model/tensor_places.h"

namespace longscroll::train {
namespace {

using at::Tensor;
using Json = nlohmann::ordered_json;

constexpr int64_t kBlockElements = 1 << 22;
constexpr double kIndexBase = 10000.0;  // what Index's rope_ratio multiplies

int64_t rows_of_block(const Tensor& tensor) {
  const int64_t width = tensor.dim() == 2 ? tensor.size(1) : 1;
  return std::max<int64_t>(1, kBlockElements / std::max<int64_t>(1, width));
}

void check_same_model(const ModelConfig& config, const Model& model) {
  ModelConfig found = trainable_config(model.config);
  found.rope = config.rope;
  found.rope_local = config.rope_local;
  found.max_position = config.max_position;
  if (found == config) return;
  throw Error(
      ErrorKind::kArgument, model.path.string(),
      fmt::format("must be the model that is trained ({}, {} layers of {}, vocabulary {}), is another "
                  "({}, {} layers of {}, vocabulary {})",
                  config.architecture, config.num_layers, config.hidden_size, config.vocab_size,
                  found.architecture, found.num_layers, found.hidden_size, found.vocab_size));
}

void copy_matrix(const Matrix& matrix, const RowOrder& order, const Tensor& out) {
  const auto width = static_cast<int64_t>(matrix.cols);
  const int64_t step = rows_of_block(out);
  for (int64_t first = 0; first < out.size(0); first += step) {
    const int64_t count = std::min(step, out.size(0) - first);
    const Tensor block = at::empty({count, width}, at::kFloat);
    float* values = block.data_ptr<float>();
    for (int64_t row = 0; row < count; ++row) {
      read_row(matrix, order.source_of(static_cast<size_t>(first + row)),
               {values + row * width, matrix.cols});
    }
    out.narrow(0, first, count).copy_(block);
  }
}

void copy_vector(const std::vector<float>& vector, const RowOrder& order, const Tensor& out) {
  const Tensor values = at::empty({static_cast<int64_t>(vector.size())}, at::kFloat);
  float* value = values.data_ptr<float>();
  for (size_t i = 0; i < vector.size(); ++i) value[i] = vector[order.source_of(i)];
  out.copy_(values);
}

at::ScalarType torch_type(DType type) {
  if (type == DType::kF32) return at::kFloat;
  if (type == DType::kBF16) return at::kBFloat16;
  if (type == DType::kF16) return at::kHalf;
  throw Error(ErrorKind::kArgument, "type",
              fmt::format("must be f32, bf16 or f16, is {}", dtype_info(type).name));
}

// `rows(first, count)` gives a piece of the tensor, on any device and in any type.
TensorToWrite produced_by_rows(const std::string& name, const Tensor& like, DType type,
                               std::function<Tensor(int64_t first, int64_t count)> rows) {
  const at::ScalarType stored = torch_type(type);
  TensorToWrite result{name, type, {}, {}};
  for (const int64_t size : like.sizes()) result.shape.push_back(static_cast<uint64_t>(size));
  result.produce = [=, step = rows_of_block(like), total = like.size(0)](const auto& sink) {
    const at::NoGradGuard no_grad;
    for (int64_t first = 0; first < total; first += step) {
      const Tensor piece = rows(first, std::min(step, total - first)).to(at::kCPU);
      const Tensor converted = piece.to(stored).contiguous();
      if (stored == at::kHalf && !converted.isfinite().all().item<bool>()) {
        throw Error(ErrorKind::kFile, name, "values must fit f16, found larger ones", "save as bf16 or f32");
      }
      sink({static_cast<const std::byte*>(converted.data_ptr()), static_cast<size_t>(converted.nbytes())});
    }
  };
  return result;
}

TensorToWrite merged_to_write(const NamedParameter& weight, const Projection& adapter, DType type) {
  const Tensor matrix = weight.tensor, a = adapter.lora_a, b = adapter.lora_b;
  const double scale = adapter.lora_scale;
  return produced_by_rows(weight.name, matrix, type, [=](int64_t first, int64_t count) {
    return matrix.narrow(0, first, count).to(at::kFloat).add(at::mm(b.narrow(0, first, count), a), scale);
  });
}

// For hf_config(): what is described is lm, not the model that it was loaded from.
std::shared_ptr<const Model> description_of(const LanguageModel& lm, const Model& source) {
  auto model = std::make_shared<Model>();
  model->config = lm.config();
  model->path = source.path;
  model->weights.layers.resize(lm.config().num_layers);
  for (const NamedParameter& weight : lm.weights()) {
    if (!is_bias(weight.role)) continue;
    vector_place(weight.role, model->weights, &model->weights.layers[weight.layer])
        ->resize(static_cast<size_t>(weight.tensor.numel()));
  }
  return model;
}

// The words that the source's own file has for the base, with the new one.
void put_rope(const Json& fresh, Json& config) {
  const Json& parameters = fresh.at("rope_parameters");
  const double base = parameters.at("rope_theta");
  config.erase("rope_scaling");  // the older form
  config["rope_parameters"] = parameters;
  config["max_position_embeddings"] = fresh.at("max_position_embeddings");
  if (config.value("model_type", "") == "index" || config.contains("rope_theta")) config["rope_theta"] = base;
  if (config.contains("rope_base")) config["rope_base"] = base;
  if (config.contains("rope_ratio")) config["rope_ratio"] = base / kIndexBase;
}

Json config_of(const LanguageModel& lm, const ConversionSource& source, const ExportTarget& target,
               Remarks& remarks) {
  ConversionSource described;  // no file behind it, so that the configuration is written anew
  described.model = description_of(lm, *source.model);
  described.architecture = source.architecture;
  described.tokenizer = source.tokenizer;
  described.name = source.name;
  if (source.directory.empty()) return hf_config(described, target, remarks);
  Json config = hf_config(source, target, remarks);
  const ModelConfig& before = source.model->config;
  const bool same = before.rope == lm.config().rope && before.max_position == lm.config().max_position;
  if (!same) put_rope(hf_config(described, target, remarks), config);
  return config;
}

}  // namespace

std::vector<std::string> load_weights(LanguageModel& lm, const Model& model) {
  check_same_model(lm.config(), model);
  const at::NoGradGuard no_grad;
  std::map<std::string_view, size_t> rounded;
  size_t made_up = 0;
  for (const NamedParameter& weight : lm.weights()) {
    const LayerWeights& layer = model.weights.layers[weight.layer];
    const RowOrder order = row_order_of(weight.role, model.config, RopeLayout::kHalfSplit);
    if (const Matrix* matrix = matrix_place(weight.role, model.weights, &layer)) {
      copy_matrix(*matrix, order, weight.tensor);
      const bool kept = weight.tensor.scalar_type() == at::kFloat || matrix->dtype == DType::kBF16;
      if (!kept) ++rounded[dtype_info(matrix->dtype).name];
      continue;
    }
    const std::vector<float>* vector = vector_place(weight.role, model.weights, &layer);
    if (vector->empty()) {
      weight.tensor.zero_();
      ++made_up;
    } else {
      copy_vector(*vector, order, weight.tensor);
    }
  }
  std::vector<std::string> remarks;
  for (const auto& [type, count] : rounded) {
    remarks.push_back(fmt::format(
        "precision lowered: {} frozen matrices from {} to bf16, which they are computed in", count, type));
  }
  if (made_up > 0) {
    remarks.push_back(fmt::format(
        "{} biases of zeros added: transformers has a bias in every projection or in none", made_up));
  }
  return remarks;
}

TensorToWrite tensor_to_write(const std::string& name, const Tensor& tensor, DType type) {
  const Tensor held = tensor.detach();
  return produced_by_rows(name, held, type,
                          [held](int64_t first, int64_t count) { return held.narrow(0, first, count); });
}

SavedModel save_weights(const LanguageModel& lm, const std::filesystem::path& source,
                        const std::filesystem::path& directory, const SaveOptions& options) {
  SavedModel saved;
  std::vector<TensorToWrite> tensors;
  size_t rounded = 0;
  for (const NamedParameter& weight : lm.weights()) {
    const Projection* adapter = lm.adapter_of(weight);
    tensors.push_back(adapter != nullptr ? merged_to_write(weight, *adapter, options.type)
                                         : tensor_to_write(weight.name, weight.tensor, options.type));
    const bool exact = adapter == nullptr && weight.tensor.scalar_type() == torch_type(options.type);
    if (!exact && options.type != DType::kF32) ++rounded;
  }
  if (rounded > 0) {
    saved.remarks.push_back(
        fmt::format("precision lowered: {} tensors from f32 to {}", rounded, dtype_info(options.type).name));
  }
  const ConversionSource from = open_conversion_source(source);
  check_same_model(lm.config(), *from.model);
  const ExportTarget target{ModelForm::kHuggingFace, options.type, from.architecture, false};
  saved.files = {"config.json"};
  write_file(directory / "config.json", config_of(lm, from, target, saved.remarks).dump(2) + "\n");
  for (std::string& name : write_hf_tokenizer(from, target, directory, saved.remarks))
    saved.files.push_back(std::move(name));
  for (std::string& name : write_hf_weights(directory, std::move(tensors), options.shard_bytes))
    saved.files.push_back(std::move(name));
  return saved;
}

}  // namespace longscroll::train
