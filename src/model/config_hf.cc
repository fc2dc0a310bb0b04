#include <cmath>
#include <set>

#include <fmt/format.h>

#include "model/config_defaults.h"
#include "model/config_files.h"
#include "model/json_fields.h"

namespace longscroll {
namespace {

constexpr double kGemmaGlobalBase = 1000000.0;

const Architecture& find_architecture(const JsonFields& fields) {
  const auto classes = fields.get_strings("architectures");
  for (const std::string& name : classes) {
    if (const auto* row = architecture_by_hf_class(name)) return *row;
  }
  const auto model_type = fields.get_string("model_type");
  if (classes.empty() && model_type) {
    if (const auto* row = architecture_by_hf_model_type(*model_type)) return *row;
  }
  const std::string found = !classes.empty() ? classes.front() : model_type.value_or("nothing");
  fields.fail("architectures", fmt::format("must be one of {}, is {}", architecture_names(), found),
              ErrorKind::kUnsupported);
}

void refuse_what_we_do_not_compute(const JsonFields& fields) {
  for (const char* key : {"mlp_bias", "use_sliding_window", "use_bidirectional_attention"}) {
    if (fields.get_bool(key).value_or(false))
      fields.fail(key, "must be false, is true", ErrorKind::kUnsupported);
  }
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (fields.get_number(key)) fields.fail(key, "must be null, is given", ErrorKind::kUnsupported);
  }
  if (fields.has("quantization_config")) {
    fields.fail("quantization_config", "must be absent: quantised checkpoints are read as GGUF files",
                ErrorKind::kUnsupported);
  }
}

Activation activation_of(const JsonFields& fields, const Architecture& row) {
  const char* key = fields.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  const auto name = fields.get_string(key);
  if (!name) return row.activation;
  if (*name == "silu" || *name == "swish") return Activation::kSilu;
  if (*name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  fields.fail(key, fmt::format("must be silu or gelu_pytorch_tanh, is {}", *name), ErrorKind::kUnsupported);
}

void read_sizes(const JsonFields& fields, ModelConfig& config) {
  config.vocab_size = fields.need_uint("vocab_size");
  config.hidden_size = fields.need_uint("hidden_size");
  config.num_layers = fields.need_uint("num_hidden_layers");
  config.num_heads = fields.need_uint("num_attention_heads");
  config.num_kv_heads = fields.get_uint("num_key_value_heads").value_or(config.num_heads);
  config.ffn_size = fields.need_uint("intermediate_size");
  config.max_position = fields.need_uint("max_position_embeddings");
  config.rms_norm_eps = static_cast<float>(fields.get_number("rms_norm_eps").value_or(1e-6));
  if (const auto head_dim = fields.get_uint("head_dim")) {
    config.head_dim = *head_dim;
  } else if (config.num_heads > 0 && config.hidden_size % config.num_heads == 0) {
    config.head_dim = config.hidden_size / config.num_heads;
  } else {
    fields.fail("num_attention_heads",
                fmt::format("must divide hidden_size = {} when head_dim is not given, is {}",
                            config.hidden_size, config.num_heads));
  }
}

// Index names its base in three ways, and a file may use several.
double index_base(const JsonFields& fields, std::optional<double> theta, std::vector<std::string>& remarks) {
  const auto base = fields.get_number("rope_base");
  const auto ratio = fields.get_number("rope_ratio");
  if (theta && base && *theta != *base) {
    fields.fail("rope_base", fmt::format("must equal rope_theta = {}, is {}", *theta, *base));
  }
  const auto given = theta ? theta : base;
  if (!ratio) {
    if (!given) remarks.push_back(fmt::format("rotary base not given: {} assumed", kDefaultBase));
    return given.value_or(kDefaultBase);
  }
  const double scaled = kDefaultBase * *ratio;
  if (given && *given != scaled && *given != kDefaultBase) {
    fields.fail("rope_ratio",
                fmt::format("means a base of {}, but rope_theta or rope_base says {}", scaled, *given));
  }
  return scaled;
}

std::string scaling_name(const JsonFields& parameters) {
  const auto name = parameters.get_string("rope_type");
  return name ? *name : parameters.get_string("type").value_or("default");
}

uint32_t original_window(const JsonFields& top, const JsonFields& parameters, const ModelConfig& config) {
  if (const auto original = top.get_uint("original_max_position_embeddings")) return *original;
  return parameters.get_uint("original_max_position_embeddings").value_or(config.max_position);
}

void read_yarn(const JsonFields& top, const JsonFields& parameters, const ModelConfig& config,
               RopeConfig& rope) {
  rope.original_max_position = original_window(top, parameters, config);
  if (!parameters.has("factor") && rope.original_max_position > 0) {
    rope.factor = static_cast<double>(config.max_position) / rope.original_max_position;
  }
  const double fast = parameters.get_number("beta_fast").value_or(0.0);
  const double slow = parameters.get_number("beta_slow").value_or(0.0);
  if (fast != 0.0) rope.beta_fast = fast;  // transformers takes 0 as not given
  if (slow != 0.0) rope.beta_slow = slow;
  rope.truncate = parameters.get_bool("truncate").value_or(true);
  rope.attention_factor = parameters.get_number("attention_factor");
  rope.mscale = parameters.get_number("mscale");
  rope.mscale_all_dim = parameters.get_number("mscale_all_dim");
}

double need_number(const JsonFields& fields, const char* key) {
  const auto value = fields.get_number(key);
  if (!value) fields.fail(key, "must be given, is missing");
  return *value;
}

// `parameters` is null when there is no scaling.
RopeConfig read_rope(const JsonFields& top, const std::optional<JsonFields>& parameters, double base,
                     const ModelConfig& config) {
  RopeConfig rope;
  rope.base = parameters ? parameters->get_number("rope_theta").value_or(base) : base;
  auto partial = parameters ? parameters->get_number("partial_rotary_factor") : std::nullopt;
  if (!partial) partial = top.get_number("partial_rotary_factor");
  if (partial && (*partial <= 0.0 || *partial > 1.0)) {
    top.fail("partial_rotary_factor", fmt::format("must be above 0 and at most 1, is {}", *partial));
  }
  rope.rotary_dim = static_cast<uint32_t>(config.head_dim * partial.value_or(1.0));
  if (!parameters) return rope;

  const std::string name = scaling_name(*parameters);
  const auto scaling = rope_scaling_from_name(name);
  if (!scaling) {
    parameters->fail("rope_type",
                     fmt::format("must be default, linear, ntk, dynamic, yarn or llama3, is {}", name),
                     ErrorKind::kUnsupported);
  }
  rope.scaling = *scaling;
  if (rope.scaling == RopeScaling::kNone) return rope;
  const bool may_lack_factor = rope.scaling == RopeScaling::kYarn;
  rope.factor =
      may_lack_factor ? parameters->get_number("factor").value_or(1.0) : need_number(*parameters, "factor");
  if (rope.scaling == RopeScaling::kDynamicNtk) rope.original_max_position = config.max_position;
  if (rope.scaling == RopeScaling::kYarn) read_yarn(top, *parameters, config, rope);
  if (rope.scaling == RopeScaling::kLlama3) {
    rope.original_max_position = original_window(top, *parameters, config);
    rope.low_freq_factor = need_number(*parameters, "low_freq_factor");
    rope.high_freq_factor = need_number(*parameters, "high_freq_factor");
  }
  return rope;
}

// transformers 5 writes "rope_parameters", earlier ones "rope_scaling"; both may be nested by layer type.
std::optional<JsonFields> rope_parameters(const JsonFields& fields, const char* layer_type) {
  const auto old_form = fields.get_object("rope_scaling");
  const auto parameters = old_form ? old_form : fields.get_object("rope_parameters");
  if (!parameters) return std::nullopt;
  const bool nested = parameters->has("full_attention") || parameters->has("sliding_attention");
  return nested ? parameters->get_object(layer_type) : parameters;
}

void read_ropes(const JsonFields& fields, const Architecture& row, ParsedConfig& parsed) {
  ModelConfig& config = parsed.config;
  if (row.sliding_window) {
    const double global_base = fields.get_number("rope_theta").value_or(kGemmaGlobalBase);
    config.rope = read_rope(fields, rope_parameters(fields, "full_attention"), global_base, config);
    const auto new_form = fields.get_object("rope_parameters");
    const auto local = new_form ? new_form->get_object("sliding_attention") : std::nullopt;
    const double local_base = fields.get_number("rope_local_base_freq").value_or(kDefaultBase);
    config.rope_local = read_rope(fields, local, local_base, config);
    return;
  }
  const auto parameters = rope_parameters(fields, "full_attention");
  auto base = parameters ? parameters->get_number("rope_theta") : std::nullopt;
  if (!base) base = fields.get_number("rope_theta");
  if (row.norm_head) {
    base = index_base(fields, base, parsed.remarks);
  } else if (!base) {
    parsed.remarks.push_back(fmt::format("rotary base not given: {} assumed", kDefaultBase));
  }
  config.rope = read_rope(fields, parameters, base.value_or(kDefaultBase), config);
  config.rope.base = base.value_or(kDefaultBase);
  config.rope_local = config.rope;
}

// Where the scaling extends the window beyond what max_position_embeddings says.
void extend_window(ParsedConfig& parsed) {
  ModelConfig& config = parsed.config;
  const RopeConfig& rope = config.rope;
  if (rope.scaling != RopeScaling::kDynamicNtk && rope.scaling != RopeScaling::kYarn) return;
  const double extended = std::floor(rope.original_max_position * rope.factor);
  if (!(extended > config.max_position) || extended > 1u << 30) return;
  config.max_position = static_cast<uint32_t>(extended);
  parsed.remarks.push_back(fmt::format("window {} = {} x {} by {} rotary scaling", config.max_position,
                                       rope.original_max_position, rope.factor, to_string(rope.scaling)));
}

void read_layer_types(const JsonFields& fields, const Architecture& row, ModelConfig& config) {
  const auto types = fields.get_strings("layer_types");
  const uint32_t pattern = fields.get_uint("sliding_window_pattern").value_or(kGemmaPattern);
  config.layer_local.clear();
  for (const std::string& type : types) {
    if (type != "full_attention" && type != "sliding_attention") {
      fields.fail("layer_types", fmt::format("must be full_attention or sliding_attention, holds {}", type),
                  ErrorKind::kUnsupported);
    }
    config.layer_local.push_back(row.sliding_window && type == "sliding_attention");
  }
  if (types.empty()) {
    if (pattern == 0) fields.fail("sliding_window_pattern", "must be above 0, is 0");
    if (config.num_layers > 1024) fields.fail("num_hidden_layers", "must be at most 1024");
    for (uint32_t i = 0; i < config.num_layers; ++i) {
      config.layer_local.push_back(row.sliding_window && (i + 1) % pattern != 0);
    }
  }
  if (row.sliding_window) config.sliding_window = fields.need_uint("sliding_window");
}

void read_norm_head(const JsonFields& fields, const Architecture& row, ParsedConfig& parsed) {
  if (!row.norm_head) return;
  const auto said = fields.get_bool("norm_head");
  if (!said) parsed.remarks.emplace_back("norm_head not given: true assumed, as published");
  parsed.config.norm_head = said.value_or(true);
}

}  // namespace

ParsedConfig config_from_hf(const nlohmann::json& object, const std::string& where) {
  const JsonFields fields(object, where);
  const Architecture& row = find_architecture(fields);
  refuse_what_we_do_not_compute(fields);

  ParsedConfig parsed;
  parsed.architecture = &row;
  ModelConfig& config = parsed.config;
  config.architecture = row.name;
  read_sizes(fields, config);
  config.activation = activation_of(fields, row);
  read_ropes(fields, row, parsed);
  extend_window(parsed);
  config.rope_layout = RopeLayout::kHalfSplit;
  read_layer_types(fields, row, config);
  config.embedding_scale = row.scaled_embedding ? std::sqrt(static_cast<float>(config.hidden_size)) : 1.0f;
  const double scalar = row.scaled_embedding
                            ? fields.get_number("query_pre_attn_scalar").value_or(config.head_dim)
                            : config.head_dim;
  config.query_scale = static_cast<float>(1.0 / std::sqrt(scalar));
  config.norm_plus_one = row.hf_norm_plus_one;
  config.qk_norm = row.qk_norm;
  config.post_norms = row.post_norms;
  // transformers ties Gemma's head unless told otherwise; the others' only when told.
  config.tied_head = fields.get_bool("tie_word_embeddings").value_or(row.scaled_embedding);
  read_norm_head(fields, row, parsed);
  parsed.attention_bias = fields.get_bool("attention_bias").value_or(false);
  validate(config, where);
  return parsed;
}

}  // namespace longscroll
