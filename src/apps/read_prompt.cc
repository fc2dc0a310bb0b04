#include "apps/read_prompt.h"

#include <algorithm>

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "base/error.h"
#include "base/utf8.h"
#include "console/terminal.h"
#include "hub/catalogue.h"
#include "library/fit.h"

namespace longscroll {
namespace {

// The report's demo, to the letter (bilibili/Index-1.9B, demo/cli_long_text_demo.py).
constexpr std::string_view kIndexSystem =
    "你是由哔哩哔哩人工智能平台部自主研发的大语言模型，名为“Index”。你能够根据用户传入的信息，帮助用户完成指"
    "定的任务，并"
    "生成恰当的、符合要求的回复。";
constexpr std::string_view kIndexBreak = "\n\n\n\n\n\n";

struct Wording {
  std::string_view index_lead_in;
  std::string_view index_summary;
  std::string_view index_question;
  std::string_view summary;
  std::string_view question;
  std::string_view base_summary;  // a base model continues these
  std::string_view base_question;
  std::string_view base_answer;
};

constexpr Wording kChineseWording = {
    "请用中文总结以下内容：",
    "请用中文总结以上内容：",
    "请根据以上内容回答：",
    "请用中文总结以上内容。",
    "请根据以上内容回答：",
    "以上内容的总结：",
    "问题：",
    "回答：",
};
constexpr Wording kEnglishWording = {
    "Summarise the following text in English:",
    "Summarise the text above in English:",
    "Answer from the text above: ",
    "Summarise the text above in English.",
    "Answer from the text above: ",
    "Summary of the text above:",
    "Question: ",
    "Answer:",
};

const Wording& wording(Language language) {
  return language == Language::kChinese ? kChineseWording : kEnglishWording;
}

// A Chinese text quotes names and figures in Latin letters; an English text hardly ever has 15% Han.
constexpr double kMinHanShare = 0.15;

double han_share(std::string_view text) {
  size_t letters = 0;
  size_t han = 0;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    const auto code_point = static_cast<UChar32>(c.code_point);
    letters += u_isalpha(code_point) ? 1 : 0;
    han += uscript_hasScript(code_point, USCRIPT_HAN) && u_isalpha(code_point) ? 1 : 0;
    i += c.length;
  }
  return letters == 0 ? 0.0 : static_cast<double>(han) / static_cast<double>(letters);
}

// Ids in the middle of a text to text, without the half characters that a cut leaves at its ends.
std::string text_before_cut(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  StreamDecoder decoder(tokenizer, false);
  std::string text;
  for (const TokenId id : ids) text += decoder.push(id);
  return text;
}

std::string text_after_cut(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string bytes;
  for (const TokenId id : ids) bytes += tokenizer.token_bytes(id, false);
  size_t start = 0;
  while (start < bytes.size() && (static_cast<uint8_t>(bytes[start]) & 0xC0) == 0x80) ++start;
  return replace_invalid_utf8(std::string_view(bytes).substr(start));
}

std::string longer_windows(size_t needed) {
  std::string names;
  for (const CatalogueEntry& entry : catalogue()) {
    if (entry.window < needed) continue;
    names += names.empty() ? "" : ", ";
    names += fmt::format("{} ({})", entry.name, format_count(entry.window));
  }
  return names.empty() ? "none of `longscroll models` has one" : names;
}

// Room for a question longer than the request for a summary, so that the cut need not move for it.
constexpr size_t kQuestionReserve = 128;

FittedDocument cut_middle(const DocumentPrompt& prompt, const Tokenizer& tokenizer, const std::string& text,
                          size_t limit, const std::string& where) {
  const std::vector<TokenId> ids = tokenizer.encode(text, {.add_special = false});
  const size_t around = prompt.ids("", std::nullopt).size() + kQuestionReserve;
  size_t room = limit > around ? std::min(limit - around, ids.size()) : 0;
  // Joining two halves and encoding them again may give a few tokens more than their sum.
  while (room >= 2) {
    const Fit fit = keep_first_and_last_half(ids, room);
    std::string kept = text_before_cut(tokenizer, fit.first) + text_after_cut(tokenizer, fit.last);
    const size_t needed = prompt.ids(kept, std::nullopt).size() + kQuestionReserve;
    if (needed <= limit) return {std::move(kept), ids.size(), fit.left_out};
    room -= std::min(room, needed - limit);
  }
  throw Error(
      ErrorKind::kArgument, where,
      fmt::format("the window must leave room for some of the text, found {} tokens before the answer",
                  format_count(limit)),
      "Lower --max-new-tokens, or choose a model with a longer window.");
}

}  // namespace

const char* to_string(Language language) {
  return language == Language::kChinese ? "zh" : "en";
}

Language choose_language(std::string_view option, const Model& model, std::string_view text) {
  if (option == "zh") return Language::kChinese;
  if (option == "en") return Language::kEnglish;
  if (model.config.architecture == "index") return Language::kChinese;
  return han_share(text) >= kMinHanShare ? Language::kChinese : Language::kEnglish;
}

DocumentPrompt::DocumentPrompt(const Model& model, Language language)
    : model_(&model), language_(language), form_(chat_form(model)) {}

std::string DocumentPrompt::user_message(std::string_view document,
                                         std::optional<std::string_view> question) const {
  const Wording& words = wording(language_);
  if (form_.format == ChatFormat::kIndex) {
    const std::string request =
        question ? fmt::format("{}{}", words.index_question, *question) : std::string(words.index_summary);
    return fmt::format("{}{}{}{}{}", words.index_lead_in, kIndexBreak, document, kIndexBreak, request);
  }
  return question ? fmt::format("{}\n\n{}{}", document, words.question, *question)
                  : fmt::format("{}\n\n{}", document, words.summary);
}

std::string DocumentPrompt::continuation(std::string_view document,
                                         std::optional<std::string_view> question) const {
  const Wording& words = wording(language_);
  return question ? fmt::format("{}\n\n{}{}\n{}", document, words.base_question, *question, words.base_answer)
                  : fmt::format("{}\n\n{}", document, words.base_summary);
}

std::vector<TokenId> DocumentPrompt::ids(std::string_view document,
                                         std::optional<std::string_view> question) const {
  const Tokenizer& tokenizer = *model_->tokenizer;
  if (!form_.format) return tokenizer.encode(continuation(document, question));
  std::vector<ChatMessage> messages;
  if (form_.format == ChatFormat::kIndex) messages.push_back({"system", std::string(kIndexSystem)});
  messages.push_back({"user", user_message(document, question)});
  return chat_prompt(tokenizer, *form_.format, messages, form_.default_system);
}

FittedDocument fit_document(const DocumentPrompt& prompt, const Tokenizer& tokenizer, const std::string& text,
                            size_t limit, OverLength over_length, const std::string& where) {
  const size_t needed = prompt.ids(text, std::nullopt).size();
  const size_t tokens = tokenizer.encode(text, {.add_special = false}).size();
  if (needed <= limit) return {text, tokens, 0};
  if (over_length == OverLength::kMiddle) return cut_middle(prompt, tokenizer, text, limit, where);
  throw Error(
      ErrorKind::kArgument, where,
      fmt::format("the text must fit the window, found {} tokens, {} with the request, where {} fit before "
                  "the answer",
                  format_count(tokens), format_count(needed), format_count(limit)),
      fmt::format("Choose: --over-length middle keeps the first and last half of what fits, and leaves out "
                  "about {} tokens;\n        a model with a longer window (--model): {}.",
                  format_count(needed - limit), longer_windows(needed)));
}

}  // namespace longscroll
