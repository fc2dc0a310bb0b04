#include "doctor/files.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "model/json_fields.h"
#include "text/chat_template.h"

namespace longscroll::doctor {
namespace {

constexpr double kLeastEps = 1e-7, kMostEps = 1e-4;  // published models have 1e-6 or 1e-5
// Published models double the base with the window at least: 16K at 10000 would be the furthest stretch.
constexpr double kTokensPerBase = 16384.0 / 10000.0;
constexpr uint64_t kNoLimit = 1000000000;  // tokenizers that name no window write a larger number

constexpr std::array<std::string_view, 5> kBeginMarks = {"<s>", "<bos>", "<|begin_of_text|>",
                                                         "<|startoftext|>", "[CLS]"};
constexpr std::array<std::string_view, 7> kEndMarks = {
    "</s>", "<eos>", "<|end_of_text|>", "<|eot_id|>", "<|im_end|>", "<end_of_turn>", "[SEP]"};

class Examination {
 public:
  explicit Examination(const Model& model) : model_(model) {
    if (std::filesystem::is_directory(model.path)) config_ = read_json_object(model.path / "config.json");
  }

  std::vector<Finding> run() {
    check_rotation();
    check_heads();
    check_eps();
    check_window();
    if (model_.tokenizer) {
      check_special_tokens();
      check_bos();
      check_template();
    }
    return std::move(findings_);
  }

 private:
  void add(const char* check, Severity severity, std::string text, std::string advice = {}) {
    findings_.push_back({check, severity, std::move(text), std::move(advice)});
  }

  JsonFields fields() const { return {config_, (model_.path / "config.json").string()}; }

  void check_rotation() {
    const RopeConfig& rope = model_.config.rope;
    const double window = model_.config.max_position;
    if (rope.scaling == RopeScaling::kNone && rope.frequency_divisors.empty() &&
        window > kTokensPerBase * rope.base) {
      add("base", Severity::kSuspicious,
          fmt::format("a rotary base of {} is small for a window of {} tokens", rope.base, window),
          "compare with the published configuration; longscroll rope plan shows what such a window asks for");
    }
    if (config_.is_null()) return;
    const auto ratio = fields().get_number("rope_ratio");
    if (ratio && *ratio * 10000.0 != rope.base) {
      add("rope_ratio", Severity::kFault,
          fmt::format("config.json has a rope_ratio of {}, a base of {}, but its architecture {} takes {}",
                      *ratio, *ratio * 10000.0, model_.config.architecture, rope.base),
          fmt::format("write rope_theta {} into config.json", *ratio * 10000.0));
    }
    const auto base = fields().get_number("rope_base");
    if (base && *base != rope.base) {
      add("rope_ratio", Severity::kFault,
          fmt::format("config.json has a rope_base of {}, but its architecture {} takes {}", *base,
                      model_.config.architecture, rope.base),
          fmt::format("write rope_theta {} into config.json", *base));
    }
  }

  void check_heads() {
    const ModelConfig& config = model_.config;
    const bool asked = !config_.is_null() && fields().get_bool("norm_head").value_or(false);
    if (!config.norm_head && (config.architecture == "index" || asked)) {
      add("norm_head", Severity::kFault, "an Index head is used without dividing its rows by their norms",
          "set norm_head to true, with the architecture IndexForCausalLM");
    }
    if (config_.is_null() || !config.tied_head) return;
    const Checkpoint checkpoint(model_.path);
    const TensorView* head = checkpoint.find("lm_head.weight");
    const TensorView* embedding = checkpoint.find("model.embed_tokens.weight");
    if (head == nullptr || embedding == nullptr) return;
    if (head->dtype != embedding->dtype || !std::ranges::equal(head->data, embedding->data)) {
      add("tied_head", Severity::kFault,
          "config.json ties the head to the embedding, but the weights hold another head, which is not used",
          "set tie_word_embeddings to false");
    }
  }

  void check_eps() {
    const double eps = model_.config.rms_norm_eps;
    if (eps >= kLeastEps && eps <= kMostEps) return;
    add("eps", Severity::kSuspicious,
        fmt::format("the norms' epsilon is {:g}; published models have 1e-6 or 1e-5", eps),
        "compare with the published configuration");
  }

