#include "eval/truncation.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

// Of a server's template, whose ids we cannot see: marks, roles and line ends of one turn.
constexpr size_t kTemplateTokensOfATurn = 16;

size_t longest_turn(std::span<const Turn> turns) {
  const auto longest = std::max_element(turns.begin(), turns.end(), [](const Turn& a, const Turn& b) {
    return a.content.size() < b.content.size();
  });
  return static_cast<size_t>(longest - turns.begin());
}

std::vector<Turn> with_content(std::span<const Turn> turns, size_t index, std::string content) {
  std::vector<Turn> changed(turns.begin(), turns.end());
  changed[index].content = std::move(content);
  return changed;
}

[[noreturn]] void no_room(const std::string& where, size_t tokens, size_t room, size_t window) {
  throw Error(
      ErrorKind::kArgument, where,
      fmt::format("must fit into {} tokens (a window of {} less the answer), found {}", room, window, tokens),
      "raise --max-seq-len as far as the model's window, or let --truncate cut it");
}

// [begin, end) of the ids that come of one turn's content: what differs from the prompt in which it is empty.
struct Range {
  size_t begin;
  size_t end;
};
Range ids_of_turn(const LanguageModel& model, std::span<const TokenId> ids, std::span<const Turn> turns,
                  bool bare, size_t turn) {
  const std::vector<TokenId> rest = model.prompt_ids(with_content(turns, turn, ""), bare);
  const size_t most = std::min(rest.size(), ids.size());
  size_t head = 0;
  while (head < most && rest[head] == ids[head]) ++head;
  size_t tail = 0;
  while (tail < most - head && rest[rest.size() - 1 - tail] == ids[ids.size() - 1 - tail]) ++tail;
  return {head, ids.size() - tail};
}

struct Cutting {
  const LanguageModel& model;
  std::span<const Turn> turns;
  bool bare;
  const TruncationOptions& options;
  size_t room;
  const std::string& where;
};

FittedPrompt fitted(const Cutting& c, CutIds cut, size_t before, const char* rule) {
  const size_t after = cut.ids.size();
  FittedPrompt result;
  result.prompt = {{c.turns.begin(), c.turns.end()}, c.bare, std::move(cut.ids)};
  result.truncation = Truncation{c.options.mode, rule, cut.kept_first, cut.kept_last, before - after};
  return result;
}

FittedPrompt cut_ids(const Cutting& c, std::span<const TokenId> ids) {
  if (c.options.mode == TruncationMode::kMiddle && c.options.rule == MiddleRule::kOpenCompass) {
    return fitted(c, cut_as_opencompass(ids, c.options.window, c.room), ids.size(),
                  to_string(c.options.rule));
  }
  if (c.options.mode == TruncationMode::kMiddle && c.options.rule == MiddleRule::kWithinTurn) {
    const Range range = ids_of_turn(c.model, ids, c.turns, c.bare, longest_turn(c.turns));
    std::optional<CutIds> cut = cut_within(ids, c.room, range.begin, range.end, c.options.mode);
    if (!cut) no_room(c.where, ids.size() - (range.end - range.begin), c.room, c.options.window);
    return fitted(c, std::move(*cut), ids.size(), to_string(c.options.rule));
  }
  return fitted(c, *cut_within(ids, c.room, 0, ids.size(), c.options.mode), ids.size(), "ids");
}

// Two halves of a text as ids, each decoded alone: a character that the cut split shows as U+FFFD.
std::string decoded_ends(const Tokenizer& tokenizer, const CutIds& cut) {
  const std::span<const TokenId> ids(cut.ids);
  return tokenizer.decode(ids.first(cut.kept_first)) + tokenizer.decode(ids.last(cut.kept_last));
}

// THUDM's: the bare text is measured and cut, whatever template follows. nullopt: it was short enough.
std::optional<FittedPrompt> cut_bare_text(const Cutting& c) {
  const size_t turn = longest_turn(c.turns);
  const Tokenizer& tokenizer = *c.model.tokenizer();
  const std::vector<TokenId> ids = tokenizer.encode(c.turns[turn].content);
  const size_t length = official_length(c.options.window, c.room);
  if (ids.size() <= length) return std::nullopt;
  const CutIds cut = keep_ends(ids, length / 2, length / 2);
  FittedPrompt result;
  result.prompt.turns = with_content(c.turns, turn, decoded_ends(tokenizer, cut));
  result.prompt.bare = c.bare;
  result.prompt.ids = c.model.prompt_ids(result.prompt.turns, c.bare);
  result.truncation = Truncation{c.options.mode, to_string(c.options.rule), cut.kept_first, cut.kept_last,
                                 ids.size() - cut.ids.size()};
  return result;
}

// For a model that shows no ids: the longest turn's text is cut by its tokenizer's ids.
FittedPrompt fit_text(const Cutting& c) {
  FittedPrompt result;
  result.prompt = {{c.turns.begin(), c.turns.end()}, c.bare, {}};
  if (c.model.tokenizer() == nullptr) return result;
  const size_t turn = longest_turn(c.turns);
  size_t rest = 0;
  for (size_t i = 0; i < c.turns.size(); ++i) {
    rest += kTemplateTokensOfATurn + (i == turn ? 0 : c.model.count_tokens(c.turns[i].content));
  }
  const Tokenizer& tokenizer = *c.model.tokenizer();
  const std::vector<TokenId> ids = tokenizer.encode(c.turns[turn].content, {.add_special = false});
  if (rest + ids.size() <= c.room) return result;
  if (c.options.mode == TruncationMode::kRefuse || rest >= c.room) {
    no_room(c.where, rest + ids.size(), c.room, c.options.window);
  }
  const CutIds cut = *cut_within(ids, c.room - rest, 0, ids.size(), c.options.mode);
  result.prompt.turns[turn].content = decoded_ends(tokenizer, cut);
  result.truncation =
      Truncation{c.options.mode, "text", cut.kept_first, cut.kept_last, ids.size() - cut.ids.size()};
  return result;
}

}  // namespace

