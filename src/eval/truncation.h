// What is left of a prompt that is longer than the room there is, by ids. Pure functions: safe between
// threads.
//
// Letters: n = ids of the prompt, W = window, P = W - the longest answer, the room.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/token_id.h"
#include "eval/language_model.h"
#include "metrics/metric.h"

namespace longscroll {

enum class TruncationMode { kMiddle, kLeft, kRight, kRefuse };
const char* to_string(TruncationMode mode);
TruncationMode truncation_mode_from_name(std::string_view name);  // throws Error(kArgument), naming the four

// How middle truncation is done; the other modes cut ids at once.
enum class MiddleRule {
  // OpenCompass (docs: ../shared/protocols/longbench.md, 4): first cut from the left to W, then, if longer
  // than P,
  // the first and last floor(P / 2) ids. Above W the beginning is lost.
  kOpenCompass,
  // THUDM/LongBench's pred.py: the bare text cut to the first and last floor(L / 2) ids, both decoded and
  // joined,
  // and only then put into the template. L leaves room for answer and template: 3500 of 4K, 31500 of 32K.
  kOfficial,
  // Ours: the first and last floor(P / 2) ids, moved so that only the longest turn loses any: the template
  // stays
  // whole, and so does a question of up to half the room.
  kWithinTurn,
};
MiddleRule middle_rule(Protocol protocol);
const char* to_string(MiddleRule rule);

struct TruncationOptions {
  TruncationMode mode = TruncationMode::kMiddle;
  MiddleRule rule = MiddleRule::kOpenCompass;
  size_t window = 0;  // W; 0: not known, so nothing is cut
};

// What was kept; the record's `truncation`.
struct Truncation {
  TruncationMode mode = TruncationMode::kMiddle;
  std::string rule;
  size_t kept_first = 0;
  size_t kept_last = 0;
  size_t dropped = 0;  // ids of the prompt, or of the bare text under kOfficial
};
nlohmann::ordered_json to_json(const Truncation& truncation);

struct FittedPrompt {
  EvalPrompt prompt;
  std::optional<Truncation> truncation;  // nullopt: it fitted
};

// The ids that are left, and what was kept.
struct CutIds {
  std::vector<TokenId> ids;
  size_t kept_first = 0;
  size_t kept_last = 0;
};
// Keeps ids[0, first) and the last `last`.
CutIds keep_ends(std::span<const TokenId> ids, size_t first, size_t last);
CutIds cut_as_opencompass(std::span<const TokenId> ids, size_t window, size_t room);
// Removes from ids[begin, end) alone, as `mode` says. nullopt: even without them there is no room.
std::optional<CutIds> cut_within(std::span<const TokenId> ids, size_t room, size_t begin, size_t end,
                                 TruncationMode mode);

// L of THUDM's table (config/model2maxlen.json), 500 below each thousand of the window; never above `room`.
size_t official_length(size_t window, size_t room);

// The prompt of these turns, cut where it and an answer of `max_new_tokens` would be longer than the window;
// never longer afterwards. A model that shows no ids but has a tokenizer is given text that was cut by its
// ids. Throws Error(kArgument), naming `where`, in mode kRefuse, and when the window has no room at all.
FittedPrompt fit_prompt(const LanguageModel& model, std::span<const Turn> turns, bool bare,
                        size_t max_new_tokens, const TruncationOptions& options, const std::string& where);

// The same for choices: their context is cut, by ids, so that the longest of them still fits behind it.
std::optional<Truncation> fit_choices(EncodedChoices& choices, const TruncationOptions& options,
                                      const std::string& where);

}  // namespace longscroll
