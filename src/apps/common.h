// What the commands share: output, options of model and sampling.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "console/guarded.h"
#include "engine/generate.h"
#include "engine/session.h"
#include "model/model.h"

namespace longscroll {

using Json = nlohmann::ordered_json;

void write_json(const Json& json);  // one object, indented, newline at the end

struct ModelOptions {
  std::string model;  // a path, a catalogue's name or an hf: spec
  int threads = 0;    // 0: every core that there is
  std::string kv = "auto";
  std::string compute = "default";
  std::string rope;   // parse_rope_extension()'s; empty: as the model has it
  size_t window = 0;  // 0: the model's, or what `rope` gives
};

void add_model_argument(CLI::App& command, ModelOptions& options);
void add_arithmetic_options(CLI::App& command, ModelOptions& options);  // --threads, --kv, --compute
void add_compute_options(CLI::App& command, ModelOptions& options);     // these, --rope and --window

// With what --rope and --window ask for.
std::shared_ptr<const Model> open_model(const ModelOptions& options, bool need_tokenizer,
                                        Packing packing = Packing::kPack);
SessionOptions session_options(const ModelOptions& options, const Model& model, size_t max_length);

void add_sampling_options(CLI::App& command, SamplingOptions& options);
void add_speculation_option(CLI::App& command, GenerateOptions& options);

// model, architecture, threads, kernels, compute, kv, window and rope, as every JSON output that computes
// begins.
Json describe_run(const ModelOptions& options, const Model& model);
Json describe_memory(const MemoryForecast& forecast);

// The answer's form in this model: how to ask, and what ends an answer.
struct ChatForm {
  std::optional<ChatFormat> format;  // nullopt: a base model, which continues a text
  std::string default_system;
};
ChatForm chat_form(const Model& model);
std::vector<TokenId> stop_ids(const Model& model, const ChatForm& form);

// Session::prefill's progress and the answer's tokens, both for people.
std::string reading_rate(size_t tokens, double seconds);  // "812 tok/s"

// A file's ids: numbers with spaces, commas or line ends between them, or a JSON array of numbers.
std::vector<TokenId> parse_ids(std::string_view text, const std::string& where);
std::vector<TokenId> read_ids(const std::string& path);
void check_ids(const std::vector<TokenId>& ids, const Model& model, const std::string& where);

double tokens_per_second(size_t tokens, double seconds);  // 0 when nothing was done

}  // namespace longscroll
