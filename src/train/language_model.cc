// T tokens of a pack, P positions that predict, D hidden, V vocabulary.
#include "train/language_model.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "base/error.h"
#include "model/tensor_places.h"
#include "train/checkpointing.h"
#include "train/rms_norm.h"

namespace longscroll::train {
namespace {

using at::Tensor;

constexpr double kInitialDeviation = 0.02;  // as transformers draws the weights of these architectures
constexpr std::string_view kWeightSuffix = ".weight";

at::ScalarType scalar_type(Compute compute) {
  return compute == Compute::kBF16 ? at::kBFloat16 : at::kFloat;
}

at::Device device_of(const std::string& name) {
  std::optional<at::Device> device;
  try {
    device = at::Device(name);
  } catch (const c10::Error&) {
    throw Error(ErrorKind::kArgument, "device", fmt::format("must be cpu, cuda or cuda:N, is {}", name));
  }
  if (device->is_cuda() && !at::hasCUDA()) {
    throw Error(ErrorKind::kUnsupported, "device", fmt::format("{} must be usable, is not", name),
                "this needs a CUDA build of torch and a GPU");
  }
  return *device;
}

// Registers under a name with dots, which become modules in modules.
Tensor add_parameter(torch::nn::Module& root, const std::string& name, Tensor value, bool learns) {
  torch::nn::Module* module = &root;
  size_t begin = 0;
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
    const std::string part = name.substr(begin, dot - begin);
    const auto children = module->named_children();
    const auto* child = children.find(part);
    module = child != nullptr ? child->get()
                              : module->register_module(part, std::make_shared<torch::nn::Module>()).get();
    begin = dot + 1;
  }
  return module->register_parameter(name.substr(begin), std::move(value), learns);
}

// Null when the role is no projection's matrix. Layer: const or not.
template <class Layer>
auto projection_of(TensorRole role, Layer& layer) -> decltype(&layer.query) {
  using enum TensorRole;
  switch (role) {
    case kQuery:
      return &layer.query;
    case kKey:
      return &layer.key;
    case kValue:
      return &layer.value;
    case kOutput:
      return &layer.output;
    case kGate:
      return &layer.gate;
    case kUp:
      return &layer.up;
    case kDown:
      return &layer.down;
    default:
      return nullptr;
  }
}

std::vector<int64_t> sizes_of(TensorRole role, const ModelConfig& config) {
  const std::vector<uint64_t> shape = tensor_shape(role, config);
  return {shape.begin(), shape.end()};
}

}  // namespace

LanguageModel::LanguageModel(const ModelConfig& config, const ModelOptions& options)
    : config_(trainable_config(config)), options_(options) {
  train::validate(options_);
  longscroll::validate(config_, config_.architecture);
  layers_.resize(config_.num_layers);
  const Architecture* row = architecture_by_name(config_.architecture);
  for (const TensorName& name : row->tensors) {
    const bool absent = name.role == TensorRole::kRopeDivisors ||
                        (name.role == TensorRole::kHead && config_.tied_head) ||
                        // transformers' one switch gives every projection a bias, or none
                        (is_bias(name.role) && !name.required && !config_.key_bias);
    if (absent) continue;
    const size_t count = name.per_layer() ? layers_.size() : 1;
    for (size_t i = 0; i < count; ++i) add_weight(name.role, tensor_name(name.hf, i), i);
  }
  if (options_.lora.rank > 0) add_adapters();
  rotary_ = RotaryTables(config_.rope, device_of(options_.device));
}

bool LanguageModel::learns(TensorRole role) const {
  const LoraOptions& lora = options_.lora;
  if (lora.rank == 0) return true;
  if (role == TensorRole::kEmbedding || role == TensorRole::kHead) return lora.train_embeddings;
  return is_norm(role) && lora.train_norms;
}

void LanguageModel::add_weight(TensorRole role, const std::string& name, size_t layer) {
  const std::vector<int64_t> sizes = sizes_of(role, config_);
  const bool matrix = sizes.size() == 2;
  const at::ScalarType type = matrix && !learns(role) ? scalar_type(options_.compute) : at::ScalarType::Float;
  const auto form = at::TensorOptions().dtype(type).device(device_of(options_.device));
  Tensor value = is_norm(role) ? at::ones(sizes, form) : at::zeros(sizes, form);
  if (matrix && options_.draw_weights) value.normal_(0.0, kInitialDeviation);
  Tensor& place = place_of(role, layer);
  place = add_parameter(*this, name, std::move(value), learns(role));
  weights_.push_back({name, role, layer, place});
}

Tensor& LanguageModel::place_of(TensorRole role, size_t layer) {
  using enum TensorRole;
  LayerTensors& own = layers_[layer];
  if (Projection* projection = projection_of(role, own)) return projection->weight;
  switch (role) {
    case kEmbedding:
      return embedding_;
    case kFinalNorm:
      return final_norm_;
    case kHead:
      return head_;
    case kAttentionNorm:
      return own.attention_norm;
    case kFfnNorm:
      return own.ffn_norm;
    case kQueryBias:
      return own.query.bias;
    case kKeyBias:
      return own.key.bias;
    case kValueBias:
      return own.value.bias;
    case kOutputBias:
      return own.output.bias;
    case kQueryNorm:
      return own.query_norm;
    case kKeyNorm:
      return own.key_norm;
    default:
      throw Error(ErrorKind::kUnsupported, config_.architecture,
                  "tensors must be those of a layer that is trained here, are others");
  }
}

