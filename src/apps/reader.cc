#include "apps/reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/cpu_features.h"
#include "base/error.h"
#include "base/utf8.h"
#include "console/interrupt.h"
#include "console/terminal.h"

namespace longscroll {
namespace {

constexpr size_t kShownCharacters = 200;        // at each end, as the report's demo shows
constexpr size_t kWarnAboveCharacters = 36000;  // the report's: about what 32K tokens hold
constexpr size_t kRoomForEdits = 1024;          // tokens that the cache keeps free for edits and questions

std::string first_and_last(std::string_view text) {
  const std::vector<size_t> offsets = code_point_offsets(text);
  const size_t characters = offsets.size() - 1;
  if (characters <= 2 * kShownCharacters) return printable(text);
  return fmt::format("{}\n… {} characters …\n{}", printable(text.substr(0, offsets[kShownCharacters])),
                     format_count(characters - 2 * kShownCharacters),
                     printable(text.substr(offsets[characters - kShownCharacters])));
}

OverLength over_length_of(const ReadOptions& options) {
  return options.over_length == "middle" ? OverLength::kMiddle : OverLength::kRefuse;
}

}  // namespace

Reader::Reader(const ReadOptions& options, std::shared_ptr<const Model> model)
    : options_(options), model_(std::move(model)) {
  if (options_.generate.max_new_tokens >= model_->config.max_position) {
    throw Error(ErrorKind::kArgument, "--max-new-tokens",
                fmt::format("must leave room in the window of {} tokens, found {}",
                            model_->config.max_position, options_.generate.max_new_tokens));
  }
  open_document();
  print_plan();
}

size_t Reader::limit() const {
  return model_->config.max_position - options_.generate.max_new_tokens;
}

void Reader::open_document() {
  Document document = read_document(options_.file);
  const Language language = choose_language(options_.language, *model_, document.text);
  DocumentPrompt prompt(*model_, language);
  print_document(document);
  FittedDocument fitted = fit_document(prompt, *model_->tokenizer, document.text, limit(),
                                       over_length_of(options_), options_.file);
  // Nothing is taken over before all of it worked: after a refusal the next question tries again.
  summary_tokens_ = prompt.ids(fitted.text, std::nullopt).size();
  document_ = std::move(document);
  fitted_ = std::move(fitted);
  prompt_ = std::move(prompt);
  language_ = language;
}

bool Reader::open_again_if_changed() {
  if (stamp(options_.file) == document_.stamp) return false;
  fmt::print(stderr, "{} changed: reading it again.\n", options_.file);
  open_document();
  return true;
}

void Reader::print_document(const Document& document) const {
  write_remarks(document.remarks);
  fmt::print(stderr, "{}: {} characters, {}\n", options_.file, format_count(document.characters),
             document.encoding);
  fmt::print(stderr, "-----\n{}\n-----\n", first_and_last(document.text));
  if (document.characters > kWarnAboveCharacters) {
    fmt::print(stderr, "warning: more than {} characters: reading takes long, and answers may miss details\n",
               format_count(kWarnAboveCharacters));
  }
}

void Reader::print_plan() const {
  const size_t window = model_->config.max_position;
  fmt::print(stderr, "{} tokens; with the request {}, {:.1f}% of the window of {}\n",
             format_count(fitted_.tokens), format_count(summary_tokens_),
             100.0 * static_cast<double>(summary_tokens_) / static_cast<double>(window),
             format_count(window));
  if (fitted_.left_out > 0) {
    fmt::print(stderr, "warning: the text does not fit: {} tokens in its middle are left out\n",
               format_count(fitted_.left_out));
  }
  if (!prompt_->form().format) {
    fmt::print(stderr, "note: this model declares no chat form; it is given the text to continue\n");
  }
  const uint64_t needed = forecast().total();
  fmt::print(stderr, "memory needed: {}\n", format_bytes(needed));
  if (needed > physical_memory_bytes()) {
    fmt::print(stderr, "warning: this machine has only {}\n", format_bytes(physical_memory_bytes()));
  }
}

// A longer cache is a new one, and what was read must be read again: so it has some room to spare.
SessionOptions Reader::session_for(size_t length) const {
  return session_options(options_.model, *model_,
                         std::min<size_t>(model_->config.max_position, length + kRoomForEdits));
}

MemoryForecast Reader::forecast() const {
  return forecast_memory(*model_, session_for(summary_tokens_ + options_.generate.max_new_tokens));
}

void Reader::make_room(size_t length) {
  if (session_ && session_->max_length() >= length) return;
  session_.reset();  // first, or two caches would be in memory
  session_ = std::make_unique<Session>(model_, session_for(length));
}

Answer Reader::ask(const std::optional<std::string>& question) {
  const bool changed = open_again_if_changed();
  const std::vector<TokenId> ids = prompt_->ids(fitted_.text, question);
  if (ids.size() > limit()) {
    throw Error(ErrorKind::kArgument, "question",
                fmt::format("text and question must fit in {} tokens, found {}", format_count(limit()),
                            format_count(ids.size())),
                "Ask in fewer words, lower --max-new-tokens, or use --over-length middle.");
  }
  make_room(ids.size() + options_.generate.max_new_tokens);
  GenerateOptions generate = options_.generate;
  generate.stop_ids = stop_ids(*model_, prompt_->form());
  const Answer answer =
      answer_prompt(*session_, ids, generate, options_.json ? Stream::kNone : Stream::kText);
  const GenerateResult& result = answer.result;
  if (changed) {
    fmt::print(stderr, "the file changed: reused {} of {} tokens\n", format_count(result.reused_tokens),
               format_count(result.prompt_tokens));
  }
  fmt::print(stderr, "{}\n", timing_line(result));
  Json record = {{"question", question ? Json(*question) : Json(nullptr)},
                 {"text", answer.text},
                 {"ids", result.ids},
                 {"stop_reason", to_string(result.stop_reason)},
                 {"truncated", result.stop_reason != StopReason::kStopToken}};
  record.update(describe_timing(generate, result));
  record["file_changed"] = changed;
  answers_.push_back(std::move(record));
  return answer;
}

Json Reader::describe() const {
  Json json = describe_run(options_.model, *model_);
  json["document"] = {{"path", options_.file},
                      {"encoding", document_.encoding},
                      {"bytes", document_.bytes},
                      {"characters", document_.characters},
                      {"tokens", fitted_.tokens},
                      {"prompt_tokens", summary_tokens_},
                      {"window", model_->config.max_position},
                      {"left_out", fitted_.left_out},
                      {"truncated", fitted_.left_out > 0},
                      {"remarks", document_.remarks}};
  json["language"] = to_string(language_);
  json["memory"] = describe_memory(forecast());
  json["remarks"] = model_->remarks;
  json["summary"] = nullptr;
  json["answers"] = Json::array();
  for (const Json& answer : answers_) {
    if (answer["question"].is_null()) {
      json["summary"] = answer;
    } else {
      json["answers"].push_back(answer);
    }
  }
  return json;
}

}  // namespace longscroll
