#include "corpus/gopher_rules.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_set>

#include <fmt/format.h>

#include "base/utf8.h"
#include "base/white_space.h"

namespace longscroll::corpus {
namespace {

constexpr std::array<std::string_view, 8> kStopWords = {"the", "be",   "to",   "of",
                                                        "and", "that", "have", "with"};
constexpr uint64_t kGramMultiplier = 0x9e3779b97f4a7c15u;

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

Verdict above(const char* rule, double found, double most) {
  if (most == 0 || found <= most) return {};
  return {std::string("gopher-") + rule, fmt::format("{:.3f} is above {}", found, most)};
}

Verdict below(const char* rule, double found, double least) {
  if (least == 0 || found >= least) return {};
  return {std::string("gopher-") + rule, fmt::format("{:.3f} is below {}", found, least)};
}

uint64_t count_of(std::string_view text, std::string_view what) {
  uint64_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++count;
  return count;
}

// Parts between runs of at least `least` line ends, as re.split gives them.
std::vector<std::string_view> split_at_line_ends(std::string_view text, size_t least) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at)) {
    size_t end = at;
    while (end < text.size() && text[end] == '\n') ++end;
    if (end - at >= least) {
      parts.push_back(text.substr(begin, at - begin));
      begin = end;
    }
    at = end;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

struct Repeated {
  double parts = 0;       // share of the parts that came before
  double characters = 0;  // of the text, in them
};

Repeated repeated(const std::vector<std::string_view>& parts, uint64_t characters) {
  std::unordered_set<std::string_view> seen;
  uint64_t again = 0, again_characters = 0;
  for (const std::string_view part : parts) {
    if (seen.insert(part).second) continue;
    ++again;
    again_characters += count_code_points(part);
  }
  return {share(again, parts.size()), share(again_characters, characters)};
}

bool begins_with_bullet(std::string_view line) {
  const std::string_view stripped = strip_python_space(line);
  return stripped.starts_with("•") || stripped.starts_with("-");
}

bool ends_with_ellipsis(std::string_view line) {
  const std::string_view stripped = strip_python_space(line);
  return stripped.ends_with("...") || stripped.ends_with("…");
}

// Lines as str.splitlines gives them: no empty one behind the last line end.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// Whether most are Han or kana: what tells, also where the language is not known, that words are not apart.
bool has_no_spaces(const std::vector<Word>& words) {
  const auto of = [&](WordKind kind) {
    return std::count_if(words.begin(), words.end(), [&](const Word& word) { return word.kind == kind; });
  };
  return 2 * of(WordKind::kIdeograph) >= std::ssize(words) - of(WordKind::kSymbol) && !words.empty();
}

// The hash of n words in a row, moved along by one word at a time.
class GramHash {
 public:
  GramHash(const std::vector<uint64_t>& hashes, size_t n) : hashes_(hashes), n_(n) {
    for (size_t i = 0; i < n; ++i) power_ *= kGramMultiplier;
    restart(0);
  }
  void restart(size_t at) {
    at_ = at;
    value_ = 0;
    for (size_t i = at; i < std::min(at + n_, hashes_.size()); ++i)
      value_ = value_ * kGramMultiplier + hashes_[i];
  }
  void advance() {
    if (at_ + n_ < hashes_.size())
      value_ = value_ * kGramMultiplier + hashes_[at_ + n_] - power_ * hashes_[at_];
    ++at_;
  }
  uint64_t value() const { return value_; }

 private:
  const std::vector<uint64_t>& hashes_;
  size_t n_;
  size_t at_ = 0;
  uint64_t power_ = 1;
  uint64_t value_ = 0;
};

}  // namespace

Verdict GopherRules::check(std::string_view text, bool english) {
  split_words(text, words_);
  no_spaces_ = has_no_spaces(words_);
  Verdict verdict = check_quality(text, english);
  if (!verdict.reason.empty()) return verdict;
  const uint64_t characters = count_code_points(text);
  verdict = check_lines(text, characters);
  return verdict.reason.empty() ? check_grams(characters) : verdict;
}

Verdict GopherRules::check_quality(std::string_view text, bool english) const {
  uint64_t words = 0, characters = 0, alphabetic = 0, ideographs = 0, stop_words = 0;
  for (const Word& word : words_) {
    alphabetic += word.kind == WordKind::kLetters || word.kind == WordKind::kIdeograph ? 1 : 0;
    ideographs += word.kind == WordKind::kIdeograph ? 1 : 0;
    if (word.kind == WordKind::kSymbol) continue;
    ++words;
    characters += word.characters;
    const auto* stop = std::find(kStopWords.begin(), kStopWords.end(), word.text);
    if (stop != kStopWords.end()) stop_words |= uint64_t{1} << (stop - kStopWords.begin());
  }
  if (no_spaces_) words -= ideographs / 2;
  std::vector<Verdict> verdicts = {
      below("few-words", static_cast<double>(words), static_cast<double>(settings_.min_words)),
      above("many-words", static_cast<double>(words), static_cast<double>(settings_.max_words))};
  if (!no_spaces_) {
    verdicts.push_back(below("short-words", share(characters, words), settings_.min_mean_word_length));
    verdicts.push_back(above("long-words", share(characters, words), settings_.max_mean_word_length));
  }
  const uint64_t ellipses = count_of(text, "...") + count_of(text, "…");
  verdicts.push_back(above("hashes", share(count_of(text, "#"), words_.size()), settings_.max_symbol_ratio));
  verdicts.push_back(above("ellipses", share(ellipses, words_.size()), settings_.max_symbol_ratio));
  const std::vector<std::string_view> lines = lines_of(text);
  const auto of_lines = [&](bool (*is_so)(std::string_view)) {
    return share(static_cast<uint64_t>(std::count_if(lines.begin(), lines.end(), is_so)), lines.size());
  };
  verdicts.push_back(above("bullet-lines", of_lines(begins_with_bullet), settings_.max_bullet_lines));
  verdicts.push_back(above("ellipsis-lines", of_lines(ends_with_ellipsis), settings_.max_ellipsis_lines));
  verdicts.push_back(
      below("alphabetic-words", share(alphabetic, words_.size()), settings_.min_alphabetic_words));
  if (english && !no_spaces_) {
    verdicts.push_back(
        below("stop-words", std::popcount(stop_words), static_cast<double>(settings_.min_stop_words)));
  }
  const auto failed =
      std::find_if(verdicts.begin(), verdicts.end(), [](const Verdict& v) { return !v.reason.empty(); });
  return failed == verdicts.end() ? Verdict{} : *failed;
}