const char* to_string(TruncationMode mode) {
  switch (mode) {
    case TruncationMode::kMiddle:
      return "middle";
    case TruncationMode::kLeft:
      return "left";
    case TruncationMode::kRight:
      return "right";
    case TruncationMode::kRefuse:
      return "refuse";
  }
  return "";
}

TruncationMode truncation_mode_from_name(std::string_view name) {
  for (const TruncationMode mode :
       {TruncationMode::kMiddle, TruncationMode::kLeft, TruncationMode::kRight, TruncationMode::kRefuse}) {
    if (name == to_string(mode)) return mode;
  }
  throw Error(ErrorKind::kArgument, "--truncate",
              fmt::format("must be middle, left, right or refuse, found \"{}\"", name));
}

MiddleRule middle_rule(Protocol protocol) {
  switch (protocol) {
    case Protocol::kOpenCompass:
      return MiddleRule::kOpenCompass;
    case Protocol::kOfficial:
      return MiddleRule::kOfficial;
    case Protocol::kClean:
      return MiddleRule::kWithinTurn;
  }
  return MiddleRule::kWithinTurn;
}

const char* to_string(MiddleRule rule) {
  switch (rule) {
    case MiddleRule::kOpenCompass:
      return "opencompass";
    case MiddleRule::kOfficial:
      return "official";
    case MiddleRule::kWithinTurn:
      return "within turn";
  }
  return "";
}

nlohmann::ordered_json to_json(const Truncation& truncation) {
  return {{"mode", to_string(truncation.mode)},
          {"rule", truncation.rule},
          {"kept_first", truncation.kept_first},
          {"kept_last", truncation.kept_last}};
}

CutIds keep_ends(std::span<const TokenId> ids, size_t first, size_t last) {
  CutIds cut{{ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(first)}, first, last};
  cut.ids.insert(cut.ids.end(), ids.end() - static_cast<std::ptrdiff_t>(last), ids.end());
  return cut;
}

CutIds cut_as_opencompass(std::span<const TokenId> ids, size_t window, size_t room) {
  if (ids.size() > window) ids = ids.last(window);
  return ids.size() <= room ? keep_ends(ids, ids.size(), 0) : keep_ends(ids, room / 2, room / 2);
}

std::optional<CutIds> cut_within(std::span<const TokenId> ids, size_t room, size_t begin, size_t end,
                                 TruncationMode mode) {
  const size_t kept = mode == TruncationMode::kMiddle ? room / 2 * 2 : room;
  const size_t dropped = ids.size() - std::min(kept, ids.size());
  if (dropped > end - begin) return std::nullopt;
  size_t from = mode == TruncationMode::kLeft ? begin : end - dropped;
  if (mode == TruncationMode::kMiddle) from = std::clamp(room / 2, begin, end - dropped);
  return keep_ends(ids, from, ids.size() - from - dropped);
}

size_t official_length(size_t window, size_t room) {
  const size_t thousands = window / 1024 * 1000;
  return thousands > 500 ? std::min(thousands - 500, room) : room;
}

FittedPrompt fit_prompt(const LanguageModel& model, std::span<const Turn> turns, bool bare,
                        size_t max_new_tokens, const TruncationOptions& options, const std::string& where) {
  const size_t window = options.window;
  if (window > 0 && window <= max_new_tokens) no_room(where, max_new_tokens, 0, window);
  const Cutting cutting{model, turns, bare, options, window - max_new_tokens, where};
  std::vector<TokenId> ids = model.prompt_ids(turns, bare);
  if (window == 0) return {{{turns.begin(), turns.end()}, bare, std::move(ids)}, std::nullopt};
  if (ids.empty()) return fit_text(cutting);
  const bool is_middle = options.mode == TruncationMode::kMiddle;
  std::optional<FittedPrompt> official;
  if (is_middle && options.rule == MiddleRule::kOfficial) official = cut_bare_text(cutting);
  if (official) ids = official->prompt.ids;
  if (ids.size() <= cutting.room) {
    return official ? std::move(*official)
                    : FittedPrompt{{{turns.begin(), turns.end()}, bare, std::move(ids)}, std::nullopt};
  }
  if (options.mode == TruncationMode::kRefuse) no_room(where, ids.size(), cutting.room, window);
  FittedPrompt cut = cut_ids(cutting, ids);
  if (official) {  // the template, or re-encoding the halves, took more than L left
    cut.prompt.turns = official->prompt.turns;
    cut.truncation->rule = "official, then ids";
    cut.truncation->dropped += official->truncation->dropped;
  }
  return cut;
}

std::optional<Truncation> fit_choices(EncodedChoices& choices, const TruncationOptions& options,
                                      const std::string& where) {
  size_t longest = 0;
  for (const std::vector<TokenId>& ids : choices.continuations) longest = std::max(longest, ids.size());
  const size_t before = choices.context.size();
  if (options.window == 0 || before + longest <= options.window) return std::nullopt;
  if (longest >= options.window || options.mode == TruncationMode::kRefuse) {
    no_room(where, before + longest, options.window, options.window);
  }
  CutIds cut = *cut_within(choices.context, options.window - longest, 0, before, options.mode);
  choices.context = std::move(cut.ids);
  return Truncation{options.mode, "ids", cut.kept_first, cut.kept_last, before - choices.context.size()};
}

}  // namespace longscroll