// A is drawn as torch draws a linear layer's weights, B is zero: at first an adapter changes nothing.
void LanguageModel::add_adapters() {
  const LoraOptions& lora = options_.lora;
  const auto form = at::TensorOptions().dtype(at::kFloat).device(device_of(options_.device));
  for (const NamedParameter& weight : weights_) {
    if (!weight.name.ends_with(kWeightSuffix)) continue;
    const std::string module = weight.name.substr(0, weight.name.size() - kWeightSuffix.size());
    const std::string last = module.substr(module.rfind('.') + 1);
    if (std::ranges::find(lora.targets, last) == lora.targets.end()) continue;
    Projection* projection = projection_of(weight.role, layers_[weight.layer]);
    assert(projection != nullptr);
    const int64_t in = weight.tensor.size(1), out = weight.tensor.size(0);
    const double bound = 1.0 / std::sqrt(static_cast<double>(in));
    projection->lora_a = add_parameter(*this, module + ".lora_A.weight",
                                       at::empty({lora.rank, in}, form).uniform_(-bound, bound), true);
    projection->lora_b =
        add_parameter(*this, module + ".lora_B.weight", at::zeros({out, lora.rank}, form), true);
    projection->lora_scale = lora.alpha / lora.rank;
  }
}

HeadOptions LanguageModel::head_options() const {
  return {config_.norm_head, scalar_type(options_.compute), options_.loss_chunk};
}

PackTensors LanguageModel::needed_of(const data::Pack& pack) const {
  return pack_tensors(pack, config_.vocab_size, embedding_.device(), Extent::kNeeded);
}

// After the final norm, of the given places or, if those are undefined, of all: [P, D].
Tensor LanguageModel::hidden(const PackTensors& input, const Tensor& places) {
  auto pass = std::make_shared<PassContext>();
  pass->config = &config_;
  pass->documents = input.documents;
  pass->rotary = rotary_.table_of(input.documents);
  pass->compute = scalar_type(options_.compute);
  pass->ffn_chunk = options_.ffn_chunk;
  pass->keep_attention = options_.keep_attention;

  Tensor x_TD = at::embedding(embedding_, input.ids).to(pass->compute);
  for (const LayerTensors& layer : layers_) {
    if (!at::GradMode::is_enabled()) {
      x_TD = layer_without_gradients(x_TD, layer, *pass);
    } else if (options_.checkpoint_layers) {
      x_TD = checkpointed_layer(x_TD, layer, pass);
    } else {
      const LayerTensors cast = in_compute_type(layer, pass->compute);
      x_TD = ffn_block(attention_block(x_TD, cast, *pass), cast, *pass);
    }
  }
  if (places.defined()) x_TD = x_TD.index_select(0, places);
  return rms_norm(x_TD, final_norm_, config_.rms_norm_eps);
}

Tensor LanguageModel::loss_sum(const data::Pack& pack) {
  const PackTensors input = needed_of(pack);
  return cross_entropy_sum(hidden(input, input.places), head(), input.targets, head_options());
}

Tensor LanguageModel::target_log_probs(const data::Pack& pack) {
  const PackTensors input = needed_of(pack);
  return train::target_log_probs(hidden(input, input.places), head(), input.targets, head_options());
}

Tensor LanguageModel::document_log_probs(const data::Pack& pack) {
  const Tensor log_probs = target_log_probs(pack);  // checks the pack too
  const Tensor owners = at::empty(log_probs.sizes(), at::kLong);
  int64_t* owner = owners.data_ptr<int64_t>();
  size_t document = 0;
  for (size_t t = 0; t < pack.targets.size(); ++t) {
    while (document + 1 < pack.starts.size() && pack.starts[document + 1] <= t) ++document;
    if (pack.targets[t] != data::kIgnored) *owner++ = static_cast<int64_t>(document);
  }
  const Tensor zeros = at::zeros({static_cast<int64_t>(pack.starts.size())}, log_probs.options());
  return zeros.index_add(0, owners.to(log_probs.device()), log_probs);
}

Tensor LanguageModel::logits(const data::Pack& pack, std::span<const uint32_t> positions) {
  const at::NoGradGuard no_grad;
  const PackTensors input = pack_tensors(pack, config_.vocab_size, embedding_.device(), Extent::kWhole);
  for (const uint32_t position : positions) {
    if (position >= pack.ids.size()) {
      throw Error(ErrorKind::kArgument, "positions",
                  fmt::format("must lie within the pack's {} tokens, hold {}", pack.ids.size(), position));
    }
  }
  const Tensor places = at::empty({static_cast<int64_t>(positions.size())}, at::kLong);
  std::copy(positions.begin(), positions.end(), places.data_ptr<int64_t>());
  return head_logits(hidden(input, places.to(input.ids.device())), head(), head_options());
}

const Projection* LanguageModel::adapter_of(const NamedParameter& weight) const {
  const Projection* projection = projection_of(weight.role, layers_[weight.layer]);
  return projection != nullptr && projection->lora_a.defined() ? projection : nullptr;
}

}  // namespace longscroll::train
