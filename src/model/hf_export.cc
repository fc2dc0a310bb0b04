#include "model/hf_export.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "model/json_fields.h"
#include "rope/rope_forms.h"

namespace longscroll {
namespace {

using Json = nlohmann::ordered_json;

const char* torch_name(DType type) {
  return type == DType::kF16 ? "float16" : type == DType::kBF16 ? "bfloat16" : "float32";
}

// 1e-05 and not 9.99999974e-06: the shortest decimal that is the same float.
double shortest_decimal(float value) {
  return std::stod(fmt::format("{}", value));
}

// A whole number where the reader's float comes out the same, as people and validators expect.
Json shortest_number(double value, double whole, bool equal) {
  return equal ? Json(static_cast<int64_t>(whole)) : Json(value);
}

class HfConfigWriter {
 public:
  HfConfigWriter(const ConversionSource& source, const ExportTarget& target, Remarks& remarks)
      : source_(source),
        config_(source.model->config),
        row_(*target.architecture),
        target_(target),
        remarks_(remarks) {}

  Json write() {
    json_["architectures"] = {row_.hf_classes.front()};
    json_["model_type"] = row_.hf_model_type;
    json_["dtype"] = torch_name(target_.type);
    put_sizes();
    put_switches();
    if (row_.sliding_window) {
      put_local_layers();
      json_["rope_parameters"] = {{"full_attention", rope_parameters(config_.rope)},
                                  {"sliding_attention", rope_parameters(config_.rope_local)}};
    } else {
      json_["rope_parameters"] = rope_parameters(config_.rope);
    }
    put_ids();
    return std::move(json_);
  }

 private:
  void put_sizes() {
    json_["vocab_size"] = config_.vocab_size;
    json_["hidden_size"] = config_.hidden_size;
    json_["num_hidden_layers"] = config_.num_layers;
    json_["num_attention_heads"] = config_.num_heads;
    json_["num_key_value_heads"] = config_.num_kv_heads;
    json_["head_dim"] = config_.head_dim;
    json_["intermediate_size"] = config_.ffn_size;
    // transformers counts from the window before dynamic scaling.
    const bool dynamic = config_.rope.scaling == RopeScaling::kDynamicNtk;
    json_["max_position_embeddings"] = dynamic ? config_.rope.original_max_position : config_.max_position;
    json_["rms_norm_eps"] = shortest_decimal(config_.rms_norm_eps);
  }

  void put_switches() {
    const char* activation = config_.activation == Activation::kSilu ? "silu" : "gelu_pytorch_tanh";
    json_[row_.scaled_embedding ? "hidden_activation" : "hidden_act"] = activation;
    json_["tie_word_embeddings"] = target_.tied_head(config_);
    if (config_.norm_head && !target_.bake_norm_head) json_["norm_head"] = true;
    if (has_optional_bias()) json_["attention_bias"] = has_bias();
    if (!row_.scaled_embedding) return;
    const double scalar = 1.0 / (double{config_.query_scale} * config_.query_scale);
    const double whole = std::round(scalar);
    const bool equal = static_cast<float>(1.0 / std::sqrt(whole)) == config_.query_scale;
    json_["query_pre_attn_scalar"] = shortest_number(scalar, whole, equal);
  }

  bool has_optional_bias() const {
    return std::any_of(row_.tensors.begin(), row_.tensors.end(), [](const TensorName& name) {
      return name.role == TensorRole::kQueryBias && !name.required;
    });
  }

  bool has_bias() const {
    const auto& layers = source_.model->weights.layers;
    return std::any_of(layers.begin(), layers.end(), [](const LayerWeights& layer) {
      return !layer.query_bias.empty() || !layer.key_bias.empty() || !layer.value_bias.empty() ||
             !layer.output_bias.empty();
    });
  }

  void put_local_layers() {
    json_["sliding_window"] = config_.sliding_window;
    json_["layer_types"] = Json::array();
    for (const uint8_t local : config_.layer_local) {
      json_["layer_types"].push_back(local != 0 ? "sliding_attention" : "full_attention");
    }
  }

  RopeConfig expressible(const RopeConfig& rope) {
    if (rope.scaling == RopeScaling::kNtk) {
      const RopeConfig plain = with_ntk_in_base(rope);
      remarks_.push_back(fmt::format("NTK rotary scaling written as a base of {}", plain.base));
      return plain;
    }
    if (rope.frequency_divisors.empty()) return rope;
    const auto llama3 = llama3_from_divisors(rope);
    if (!llama3) {
      throw Error(ErrorKind::kUnsupported, source_.model->path.string(),
                  "rope_freqs.weight must be llama3's rotary scaling for transformers to have words for it, "
                  "is another");
    }
    remarks_.push_back(fmt::format("rope_freqs.weight read as llama3 rotary scaling by {} from {}",
                                   llama3->factor, llama3->original_max_position));
    return *llama3;
  }

  Json rope_parameters(const RopeConfig& source) {
    const RopeConfig rope = expressible(source);
    Json json = {{"rope_theta", rope.base}};
    json["rope_type"] = rope.scaling == RopeScaling::kNone ? "default" : to_string(rope.scaling);
    if (rope.rotary_dim != config_.head_dim) {
      json["partial_rotary_factor"] = static_cast<double>(rope.rotary_dim) / config_.head_dim;
    }
    if (rope.scaling == RopeScaling::kNone) return json;
    json["factor"] = rope.factor;
    if (rope.scaling == RopeScaling::kYarn || rope.scaling == RopeScaling::kLlama3) {
      json["original_max_position_embeddings"] = rope.original_max_position;
    }
    if (rope.scaling == RopeScaling::kLlama3) {
      json["low_freq_factor"] = rope.low_freq_factor;
      json["high_freq_factor"] = rope.high_freq_factor;
    }
    if (rope.scaling == RopeScaling::kYarn) put_yarn(rope, json);
    return json;
  }

  static void put_yarn(const RopeConfig& rope, Json& json) {
    json["beta_fast"] = rope.beta_fast;
    json["beta_slow"] = rope.beta_slow;
    if (!rope.truncate) json["truncate"] = false;
    if (rope.attention_factor) json["attention_factor"] = *rope.attention_factor;
    if (rope.mscale) json["mscale"] = *rope.mscale;
    if (rope.mscale_all_dim) json["mscale_all_dim"] = *rope.mscale_all_dim;
  }

  void put_ids() {
    const TokenizerSource& tokenizer = source_.tokenizer;
    json_["bos_token_id"] = tokenizer.bos ? Json(*tokenizer.bos) : Json(nullptr);
    const auto& ends = tokenizer.eos_ids;
    json_["eos_token_id"] = ends.empty() ? Json(nullptr) : ends.size() == 1 ? Json(ends[0]) : Json(ends);
    json_["pad_token_id"] = tokenizer.pad ? Json(*tokenizer.pad) : Json(nullptr);
  }

  const ConversionSource& source_;
  const ModelConfig& config_;
  const Architecture& row_;
  const ExportTarget& target_;
  Remarks& remarks_;
  Json json_;
};

}  // namespace

Json hf_config(const ConversionSource& source, const ExportTarget& target, Remarks& remarks) {
  if (source.directory.empty() || source.architecture != target.architecture) {
    return HfConfigWriter(source, target, remarks).write();
  }
  Json config = read_json_object(source.directory / "config.json");
  config.erase("torch_dtype");  // the older name
  config["dtype"] = torch_name(target.type);
  return config;
}

}  // namespace longscroll
