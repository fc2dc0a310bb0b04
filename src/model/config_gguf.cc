#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "model/config_defaults.h"
#include "model/config_files.h"
#include "rope/rope_forms.h"

namespace longscroll {
namespace {

class GgufFields {
 public:
  GgufFields(const GgufFile& file, std::string_view prefix) : file_(file), prefix_(prefix) {}

  std::string key(const char* name) const { return fmt::format("{}.{}", prefix_, name); }

  std::optional<uint32_t> get_uint(const char* name) const {
    const auto value = file_.get_uint(key(name));
    if (!value) return std::nullopt;
    if (*value > std::numeric_limits<uint32_t>::max())
      fail(name, fmt::format("must fit in 32 bits, is {}", *value));
    return static_cast<uint32_t>(*value);
  }

  uint32_t need_uint(const char* name) const {
    const auto value = get_uint(name);
    if (!value) fail(name, "must be given, is missing");
    return *value;
  }

  std::optional<double> get_float(const char* name) const { return file_.get_float(key(name)); }
  std::optional<std::string> get_string(const char* name) const { return file_.get_string(key(name)); }
  const GgufFile& file() const { return file_; }

  [[noreturn]] void fail(const char* name, const std::string& what, ErrorKind kind = ErrorKind::kFile) const {
    throw Error(kind, file_.path().string(), fmt::format("{}: {}", key(name), what));
  }

 private:
  const GgufFile& file_;
  std::string_view prefix_;
};

const Architecture& find_architecture(const GgufFile& file) {
  const auto name = file.get_string("general.architecture");
  if (!name)
    throw Error(ErrorKind::kFile, file.path().string(), "general.architecture: must be given, is missing");
  const auto* row = architecture_by_gguf_name(*name);
  if (row == nullptr) {
    throw Error(ErrorKind::kUnsupported, file.path().string(),
                fmt::format("general.architecture: must be one of {}, is {}", architecture_names(), *name));
  }
  return *row;
}

void refuse_what_we_do_not_compute(const GgufFields& fields) {
  if (fields.file().get_uint("split.count").value_or(1) > 1) {
    throw Error(ErrorKind::kUnsupported, fields.file().path().string(),
                "must be one file, is one of several (split.count)",
                "join the parts with llama-gguf-split --merge");
  }
  if (fields.get_uint("expert_count").value_or(0) > 0) {
    fields.fail("expert_count", "must be 0: mixtures of experts are not computed", ErrorKind::kUnsupported);
  }
  for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (fields.get_float(name).value_or(0.0) != 0.0) fields.fail(name, "must be 0", ErrorKind::kUnsupported);
  }
}

uint32_t vocab_size(const GgufFile& file) {
  const TensorView* embedding = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    throw Error(ErrorKind::kFile, file.path().string(),
                "token_embd.weight: must be a matrix, is missing or is none");
  }
  const uint64_t rows = embedding->shape[0];
  const auto* tokens = file.get_strings("tokenizer.ggml.tokens");
  if (tokens != nullptr && tokens->size() > rows) {
    throw Error(ErrorKind::kFile, file.path().string(),
                fmt::format("tokenizer.ggml.tokens: must be at most the embedding's {} rows, are {}", rows,
                            tokens->size()));
  }
  if (rows > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorKind::kFile, file.path().string(),
                "token_embd.weight: has more rows than 32 bits count");
  }
  return static_cast<uint32_t>(rows);
}

