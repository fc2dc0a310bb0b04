#include "eval/endpoint_model.h"

#include <chrono>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
constexpr size_t kMostStops = 4;  // that the interface takes

[[noreturn]] void no_likelihoods(const std::string& url) {
  throw Error(ErrorKind::kUnsupported, url,
              "must give the likelihoods of choices for this task, found an endpoint, which gives none",
              "evaluate the model by --model, or choose a task that is answered in words");
}

[[noreturn]] void bad_answer(const std::string& url, const char* what) {
  throw Error(ErrorKind::kNetwork, url, fmt::format("must answer {}, found another answer", what));
}

Json request_body(const EndpointOptions& options, const EvalPrompt& prompt, size_t max_new_tokens,
                  std::span<const std::string> stop) {
  Json body = {{"model", options.model}};
  if (prompt.bare) {
    body["prompt"] = prompt.turns.at(0).content;
  } else {
    for (const Turn& turn : prompt.turns)
      body["messages"].push_back({{"role", turn.role}, {"content", turn.content}});
  }
  body["max_tokens"] = max_new_tokens;
  body["temperature"] = 0;
  body["stream"] = false;
  if (!stop.empty() && stop.size() <= kMostStops)
    body["stop"] = std::vector<std::string>(stop.begin(), stop.end());
  return body;
}

size_t count_at(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_unsigned() ? at->get<size_t>() : 0;
}

std::string text_of(const nlohmann::json& choice, bool bare, const std::string& url) {
  const nlohmann::json* text = nullptr;
  if (bare && choice.contains("text")) text = &choice["text"];
  if (!bare && choice.contains("message") && choice["message"].is_object() &&
      choice["message"].contains("content")) {
    text = &choice["message"]["content"];
  }
  if (text != nullptr && text->is_null()) return "";
  if (text == nullptr || !text->is_string()) bad_answer(url, "with a text");
  return text->get<std::string>();
}

}  // namespace

EndpointModel::EndpointModel(EndpointOptions options) : options_(std::move(options)) {
  while (options_.url.ends_with('/')) options_.url.pop_back();
  if (!options_.url.starts_with("http://") && !options_.url.starts_with("https://")) {
    throw Error(ErrorKind::kArgument, "--endpoint",
                fmt::format("must begin with http:// or https://, found \"{}\"", options_.url));
  }
}

Json EndpointModel::describe() const {
  return {{"endpoint", options_.url}, {"name", options_.model}};
}

Generated EndpointModel::generate(const EvalPrompt& prompt, size_t max_new_tokens,
                                  std::span<const std::string> stop, const ModelEvents& events) {
  const std::string url = options_.url + (prompt.bare ? "/completions" : "/chat/completions");
  const auto start = Clock::now();
  const nlohmann::json answer =
      post_json({url, options_.key, options_.policy}, request_body(options_, prompt, max_new_tokens, stop),
                events.cancel);
  Generated result;
  result.costs.decode_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!answer.is_object() || !answer.contains("choices") || !answer["choices"].is_array() ||
      answer["choices"].empty() || !answer["choices"][0].is_object()) {
    bad_answer(url, "with choices");
  }
  const nlohmann::json& choice = answer["choices"][0];
  result.text = text_of(choice, prompt.bare, url);
  const auto reason = choice.find("finish_reason");
  if (reason != choice.end() && *reason == "length") result.finish = Finish::kLength;
  for (const std::string& end : stop) {  // servers differ in whether they leave it out
    const size_t at = end.empty() ? std::string::npos : result.text.find(end);
    if (at == std::string::npos) continue;
    result.text.resize(at);
    result.finish = Finish::kStop;
  }
  if (answer.contains("usage") && answer["usage"].is_object()) {
    result.costs.prompt_tokens = count_at(answer["usage"], "prompt_tokens");
    result.generated_tokens = count_at(answer["usage"], "completion_tokens");
  }
  if (events.on_read) events.on_read(result.costs.prompt_tokens);
  return result;
}

EncodedChoices EndpointModel::encode_choices(std::span<const Turn>, bool,
                                             std::span<const std::string>) const {
  no_likelihoods(options_.url);
}

Likelihoods EndpointModel::log_likelihoods(const EncodedChoices&, const ModelEvents&) {
  no_likelihoods(options_.url);
}

}  // namespace longscroll