  void check_window() {
    const auto path = model_.path / "tokenizer_config.json";
    if (config_.is_null() || !std::filesystem::exists(path)) return;
    const nlohmann::json object = read_json_object(path);
    const auto limit = JsonFields(object, path.string()).get_number("model_max_length");
    if (!limit || *limit >= static_cast<double>(kNoLimit) || *limit >= model_.config.max_position) return;
    add("window", Severity::kNote,
        fmt::format("the tokenizer names a window of {:.0f} tokens, the configuration one of {}", *limit,
                    model_.config.max_position));
  }

  std::string text_of(TokenId id) const { return model_.tokenizer->token_bytes(id, false); }

  void check_special_tokens() {
    const auto bos = model_.tokenizer->bos();
    if (bos && std::ranges::find(kEndMarks, text_of(*bos)) != kEndMarks.end()) {
      add("special_tokens", Severity::kFault,
          fmt::format("a text begins with {} ({}), which ends texts by its name", *bos, text_of(*bos)),
          "BOS and EOS look swapped");
    }
    for (const TokenId id : model_.eos_ids) {
      if (std::ranges::find(kBeginMarks, text_of(id)) != kBeginMarks.end()) {
        add("special_tokens", Severity::kFault,
            fmt::format("a text ends with {} ({}), which begins texts by its name", id, text_of(id)),
            "BOS and EOS look swapped");
      } else if (!model_.tokenizer->is_special(id)) {
        add("special_tokens", Severity::kFault,
            fmt::format("a text ends with {} (\"{}\"), an ordinary token", id, text_of(id)));
      }
    }
  }

  void check_bos() {
    const auto bos = model_.tokenizer->bos();
    if (!bos) return;
    if (!model_.tokenizer->is_special(*bos)) {
      add("bos", Severity::kFault,
          fmt::format("a text begins with {} (\"{}\"), an ordinary token", *bos, text_of(*bos)),
          "set the tokenizer's BOS to the id that the model was trained with");
    }
    if (config_.is_null()) return;
    const std::vector<int64_t> said = fields().get_ints("bos_token_id");
    if (!said.empty() && said.front() != *bos) {
      add("bos", Severity::kSuspicious,
          fmt::format("config.json begins a text with {}, the tokenizer with {}", said.front(), *bos));
    }
  }

  void check_template() {
    std::optional<ChatFormat> format;
    try {
      format = detect_chat_format(model_.chat_metadata);
      if (format) chat_prompt(*model_.tokenizer, *format, std::array{ChatMessage{"user", "?"}});
    } catch (const Error& error) {
      const bool unknown = error.kind() == ErrorKind::kUnsupported;
      add("template", unknown ? Severity::kSuspicious : Severity::kFault,
          unknown ? "the chat template is of no form that we know"
                  : std::string("the chat form does not fit the tokenizer: ") + error.what());
    }
    const std::set<std::string> missing = missing_marks();
    if (missing.empty()) return;
    add("template", Severity::kFault,
        fmt::format("the chat template writes {}, which the vocabulary does not have: it becomes plain text",
                    fmt::join(missing, ", ")),
        "the template is of another model");
  }

  // Marks such as <|im_start|> in the template that are no token.
  std::set<std::string> missing_marks() const {
    std::set<std::string> missing;
    const std::string jinja = model_.chat_metadata.jinja.value_or("");
    for (size_t begin = jinja.find("<|"); begin != std::string::npos; begin = jinja.find("<|", begin + 1)) {
      const size_t end = jinja.find("|>", begin);
      if (end == std::string::npos) break;
      const std::string mark = jinja.substr(begin, end + 2 - begin);
      const bool is_name = mark.find_first_of(" \n'\"{}<", 1) == std::string::npos;
      if (is_name && !model_.tokenizer->find_token(mark)) missing.insert(mark);
    }
    return missing;
  }

  const Model& model_;
  nlohmann::json config_;  // null for GGUF
  std::vector<Finding> findings_;
};

}  // namespace

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kSuspicious:
      return "suspicious";
    case Severity::kFault:
      break;
  }
  return "fault";
}

std::vector<Finding> examine_files(const Model& model) {
  return Examination(model).run();
}

}  // namespace longscroll::doctor