void read_sizes(const GgufFields& fields, ModelConfig& config) {
  config.vocab_size = vocab_size(fields.file());
  config.hidden_size = fields.need_uint("embedding_length");
  config.num_layers = fields.need_uint("block_count");
  config.num_heads = fields.need_uint("attention.head_count");
  config.num_kv_heads = fields.get_uint("attention.head_count_kv").value_or(config.num_heads);
  config.ffn_size = fields.need_uint("feed_forward_length");
  config.max_position = fields.need_uint("context_length");
  const auto eps = fields.get_float("attention.layer_norm_rms_epsilon");
  if (!eps) fields.fail("attention.layer_norm_rms_epsilon", "must be given, is missing");
  config.rms_norm_eps = static_cast<float>(*eps);
  if (const auto key_length = fields.get_uint("attention.key_length")) {
    config.head_dim = *key_length;
  } else if (config.num_heads > 0 && config.hidden_size % config.num_heads == 0) {
    config.head_dim = config.hidden_size / config.num_heads;
  } else {
    fields.fail("attention.head_count",
                fmt::format("must divide embedding_length = {} when attention.key_length is not given, is {}",
                            config.hidden_size, config.num_heads));
  }
  const uint32_t value_length = fields.get_uint("attention.value_length").value_or(config.head_dim);
  if (value_length != config.head_dim) {
    fields.fail("attention.value_length",
                fmt::format("must equal the key length {}, is {}", config.head_dim, value_length),
                ErrorKind::kUnsupported);
  }
}

std::vector<float> rope_divisors(const GgufFile& file) {
  const TensorView* tensor = file.find("rope_freqs.weight");
  if (tensor == nullptr) return {};
  if (tensor->dtype != DType::kF32 || tensor->data.size() % sizeof(float) != 0) {
    throw Error(ErrorKind::kUnsupported, file.path().string(),
                fmt::format("rope_freqs.weight: must be F32, is {}", tensor->type_name));
  }
  std::vector<float> divisors(tensor->data.size() / sizeof(float));
  if (!divisors.empty()) std::memcpy(divisors.data(), tensor->data.data(), tensor->data.size());
  return divisors;
}

// What conversion notes beside rope_freqs.weight: GGUF has no words for llama3's parameters themselves.
// Taken only when they give the very divisors of the file.
void read_llama3(const GgufFile& file, RopeConfig& rope) {
  const auto parameters = file.get_floats(kLlama3RopeKey);
  if (!parameters || parameters->size() != 4 || rope.scaling != RopeScaling::kNone) return;
  const double window = (*parameters)[3];
  const bool fits =
      window >= 1.0 && window <= std::numeric_limits<uint32_t>::max();  // not when it is no number
  if (!fits) return;
  RopeConfig candidate = rope;
  candidate.frequency_divisors.clear();
  candidate.scaling = RopeScaling::kLlama3;
  candidate.factor = (*parameters)[0];
  candidate.low_freq_factor = (*parameters)[1];
  candidate.high_freq_factor = (*parameters)[2];
  candidate.original_max_position = static_cast<uint32_t>(window);
  try {
    if (llama3_divisors(candidate) != rope.frequency_divisors) return;
  } catch (const Error&) {
    return;  // parameters that cannot be
  }
  rope = candidate;
}

void read_yarn(const GgufFields& fields, const ModelConfig& config, RopeConfig& rope) {
  rope.original_max_position =
      fields.get_uint("rope.scaling.original_context_length").value_or(config.max_position);
  rope.beta_fast = fields.get_float("rope.scaling.yarn_beta_fast").value_or(rope.beta_fast);
  rope.beta_slow = fields.get_float("rope.scaling.yarn_beta_slow").value_or(rope.beta_slow);
  // GGUF's factor multiplies the computed attention scale; transformers' replaces it.
  if (const auto factor = fields.get_float("rope.scaling.attn_factor")) {
    rope.attention_factor = *factor * (rope.factor > 1.0 ? 1.0 + 0.1 * std::log(rope.factor) : 1.0);
  }
}

