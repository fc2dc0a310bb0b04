#include "metrics/rouge.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include "metrics/python_text.h"
#include "metrics/similarity.h"

namespace longscroll {
namespace {

using Words = std::vector<uint32_t>;

// Numbers words, so that comparing two is comparing numbers.
class Vocabulary {
 public:
  uint32_t id(const std::u32string& word) {
    return ids_.try_emplace(word, static_cast<uint32_t>(ids_.size())).first->second;
  }
  Words ids(const std::vector<std::u32string>& words) {
    Words out;
    for (const std::u32string& word : words) out.push_back(id(word));
    return out;
  }

 private:
  std::map<std::u32string, uint32_t> ids_;
};

// Only pieces of no length are dropped; one of white space alone is a sentence with one empty word.
std::vector<Words> package_sentences(std::u32string_view text, Vocabulary& vocabulary) {
  std::vector<Words> sentences;
  for (const std::u32string& piece : py::split(text, U".")) {
    if (piece.empty()) continue;
    std::vector<std::u32string> words = py::split(piece);
    if (words.empty()) words.emplace_back();
    sentences.push_back(vocabulary.ids(words));
  }
  return sentences;
}

std::set<uint32_t> distinct(const std::vector<Words>& sentences) {
  std::set<uint32_t> words;
  for (const Words& sentence : sentences) words.insert(sentence.begin(), sentence.end());
  return words;
}

double f_measure(double precision, double recall) {
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

double f_of_hits(size_t hits, size_t predicted, size_t wanted) {
  return f_measure(static_cast<double>(hits) / static_cast<double>(std::max<size_t>(predicted, 1)),
                   static_cast<double>(hits) / static_cast<double>(std::max<size_t>(wanted, 1)));
}

Words google_tokens(std::u32string_view text, Vocabulary& vocabulary) {
  std::u32string plain = py::lower(text);
  for (char32_t& c : plain) {
    const bool kept = (c >= U'a' && c <= U'z') || (c >= U'0' && c <= U'9');
    if (!kept) c = U' ';
  }
  return vocabulary.ids(py::split(plain));
}

std::vector<Words> google_lines(std::u32string_view text, Vocabulary& vocabulary) {
  std::vector<Words> lines;
  for (const std::u32string& line : py::split(text, U"\n")) {
    if (!line.empty()) lines.push_back(google_tokens(line, vocabulary));
  }
  return lines;
}

template <size_t N>
double f_of_ngrams(const Words& prediction, const Words& reference) {
  const auto count = [](const Words& words) {
    std::map<std::array<uint32_t, N>, size_t> counts;
    for (size_t i = 0; i + N <= words.size(); ++i) {
      std::array<uint32_t, N> ngram{};
      std::copy_n(words.begin() + static_cast<std::ptrdiff_t>(i), N, ngram.begin());
      ++counts[ngram];
    }
    return counts;
  };
  const auto predicted = count(prediction);
  size_t hits = 0;
  for (const auto& [ngram, wanted] : count(reference)) {
    const auto found = predicted.find(ngram);
    if (found != predicted.end()) hits += std::min(wanted, found->second);
  }
  const auto ngrams = [](const Words& words) { return words.size() < N ? 0 : words.size() - N + 1; };
  return f_of_hits(hits, ngrams(prediction), ngrams(reference));
}

std::map<uint32_t, size_t> count_words(const std::vector<Words>& lines) {
  std::map<uint32_t, size_t> counts;
  for (const Words& line : lines) {
    for (const uint32_t word : line) ++counts[word];
  }
  return counts;
}

double f_of_lines(const std::vector<Words>& prediction, const std::vector<Words>& reference) {
  std::map<uint32_t, size_t> left_predicted = count_words(prediction);
  std::map<uint32_t, size_t> left_wanted = count_words(reference);
  size_t predicted = 0;
  size_t wanted = 0;
  size_t hits = 0;
  for (const Words& line : prediction) predicted += line.size();
  for (const Words& line : reference) {
    wanted += line.size();
    std::set<size_t> taken;
    for (const Words& other : prediction) {
      const LcsWalk walk = walk_lcs(line, other, LcsTie::kDropReference);
      taken.insert(walk.reference.begin(), walk.reference.end());
    }
    for (const size_t at : taken) {
      size_t& predicted_left = left_predicted[line[at]];
      size_t& wanted_left = left_wanted[line[at]];
      if (predicted_left == 0 || wanted_left == 0) continue;
      --predicted_left;
      --wanted_left;
      ++hits;
    }
  }
  return f_of_hits(hits, predicted, wanted);
}

// numpy's legacy randint(0, count): the next 32 bits under the smallest mask, redrawn while too large.
size_t draw_below(std::mt19937& generator, size_t count) {
  if (count == 1) return 0;
  uint32_t mask = 1;
  while (mask < count - 1) mask = 2 * mask + 1;
  uint32_t index = 0;
  do {
    index = static_cast<uint32_t>(generator()) & mask;
  } while (index > count - 1);
  return index;
}

}  // namespace

double rouge_package_l(std::u32string_view prediction, std::u32string_view reference,
                       size_t recursion_limit) {
  Vocabulary vocabulary;
  const std::vector<Words> predicted = package_sentences(prediction, vocabulary);
  const std::vector<Words> wanted = package_sentences(reference, vocabulary);
  if (predicted.empty() || wanted.empty()) return 0;
  std::set<uint32_t> common;
  for (const Words& sentence : wanted) {
    for (const Words& other : predicted) {
      // A walk takes a step for each word of the shorter sentence at least: no need to look at very long
      // ones.
      if (std::min(sentence.size(), other.size()) >= recursion_limit) return 0;
      const LcsWalk walk = walk_lcs(sentence, other, LcsTie::kDropPrediction);
      if (walk.steps >= recursion_limit) return 0;
      for (const size_t at : walk.reference) common.insert(sentence[at]);
    }
  }
  const auto hits = static_cast<double>(common.size());
  const double recall = hits / static_cast<double>(distinct(wanted).size());
  const double precision = hits / static_cast<double>(distinct(predicted).size());
  return 2.0 * (precision * recall / (precision + recall + 1e-8));
}

GoogleRouge google_rouge(std::u32string_view prediction, std::u32string_view reference) {
  Vocabulary vocabulary;
  const Words predicted = google_tokens(prediction, vocabulary);
  const Words wanted = google_tokens(reference, vocabulary);
  return {f_of_ngrams<1>(predicted, wanted), f_of_ngrams<2>(predicted, wanted),
          f_of_hits(lcs_length(predicted, wanted), predicted.size(), wanted.size()),
          f_of_lines(google_lines(prediction, vocabulary), google_lines(reference, vocabulary))};
}

std::vector<double> bootstrap_medians(std::span<const std::vector<double>> columns) {
  constexpr size_t kResamples = 1000;
  std::mt19937 generator(0);
  std::vector<double> medians;
  for (const std::vector<double>& column : columns) {
    if (column.empty()) {
      medians.push_back(0);
      continue;
    }
    std::vector<double> means(kResamples);
    for (double& mean : means) {
      double sum = 0;
      for (size_t i = 0; i < column.size(); ++i) sum += column[draw_below(generator, column.size())];
      mean = sum / static_cast<double>(column.size());
    }
    std::sort(means.begin(), means.end());
    medians.push_back((means[kResamples / 2 - 1] + means[kResamples / 2]) / 2);
  }
  return medians;
}

}  // namespace longscroll
