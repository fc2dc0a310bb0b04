#include "model/gguf_export.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "model/config_defaults.h"
#include "model/config_files.h"
#include "rope/rope_forms.h"

namespace longscroll {
namespace {

constexpr uint64_t kQuantizationVersion = 2;  // ggml's, of its block formats

// general.file_type: llama.cpp's number for what most tensors are.
uint64_t file_type(DType type) {
  switch (type) {
    case DType::kF16:
      return 1;
    case DType::kQ4_0:
      return 2;
    case DType::kQ8_0:
      return 7;
    case DType::kBF16:
      return 32;
    default:
      return 0;
  }
}

void set_type(GgufMetadata& metadata, DType type) {
  metadata["general.file_type"] = file_type(type);
  metadata.erase("general.quantization_version");
  if (dtype_info(type).block_elems > 1) metadata["general.quantization_version"] = kQuantizationVersion;
}

class GgufConfigWriter {
 public:
  GgufConfigWriter(const ConversionSource& source, const ExportTarget& target, Remarks& remarks)
      : source_(source), config_(source.model->config), row_(*target.architecture), remarks_(remarks) {}

  GgufMetadata write() {
    metadata_["general.architecture"] = std::string(row_.gguf_name);
    metadata_["general.type"] = std::string("model");
    metadata_["general.name"] = source_.name;
    put_sizes();
    put_rope();
    if (row_.sliding_window) put_local_layers();
    put_query_scale();
    return std::move(metadata_);
  }

 private:
  void put(const char* name, GgufValue value) {
    metadata_[fmt::format("{}.{}", row_.gguf_name, name)] = std::move(value);
  }

  void put_sizes() {
    put("vocab_size", uint64_t{config_.vocab_size});
    put("context_length", uint64_t{config_.max_position});
    put("embedding_length", uint64_t{config_.hidden_size});
    put("block_count", uint64_t{config_.num_layers});
    put("feed_forward_length", uint64_t{config_.ffn_size});
    put("attention.head_count", uint64_t{config_.num_heads});
    put("attention.head_count_kv", uint64_t{config_.num_kv_heads});
    put("attention.key_length", uint64_t{config_.head_dim});
    put("attention.value_length", uint64_t{config_.head_dim});
    put("attention.layer_norm_rms_epsilon", double{config_.rms_norm_eps});
  }

  void put_base(const char* name, double base) {
    put(name, base);
    if (static_cast<double>(static_cast<float>(base)) != base) {
      remarks_.push_back(fmt::format("rotary base {} rounded to float32, as GGUF stores it", base));
    }
  }

  void put_rope() {
    const bool ntk = config_.rope.scaling == RopeScaling::kNtk;
    const RopeConfig rope = ntk ? with_ntk_in_base(config_.rope) : config_.rope;
    if (ntk) remarks_.push_back(fmt::format("NTK rotary scaling written as a base of {}", rope.base));
    put_base("rope.freq_base", rope.base);
    put("rope.dimension_count", uint64_t{rope.rotary_dim});
    if (rope.scaling == RopeScaling::kLinear || rope.scaling == RopeScaling::kYarn) {
      put("rope.scaling.type", std::string(to_string(rope.scaling)));
      put("rope.scaling.factor", rope.factor);
    }
    if (rope.scaling == RopeScaling::kYarn) put_yarn(rope);
    if (rope.scaling == RopeScaling::kLlama3) {
      metadata_[std::string(kLlama3RopeKey)] =
          std::vector<double>{rope.factor, rope.low_freq_factor, rope.high_freq_factor,
                              static_cast<double>(rope.original_max_position)};
      remarks_.emplace_back("llama3 rotary scaling written as rope_freqs.weight");
    }
    if (rope.scaling == RopeScaling::kDynamicNtk) {
      put("context_length", uint64_t{rope.original_max_position});
      remarks_.push_back(
          fmt::format("dynamic rotary scaling left out: GGUF has no word for it, and the window is "
                      "{} instead of {}",
                      rope.original_max_position, config_.max_position));
    }
  }

  void put_yarn(const RopeConfig& rope) {
    put("rope.scaling.original_context_length", uint64_t{rope.original_max_position});
    put("rope.scaling.yarn_beta_fast", rope.beta_fast);
    put("rope.scaling.yarn_beta_slow", rope.beta_slow);
    // GGUF's factor multiplies the scale that follows from the stretch alone.
    const double usual = rope.factor > 1.0 ? 1.0 + 0.1 * std::log(rope.factor) : 1.0;
    const double scale = rope_frequencies(rope, 0).attention_scale;
    if (scale != usual) put("rope.scaling.attn_factor", scale / usual);
    if (!rope.truncate) {
      remarks_.emplace_back(
          "YaRN's correction range is rounded to whole dimensions: GGUF has no word for the other way");
    }
  }

  void put_local_layers() {
    put("attention.sliding_window", uint64_t{config_.sliding_window});
    put("attention.sliding_window_pattern", uint64_t{local_pattern()});
    put_base("rope.freq_base_swa", config_.rope_local.base);
    RopeConfig plain;
    plain.base = config_.rope_local.base;
    plain.rotary_dim = config_.rope.rotary_dim;
    if (config_.rope_local != plain) {
      throw Error(ErrorKind::kUnsupported, source_.model->path.string(),
                  "the rotary scaling of local layers must be none in GGUF, is another");
    }
  }

  // Every how many layers one is global; Gemma's own number where several fit.
  uint32_t local_pattern() const {
    const auto fits = [&](uint32_t pattern) {
      for (uint32_t i = 0; i < config_.num_layers; ++i) {
        if ((config_.layer_local[i] != 0) != ((i + 1) % pattern != 0)) return false;
      }
      return true;
    };
    if (fits(kGemmaPattern)) return kGemmaPattern;
    for (uint32_t pattern = 1; pattern <= config_.num_layers + 1; ++pattern) {
      if (fits(pattern)) return pattern;
    }
    throw Error(ErrorKind::kUnsupported, source_.model->path.string(),
                "every n-th layer must be global in GGUF, found another pattern of local layers");
  }

  // What the reader derives when nothing is said.
  void put_query_scale() {
    const auto usual = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config_.head_dim)));
    const bool by_hidden = row_.scaled_embedding && config_.num_layers == kGemma27bLayers;
    if (config_.query_scale == usual && !by_hidden) return;
    put("attention.scale", double{config_.query_scale});
    if (by_hidden) return;  // llama.cpp's own number for that size
    remarks_.push_back(
        fmt::format("attention.scale is {}: llama.cpp computes its own for this architecture, {}",
                    config_.query_scale, usual));
  }

  const ConversionSource& source_;
  const ModelConfig& config_;
  const Architecture& row_;
  Remarks& remarks_;
  GgufMetadata metadata_;
};

}  // namespace

GgufMetadata gguf_config_metadata(const ConversionSource& source, const ExportTarget& target,
                                  Remarks& remarks) {
  GgufMetadata metadata;
  if (source.gguf) {
    metadata = source.gguf->metadata();
    metadata.erase("general.alignment");
    std::erase_if(metadata, [](const auto& entry) { return entry.first.starts_with("split."); });
  } else {
    metadata = GgufConfigWriter(source, target, remarks).write();
  }
  set_type(metadata, target.type);
  return metadata;
}

}  // namespace longscroll
