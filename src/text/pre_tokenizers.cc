#include "text/pre_tokenizers.h"

#include <fmt/format.h>
#include <array>

#include "base/error.h"

namespace longscroll {

const std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kSingleDigitPattern = R"(\p{N})";
const std::string_view kDigitRunPattern = R"(\p{N}+)";

namespace {

constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct NamedPreTokenizer {
  std::string_view name;
  std::array<std::string_view, 2> patterns;
  bool nfc;
  bool ignore_merges;
};

const std::array<NamedPreTokenizer, 4>& named_pre_tokenizers() {
  static const std::array<NamedPreTokenizer, 4> table = {{
      {"gpt-2", {kByteLevelPattern, ""}, false, false},
      {"smollm", {kSingleDigitPattern, kByteLevelPattern}, false, false},
      {"qwen2", {kQwen2Pattern, ""}, true, false},
      {"llama-bpe", {kLlama3Pattern, ""}, false, true},
  }};
  return table;
}

std::vector<std::string> patterns_of(const NamedPreTokenizer& named) {
  std::vector<std::string> patterns;
  for (std::string_view pattern : named.patterns) {
    if (!pattern.empty()) patterns.emplace_back(pattern);
  }
  return patterns;
}

}  // namespace

void apply_named_pre_tokenizer(BpeTables& tables, std::string_view where) {
  std::string known;
  for (const NamedPreTokenizer& candidate : named_pre_tokenizers()) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", candidate.name);
    if (candidate.name != tables.pre) continue;
    tables.split_patterns = patterns_of(candidate);
    tables.nfc = candidate.nfc;
    tables.ignore_merges = candidate.ignore_merges;
    return;
  }
  throw Error(ErrorKind::kUnsupported, std::string(where),
              fmt::format("the pre-tokenizer must be one of {}, found '{}'", known, tables.pre));
}

std::optional<std::string_view> name_of_pre_tokenizer(const BpeTables& tables) {
  if (!tables.pre.empty()) return tables.pre;
  for (const NamedPreTokenizer& candidate : named_pre_tokenizers()) {
    if (!tables.add_prefix_space && tables.nfc == candidate.nfc &&
        tables.ignore_merges == candidate.ignore_merges && tables.split_patterns == patterns_of(candidate)) {
      return candidate.name;
    }
  }
  return std::nullopt;
}

}  // namespace longscroll
