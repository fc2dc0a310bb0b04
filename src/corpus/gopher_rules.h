// The rules of quality and repetition of MassiveText: Rae et al., "Scaling Language Models", arXiv
// 2112.11446, appendix A.1.1 and table A1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/shard_map.h"
#include "corpus/words.h"

namespace longscroll::corpus {

// The paper's thresholds, but for max_words, which is 100,000 there and would take out what this corpus is
// for. 0 switches a rule off. Shares are 0 to 1.
struct GopherSettings {
  uint64_t min_words = 50;
  uint64_t max_words = 0;
  double min_mean_word_length = 3;  // characters
  double max_mean_word_length = 10;
  double max_symbol_ratio = 0.1;  // # or ellipses, each to words
  double max_bullet_lines = 0.9;  // of the lines
  double max_ellipsis_lines = 0.3;
  double min_alphabetic_words = 0.8;
  uint64_t min_stop_words = 2;  // different ones of the, be, to, of, and, that, have, with

  double max_repeated_lines = 0.3;            // of the lines
  double max_repeated_line_characters = 0.2;  // of the text, as all that follow
  double max_repeated_paragraphs = 0.3;       // of the paragraphs
  double max_repeated_paragraph_characters = 0.2;
  double max_top_2_gram = 0.2;  // the one that takes most
  double max_top_3_gram = 0.18;
  double max_top_4_gram = 0.16;
  double max_repeated_5_grams = 0.15;
  double max_repeated_6_grams = 0.14;
  double max_repeated_7_grams = 0.13;
  double max_repeated_8_grams = 0.12;
  double max_repeated_9_grams = 0.11;
  double max_repeated_10_grams = 0.1;
};

// Applies them in the paper's order, the first that fails decides: "gopher-few-words", …. Where at least half
// of the words are Han or kana, a word is taken for two characters, so that n-grams of words are 2n
// characters; length of words and stop words say nothing there. Keeps its tables between texts; not thread
// safe.
class GopherRules {
 public:
  explicit GopherRules(const GopherSettings& settings) : settings_(settings) {}

  // `english`: the stop words are those of the text's language.
  Verdict check(std::string_view text, bool english);

 private:
  struct Gram {
    uint64_t hash = 0;
    uint32_t count = 0;
    uint32_t characters = 0;
    uint32_t generation = 0;  // of the table: an entry of another one is free
  };

  Verdict check_quality(std::string_view text, bool english) const;
  Verdict check_lines(std::string_view text, uint64_t characters) const;
  Verdict check_grams(uint64_t characters);
  uint64_t top_gram(size_t n, bool with_spaces);
  uint64_t repeated_grams(size_t n);
  void prepare_grams();
  void clear_table();
  Gram& gram(uint64_t hash);

  GopherSettings settings_;
  std::vector<Word> words_;
  bool no_spaces_ = false;         // between them
  std::vector<uint64_t> hashes_;   // of the words
  std::vector<uint64_t> lengths_;  // sums: characters of the words before
  std::vector<Gram> table_;
  uint32_t generation_ = 0;
};

}  // namespace longscroll::corpus