Verdict GopherRules::check_lines(std::string_view text, uint64_t characters) const {
  const Repeated paragraphs = repeated(split_at_line_ends(strip_python_space(text), 2), characters);
  const Repeated lines = repeated(split_at_line_ends(text, 1), characters);
  for (Verdict& verdict : std::vector<Verdict>{
           above("repeated-paragraphs", paragraphs.parts, settings_.max_repeated_paragraphs),
           above("repeated-paragraph-characters", paragraphs.characters,
                 settings_.max_repeated_paragraph_characters),
           above("repeated-lines", lines.parts, settings_.max_repeated_lines),
           above("repeated-line-characters", lines.characters, settings_.max_repeated_line_characters)}) {
    if (!verdict.reason.empty()) return verdict;
  }
  return {};
}

void GopherRules::prepare_grams() {
  hashes_.clear();
  lengths_.assign(1, 0);
  for (const Word& word : words_) {
    hashes_.push_back(XXH3_64bits(word.text.data(), word.text.size()));
    lengths_.push_back(lengths_.back() + word.characters);
  }
  // At most half full, so that a search is short.
  const size_t wanted = std::bit_ceil(2 * words_.size() + 2);
  if (table_.size() < wanted) table_.assign(wanted, {});
}

void GopherRules::clear_table() {
  if (++generation_ != 0) return;
  std::fill(table_.begin(), table_.end(), Gram{});
  generation_ = 1;
}

GopherRules::Gram& GopherRules::gram(uint64_t hash) {
  const size_t mask = table_.size() - 1;
  size_t at = (hash ^ (hash >> 32)) & mask;
  while (table_[at].generation == generation_ && table_[at].hash != hash) at = (at + 1) & mask;
  if (table_[at].generation != generation_) table_[at] = {hash, 0, 0, generation_};
  return table_[at];
}

// Characters in the n-gram that is there most often; of equals, in the first.
uint64_t GopherRules::top_gram(size_t n, bool with_spaces) {
  if (words_.size() < n) return 0;
  clear_table();
  GramHash hash(hashes_, n);
  for (size_t i = 0; i + n <= words_.size(); ++i, hash.advance()) {
    Gram& found = gram(hash.value());
    ++found.count;
    found.characters = static_cast<uint32_t>(lengths_[i + n] - lengths_[i] + (with_spaces ? n - 1 : 0));
  }
  hash.restart(0);
  uint64_t most = 0, characters = 0;
  for (size_t i = 0; i + n <= words_.size(); ++i, hash.advance()) {
    const Gram& found = gram(hash.value());
    if (found.count <= most) continue;
    most = found.count;
    characters = found.characters;
  }
  return most * characters;
}

// Characters in n-grams that came before, each character once.
uint64_t GopherRules::repeated_grams(size_t n) {
  clear_table();
  GramHash hash(hashes_, n);
  uint64_t characters = 0;
  for (size_t i = 0; i + n <= words_.size();) {
    Gram& found = gram(hash.value());
    if (found.count > 0) {
      characters += lengths_[i + n] - lengths_[i];
      i += n;
      hash.restart(i);
    } else {
      found.count = 1;
      ++i;
      hash.advance();
    }
  }
  return characters;
}

Verdict GopherRules::check_grams(uint64_t characters) {
  prepare_grams();
  const size_t width = no_spaces_ ? 2 : 1;
  struct Limit {
    size_t n;
    double most;
  };
  for (const Limit& limit : {Limit{2, settings_.max_top_2_gram}, Limit{3, settings_.max_top_3_gram},
                             Limit{4, settings_.max_top_4_gram}}) {
    if (limit.most == 0) continue;
    const uint64_t found = top_gram(limit.n * width, !no_spaces_);
    const std::string rule = fmt::format("top-{}-gram", limit.n);
    Verdict verdict = above(rule.c_str(), share(found, characters), limit.most);
    if (!verdict.reason.empty()) return verdict;
  }
  for (const Limit& limit :
       {Limit{5, settings_.max_repeated_5_grams}, Limit{6, settings_.max_repeated_6_grams},
        Limit{7, settings_.max_repeated_7_grams}, Limit{8, settings_.max_repeated_8_grams},
        Limit{9, settings_.max_repeated_9_grams}, Limit{10, settings_.max_repeated_10_grams}}) {
    if (limit.most == 0) continue;
    const uint64_t found = repeated_grams(limit.n * width);
    const std::string rule = fmt::format("repeated-{}-grams", limit.n);
    Verdict verdict = above(rule.c_str(), share(found, characters), limit.most);
    if (!verdict.reason.empty()) return verdict;
  }
  return {};
}

}  // namespace longscroll::corpus
