#include "corpus/clean.h"

#include <memory>
#include <utility>

#include <fmt/format.h>
#include <unicode/uchar.h>

#include "base/utf8.h"
#include "base/white_space.h"
#include "corpus/language.h"
#include "corpus/normalize_text.h"

namespace longscroll::corpus {
namespace {

struct Shares {
  double digits = 0;
  double symbols = 0;
};

Shares shares_of(std::string_view text) {
  uint64_t all = 0, digits = 0, symbols = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    at += c.length;
    if (is_python_space(c.code_point)) continue;
    ++all;
    const uint32_t mask = U_GET_GC_MASK(static_cast<UChar32>(c.code_point));
    if ((mask & U_GC_ND_MASK) != 0) {
      ++digits;
    } else if ((mask & (U_GC_L_MASK | U_GC_M_MASK)) == 0) {
      ++symbols;
    }
  }
  if (all == 0) return {};
  return {static_cast<double>(digits) / static_cast<double>(all),
          static_cast<double>(symbols) / static_cast<double>(all)};
}

// What one thread needs for one shard.
class Cleaner {
 public:
  explicit Cleaner(const CleanSettings& settings)
      : settings_(settings), rules_(settings.gopher), masker_(settings.mask) {}

  Verdict apply(TextDocument& document, StepReport& report) {
    mend(document, report);
    const double replaced = replaced_share(document.text);
    if (settings_.max_replaced > 0 && replaced > settings_.max_replaced) {
      return {"broken-encoding", fmt::format("{:.4f} of the characters were lost", replaced)};
    }
    if (text_field(document.meta, "kind") != "code") {
      Verdict verdict = judge(document, report);
      if (!verdict.reason.empty()) return verdict;
    }
    Masked masked = masker_.mask(document.text);
    note(report, "masked", masked.count);
    document.text = std::move(masked.text);
    return {};
  }

 private:
  static void note(StepReport& report, const char* change, uint64_t count) {
    if (count > 0) report.changes[change] += count;
  }

  static void mend(TextDocument& document, StepReport& report) {
    Repair decoded = repair_mojibake(document.text);
    note(report, "mojibake", decoded.runs);
    Repair controlled = remove_controls(decoded.text);
    note(report, "control-characters", controlled.runs);
    document.text = normalize_nfc(controlled.text);
    note(report, "not-nfc", document.text == controlled.text ? 0 : 1);
  }

  Verdict judge(TextDocument& document, StepReport& report) {
    Boilerplate rest = remove_boilerplate(document.text, settings_.boilerplate);
    note(report, "navigation-lines", rest.navigation);
    note(report, "repeated-lines", rest.repeated);
    document.text = std::string(strip_python_space(rest.text));
    if (document.text.empty()) return {"empty", "nothing but navigation and white space"};
    const Language language = detect_language(document.text);
    document.meta = with_field(document.meta, "language", language.code);
    Verdict verdict = check_language(language);
    if (!verdict.reason.empty()) return verdict;
    const Shares shares = shares_of(document.text);
    if (settings_.max_digits > 0 && shares.digits > settings_.max_digits) {
      return {"digits", fmt::format("{:.3f} of the characters", shares.digits)};
    }
    if (settings_.max_symbols > 0 && shares.symbols > settings_.max_symbols) {
      return {"symbols", fmt::format("{:.3f} of the characters", shares.symbols)};
    }
    const bool english = language.code == "en" || language.code == "un";
    return rules_.check(document.text, english);
  }

  Verdict check_language(const Language& language) const {
    if (settings_.languages.empty()) return {};
    for (const std::string& wanted : settings_.languages) {
      const bool is_wanted = language.code == wanted || language.code.starts_with(wanted + "-");
      if (is_wanted && language.share >= settings_.min_language_share) return {};
    }
    return {"language", fmt::format("{}, {:.2f} of it", language.code, language.share)};
  }

  const CleanSettings& settings_;
  GopherRules rules_;
  Masker masker_;
};

std::vector<SettingField> gopher_fields(GopherSettings& gopher) {
  return {{"clean.min_words", &gopher.min_words},
          {"clean.max_words", &gopher.max_words},
          {"clean.min_mean_word_length", &gopher.min_mean_word_length},
          {"clean.max_mean_word_length", &gopher.max_mean_word_length},
          {"clean.max_symbol_ratio", &gopher.max_symbol_ratio},
          {"clean.max_bullet_lines", &gopher.max_bullet_lines},
          {"clean.max_ellipsis_lines", &gopher.max_ellipsis_lines},
          {"clean.min_alphabetic_words", &gopher.min_alphabetic_words},
          {"clean.min_stop_words", &gopher.min_stop_words},
          {"clean.max_repeated_lines", &gopher.max_repeated_lines},
          {"clean.max_repeated_line_characters", &gopher.max_repeated_line_characters},
          {"clean.max_repeated_paragraphs", &gopher.max_repeated_paragraphs},
          {"clean.max_repeated_paragraph_characters", &gopher.max_repeated_paragraph_characters},
          {"clean.max_top_2_gram", &gopher.max_top_2_gram},
          {"clean.max_top_3_gram", &gopher.max_top_3_gram},
          {"clean.max_top_4_gram", &gopher.max_top_4_gram},
          {"clean.max_repeated_5_grams", &gopher.max_repeated_5_grams},
          {"clean.max_repeated_6_grams", &gopher.max_repeated_6_grams},
          {"clean.max_repeated_7_grams", &gopher.max_repeated_7_grams},
          {"clean.max_repeated_8_grams", &gopher.max_repeated_8_grams},
          {"clean.max_repeated_9_grams", &gopher.max_repeated_9_grams},
          {"clean.max_repeated_10_grams", &gopher.max_repeated_10_grams}};
}

}  // namespace

std::vector<SettingField> fields_of(CleanSettings& settings) {
  std::vector<SettingField> fields = {{"clean.max_replaced", &settings.max_replaced},
                                      {"clean.navigation", &settings.boilerplate.navigation},
                                      {"clean.repeated_lines", &settings.boilerplate.repeated_lines},
                                      {"clean.languages", &settings.languages},
                                      {"clean.min_language_share", &settings.min_language_share},
                                      {"clean.max_digits", &settings.max_digits},
                                      {"clean.max_symbols", &settings.max_symbols},
                                      {"clean.mask_email", &settings.mask.email},
                                      {"clean.mask_phone", &settings.mask.phone},
                                      {"clean.mask_address", &settings.mask.address}};
  for (SettingField& field : gopher_fields(settings.gopher)) fields.push_back(std::move(field));
  return fields;
}

Json clean_corpus(const StepRequest& request, const CleanSettings& settings, const data::ReadEvents& events) {
  const Json described = describe_settings(settings);
  const auto make_rule = [&settings](size_t /*shard*/) -> Rule {
    const auto cleaner = std::make_shared<Cleaner>(settings);
    return [cleaner](TextDocument& document, uint64_t /*number*/, StepReport& report) {
      return cleaner->apply(document, report);
    };
  };
  return run_map_step(request, "clean", described, make_rule, Json::object(), events);
}

}  // namespace longscroll::corpus