void read_scaling(const GgufFields& fields, const ModelConfig& config, RopeConfig& rope) {
  const std::string name = fields.get_string("rope.scaling.type").value_or("linear");
  double factor = fields.get_float("rope.scaling.factor").value_or(0.0);
  if (factor == 0.0) factor = fields.get_float("rope.scale_linear").value_or(0.0);
  if (factor == 0.0) factor = 1.0;  // 0 is GGUF's word for none
  const auto scaling = rope_scaling_from_name(name);
  const bool known =
      scaling == RopeScaling::kNone || scaling == RopeScaling::kLinear || scaling == RopeScaling::kYarn;
  if (!known) {
    fields.fail("rope.scaling.type", fmt::format("must be none, linear or yarn, is {}", name),
                ErrorKind::kUnsupported);
  }
  if (*scaling == RopeScaling::kNone || (*scaling == RopeScaling::kLinear && factor == 1.0)) return;
  rope.scaling = *scaling;
  rope.factor = factor;
  if (rope.scaling == RopeScaling::kYarn) read_yarn(fields, config, rope);
}

void read_ropes(const GgufFields& fields, const Architecture& row, ParsedConfig& parsed) {
  ModelConfig& config = parsed.config;
  RopeConfig& rope = config.rope;
  const auto base = fields.get_float("rope.freq_base");
  if (!base) parsed.remarks.push_back(fmt::format("rotary base not given: {} assumed", kDefaultBase));
  rope.base = base.value_or(kDefaultBase);
  rope.rotary_dim = fields.get_uint("rope.dimension_count").value_or(config.head_dim);
  read_scaling(fields, config, rope);
  rope.frequency_divisors = rope_divisors(fields.file());
  if (!rope.frequency_divisors.empty()) read_llama3(fields.file(), rope);
  config.rope_local = rope;
  if (!row.sliding_window) return;
  config.rope_local = {};
  config.rope_local.base = fields.get_float("rope.freq_base_swa").value_or(kDefaultBase);
  config.rope_local.rotary_dim = rope.rotary_dim;
}

void read_layer_types(const GgufFields& fields, const Architecture& row, ModelConfig& config) {
  if (config.num_layers > 1024)
    fields.fail("block_count", fmt::format("must be at most 1024, is {}", config.num_layers));
  config.layer_local.assign(config.num_layers, 0);
  if (!row.sliding_window) return;
  config.sliding_window = fields.need_uint("attention.sliding_window");
  const uint32_t pattern = fields.get_uint("attention.sliding_window_pattern").value_or(kGemmaPattern);
  if (pattern == 0) fields.fail("attention.sliding_window_pattern", "must be above 0, is 0");
  for (uint32_t i = 0; i < config.num_layers; ++i) config.layer_local[i] = (i + 1) % pattern != 0;
}

float query_scale(const GgufFields& fields, const Architecture& row, const ModelConfig& config) {
  const double said = fields.get_float("attention.scale").value_or(0.0);
  if (said != 0.0) return static_cast<float>(said);
  const bool by_hidden = row.scaled_embedding && config.num_layers == kGemma27bLayers && config.num_heads > 0;
  const double width =
      by_hidden ? static_cast<double>(config.hidden_size) / config.num_heads : config.head_dim;
  return static_cast<float>(1.0 / std::sqrt(width));
}

}  // namespace

ParsedConfig config_from_gguf(const GgufFile& file) {
  const Architecture& row = find_architecture(file);
  const GgufFields fields(file, row.gguf_name);
  refuse_what_we_do_not_compute(fields);

  ParsedConfig parsed;
  parsed.architecture = &row;
  ModelConfig& config = parsed.config;
  config.architecture = row.name;
  read_sizes(fields, config);
  config.activation = row.activation;
  read_ropes(fields, row, parsed);
  config.rope_layout = row.gguf_interleaved ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit;
  read_layer_types(fields, row, config);
  config.embedding_scale = row.scaled_embedding ? std::sqrt(static_cast<float>(config.hidden_size)) : 1.0f;
  config.query_scale = query_scale(fields, row, config);
  config.qk_norm = row.qk_norm;
  config.post_norms = row.post_norms;
  config.tied_head = file.find("output.weight") == nullptr;
  validate(config, file.path().string());
  return parsed;
}

}  // namespace longscroll
