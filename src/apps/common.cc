#include "apps/common.h"

#include <cassert>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/cpu_features.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/terminal.h"
#include "hub/paths.h"
#include "kernels/kernels.h"
#include "library/file_bytes.h"
#include "model/extended_model.h"
#include "model/rope_description.h"
#include "rope/rope_extension.h"

namespace longscroll {

void write_json(const Json& json) {
  write_out(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void add_model_argument(CLI::App& command, ModelOptions& options) {
  command
      .add_option("MODEL", options.model,
                  "A .gguf file, a Hugging Face directory, a name from `longscroll models`, or hf:OWNER/REPO")
      ->required();
}

namespace {

void add_window_options(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--rope", options.rope,
                  "Read further than was trained, without training: " + std::string(kRopeExtensionForms) +
                      " (F: times the trained window; B: the base)")
      ->check([](const std::string& text) -> std::string {
        try {
          parse_rope_extension(text, "--rope");
          return "";
        } catch (const Error& error) {
          return error.what();
        }
      });
  command
      .add_option("--window", options.window,
                  "Tokens that the model may read (default: its window, or what --rope makes of it)")
      ->check(CLI::Range(size_t{1}, size_t{1} << 30));
}

}  // namespace

void add_arithmetic_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--threads", options.threads, "Threads to compute with (default: every core)")
      ->check(CLI::Range(1, 1024));
  command
      .add_option(
          "--kv", options.kv,
          "How keys and values are stored; auto: q8, or f16 where a head's size is no multiple of 32, or f32 "
          "with --compute f32")
      ->check(CLI::IsMember({"auto", "f32", "f16", "bf16", "q8", "k8v4", "q4"}))
      ->capture_default_str();
  command
      .add_option("--compute", options.compute,
                  "f32: every weight widened to float32, keys and values too unless --kv says otherwise: the "
                  "exact path")
      ->check(CLI::IsMember({"default", "f32"}))
      ->capture_default_str();
}

void add_compute_options(CLI::App& command, ModelOptions& options) {
  add_arithmetic_options(command, options);
  add_window_options(command, options);
}

std::shared_ptr<const Model> open_model(const ModelOptions& options, bool need_tokenizer, Packing packing) {
  LoadOptions load;
  load.need_tokenizer = need_tokenizer;
  load.weights_as_f32 = options.compute == "f32";
  load.packing = packing;
  load.threads = options.threads > 0 ? options.threads : available_cores();
  std::optional<RopeExtension> rope;
  if (!options.rope.empty()) rope = parse_rope_extension(options.rope, "--rope");
  const std::shared_ptr<const Model> model =
      extend_model(load_model(resolve_model(options.model), load), rope, options.window);
  throw_if_interrupted();
  write_remarks(model->remarks);
  if (options.kv == "q4") write_remarks({"--kv q4 loses much: look at the answers, or take k8v4"});
  return model;
}

SessionOptions session_options(const ModelOptions& options, const Model& model, size_t max_length) {
  SessionOptions session;
  session.threads = options.threads > 0 ? options.threads : available_cores();
  session.max_length = max_length;
  const KvType fitting = options.compute == "f32" ? KvType::kF32 : default_kv_type(model.config);
  session.kv_type = options.kv == "auto" ? fitting : kv_type_from_name(options.kv);
  return session;
}

void add_sampling_options(CLI::App& command, SamplingOptions& options) {
  command.add_option("--temperature", options.temperature, "0: always the likeliest token")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command.add_option("--top-p", options.top_p, "Draw among the likeliest tokens of this share (1: off)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--top-k", options.top_k, "Draw among the K likeliest tokens (0: off)")
      ->capture_default_str();
  command.add_option("--min-p", options.min_p, "Drop tokens below this share of the likeliest (0: off)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--repetition-penalty", options.repetition_penalty, "Over prompt and answer (1: off)")
      ->check(CLI::Range(0.01, 100.0))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of the drawing")->capture_default_str();
}

void add_speculation_option(CLI::App& command, GenerateOptions& options) {
  command.add_flag("!--no-speculation", options.speculation,
                   "Compute each token of the answer alone; the answer is the same");
}

Json describe_run(const ModelOptions& options, const Model& model) {
  const SessionOptions session = session_options(options, model, 0);
  return {{"model", options.model},
          {"architecture", model.config.architecture},
          {"format", model.format},
          {"threads", session.threads},
          {"kernels", kernels().name},
          {"compute", options.compute},
          {"kv", kv_type_name(session.kv_type)},
          {"window", model.config.max_position},
          {"rope", describe_rope(model.config.rope)},
          {"rope_option", options.rope.empty() ? Json(nullptr) : Json(options.rope)}};
}

Json describe_memory(const MemoryForecast& forecast) {
  return {{"program_bytes", forecast.program},
          {"weights_bytes", forecast.weights},
          {"kv_cache_bytes", forecast.kv_cache},
          {"scratch_bytes", forecast.scratch},
          {"total_bytes", forecast.total()}};
}

ChatForm chat_form(const Model& model) {
  ChatForm form;
  form.format = detect_chat_format(model.chat_metadata);
  if (form.format) form.default_system = default_system_message(*form.format, model.chat_metadata);
  return form;
}

std::vector<TokenId> stop_ids(const Model& model, const ChatForm& form) {
  std::vector<TokenId> ids = model.eos_ids;
  if (model.tokenizer && form.format) {
    for (const TokenId id : chat_stop_ids(*model.tokenizer, *form.format)) ids.push_back(id);
  }
  return ids;
}

double tokens_per_second(size_t tokens, double seconds) {
  return tokens == 0 || seconds <= 0 ? 0 : static_cast<double>(tokens) / seconds;
}

std::string reading_rate(size_t tokens, double seconds) {
  const double rate = tokens_per_second(tokens, seconds);
  return fmt::format("{:.{}f} tok/s", rate, rate < 100 ? 1 : 0);
}

std::vector<TokenId> parse_ids(std::string_view text, const std::string& where) {
  std::vector<TokenId> ids;
  const auto is_between = [](char c) {
    return c == ' ' || c == ',' || c == '\n' || c == '\r' || c == '\t' || c == '[' || c == ']';
  };
  for (size_t i = 0; i < text.size();) {
    if (is_between(text[i])) {
      ++i;
      continue;
    }
    TokenId id = 0;
    const auto [end, failure] = std::from_chars(text.data() + i, text.data() + text.size(), id);
    const auto next = static_cast<size_t>(end - text.data());
    if (failure != std::errc() || id < 0 || (next < text.size() && !is_between(text[next]))) {
      throw Error(
          ErrorKind::kArgument, where,
          fmt::format("must be token ids such as 1,2,3, found \"{}\"", fit_to_width(text.substr(i), 20)));
    }
    ids.push_back(id);
    i = next;
  }
  if (ids.empty()) throw Error(ErrorKind::kArgument, where, "must hold at least one token id, found none");
  return ids;
}

std::vector<TokenId> read_ids(const std::string& path) {
  return parse_ids(read_file_bytes(path).bytes, path);
}

void check_ids(const std::vector<TokenId>& ids, const Model& model, const std::string& where) {
  for (const TokenId id : ids) {
    if (static_cast<uint32_t>(id) < model.config.vocab_size) continue;
    throw Error(ErrorKind::kArgument, where,
                fmt::format("must be ids below the vocabulary's {}, found {}", model.config.vocab_size, id));
  }
}

}  // namespace longscroll
