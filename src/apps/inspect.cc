// inspect: what a model is, without running it.
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/commands.h"
#include "base/cpu_features.h"
#include "console/terminal.h"
#include "model/rope_description.h"

namespace longscroll {
namespace {

struct InspectOptions {
  ModelOptions model;
  std::vector<size_t> lengths;
  bool tensors = false;
  bool json = false;
};

struct TypeTotal {
  size_t tensors = 0;
  uint64_t bytes = 0;
};

std::map<std::string, TypeTotal> totals_by_type(const Model& model) {
  std::map<std::string, TypeTotal> totals;
  for (const TensorSummary& tensor : model.tensors) {
    TypeTotal& total = totals[tensor.type_name];
    ++total.tensors;
    total.bytes += tensor.bytes;
  }
  return totals;
}

std::vector<size_t> default_lengths(const Model& model) {
  std::vector<size_t> lengths;
  for (const size_t length : {size_t{2048}, size_t{8192}}) {
    if (length < model.config.max_position) lengths.push_back(length);
  }
  lengths.push_back(model.config.max_position);
  return lengths;
}

Json describe_rotation(const RopeConfig& rope) {
  Json json = describe_rope(rope);
  json["rotary_dim"] = rope.rotary_dim;
  if (!rope.frequency_divisors.empty()) json["frequency_divisors"] = rope.frequency_divisors.size();
  return json;
}

Json describe_config(const ModelConfig& config) {
  Json json = {{"window", config.max_position},
               {"layers", config.num_layers},
               {"hidden", config.hidden_size},
               {"heads", config.num_heads},
               {"kv_heads", config.num_kv_heads},
               {"head_dim", config.head_dim},
               {"ffn", config.ffn_size},
               {"vocabulary", config.vocab_size},
               {"tied_head", config.tied_head},
               {"norm_head", config.norm_head},
               {"rope", describe_rotation(config.rope)}};
  if (config.sliding_window > 0) {
    size_t local = 0;
    for (const uint8_t is_local : config.layer_local) local += is_local;
    json["sliding_window"] = config.sliding_window;
    json["local_layers"] = local;
    json["rope_local"] = describe_rotation(config.rope_local);
  }
  return json;
}

// The chat form's name; why there is none otherwise.
std::string chat_form_name(const Model& model) {
  try {
    const std::optional<ChatFormat> format = detect_chat_format(model.chat_metadata);
    return format ? to_string(*format) : "none";
  } catch (const std::exception&) {
    return "unknown";
  }
}

Json describe_tokenizer(const Model& model) {
  if (!model.tokenizer) return nullptr;
  const Tokenizer& tokenizer = *model.tokenizer;
  Json json = {{"kind", tokenizer.kind()}, {"vocabulary", tokenizer.vocab_size()}};
  json["bos"] = tokenizer.bos() ? Json(*tokenizer.bos()) : Json(nullptr);
  json["eos"] = tokenizer.eos() ? Json(*tokenizer.eos()) : Json(nullptr);
  return json;
}

Json describe(const InspectOptions& options, const std::shared_ptr<const Model>& model) {
  Json json = {{"model", options.model.model},
               {"path", model->path.string()},
               {"format", model->format},
               {"architecture", model->config.architecture},
               {"parameters", model->parameter_count},
               {"weight_bytes", model->weight_bytes}};
  json.update(describe_config(model->config));
  json["tokenizer"] = describe_tokenizer(*model);
  json["chat_form"] = chat_form_name(*model);
  json["eos_ids"] = model->eos_ids;
  for (const auto& [type, total] : totals_by_type(*model)) {
    json["types"][type] = {{"tensors", total.tensors}, {"bytes", total.bytes}};
  }
  json["memory"] = Json::array();
  for (const size_t length : options.lengths.empty() ? default_lengths(*model) : options.lengths) {
    Json at = {{"length", length}};
    at.update(describe_memory(forecast_memory(*model, session_options(options.model, *model, length))));
    json["memory"].push_back(std::move(at));
  }
  json["remarks"] = model->remarks;
  if (!options.tensors) return json;
  for (const TensorSummary& tensor : model->tensors) {
    json["tensors"].push_back({{"name", tensor.name},
                               {"type", tensor.type_name},
                               {"shape", tensor.shape},
                               {"bytes", tensor.bytes}});
  }
  return json;
}

std::string rope_line(const Json& rope) {
  std::string line = fmt::format("base {}, {} dimensions, scaling {}", rope["base"].get<double>(),
                                 rope["rotary_dim"].get<uint32_t>(), rope["scaling"].get<std::string>());
  if (rope.contains("factor")) line += fmt::format(" by {}", rope["factor"].get<double>());
  if (rope.contains("original_window"))
    line += fmt::format(" from {}", rope["original_window"].get<uint32_t>());
  if (rope.contains("cached_keys"))
    line += fmt::format(", cached keys {}", rope["cached_keys"].get<std::string>());
  return line;
}

std::string shape_lines(const Json& json, const ModelConfig& config) {
  std::string out = fmt::format("window        {} tokens\n", format_count(config.max_position));
  out += fmt::format("shape         {} layers, hidden {}, {} heads of {} ({} for keys and values), ffn {}\n",
                     config.num_layers, config.hidden_size, config.num_heads, config.head_dim,
                     config.num_kv_heads, config.ffn_size);
  out += fmt::format("rotary        {}\n", rope_line(json["rope"]));
  if (config.sliding_window > 0) {
    out += fmt::format("local layers  {} of {}, window {}, {}\n", json["local_layers"].get<size_t>(),
                       config.num_layers, config.sliding_window, rope_line(json["rope_local"]));
  }
  out += fmt::format("head          {}{}, vocabulary {}\n", config.tied_head ? "the embedding" : "its own",
                     config.norm_head ? ", rows normalised" : "", format_count(config.vocab_size));
  return out;
}

std::string describe_as_text(const Json& json, const Model& model) {
  std::string out = fmt::format("model         {} ({})\n", json["path"].get<std::string>(), model.format);
  out += fmt::format("architecture  {}, {} parameters\n", model.config.architecture,
                     format_count(model.parameter_count));
  out += shape_lines(json, model.config);
  out += model.tokenizer
             ? fmt::format("tokenizer     {}, {} tokens; chat form {}\n", model.tokenizer->kind(),
                           format_count(model.tokenizer->vocab_size()), json["chat_form"].get<std::string>())
             : "tokenizer     none\n";
  out += fmt::format("weights       {}\n", format_bytes(model.weight_bytes));
  for (const auto& [type, total] : totals_by_type(model)) {
    out += fmt::format("  {:<12}{} tensors, {}\n", type, total.tensors, format_bytes(total.bytes));
  }
  out += fmt::format("memory        (this machine has {})\n", format_bytes(physical_memory_bytes()));
  for (const Json& at : json["memory"]) {
    out += fmt::format(
        "  {:<12}{}: keys and values {}, scratch {}, program {}\n",
        format_count(at["length"].get<size_t>()) + " tok", format_bytes(at["total_bytes"].get<uint64_t>()),
        format_bytes(at["kv_cache_bytes"].get<uint64_t>()), format_bytes(at["scratch_bytes"].get<uint64_t>()),
        format_bytes(at["program_bytes"].get<uint64_t>()));
  }
  if (!json.contains("tensors")) return out;
  out += "tensors\n";
  for (const TensorSummary& tensor : model.tensors) {
    out += fmt::format("  {:<40} {:<6} [{}]\n", tensor.name, tensor.type_name, fmt::join(tensor.shape, ", "));
  }
  return out;
}

int inspect(const InspectOptions& options) {
  const std::shared_ptr<const Model> model = open_model(options.model, false, Packing::kMeasure);
  const Json json = describe(options, model);
  if (options.json) {
    write_json(json);
  } else {
    write_out(describe_as_text(json, *model));
  }
  return 0;
}

}  // namespace

void add_inspect_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command = program.add_subcommand("inspect", "What a model is, and the memory that it needs");
  add_model_argument(*command, options->model);
  command->add_option("--length", options->lengths, "Forecast the memory at this many tokens (repeatable)")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_flag("--tensors", options->tensors, "List every tensor");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  add_compute_options(*command, options->model);
  command->footer("Example:\n  longscroll inspect qwen2.5-coder-0.5b --length 32768");
  command->callback([&action, options] { action = [options] { return inspect(*options); }; });
}

}  // namespace longscroll
