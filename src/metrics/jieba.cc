#include "metrics/jieba.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "metrics/ascii.h"
#include "metrics/jieba_table.h"
#include "metrics/python_text.h"

namespace longscroll {
namespace {

constexpr double kNever = -3.14e100;  // jieba's logarithm of 0
constexpr int kB = 0;
constexpr int kE = 1;
constexpr int kM = 2;
constexpr int kS = 3;
// The two states that may come before each; of two equal sums jieba takes the state whose letter is greater,
// and the indices are in the letters' order.
constexpr std::array<std::array<int, 2>, 4> kBefore = {{{kE, kS}, {kB, kM}, {kB, kM}, {kE, kS}}};

bool is_han(char32_t c) {
  return c >= 0x4e00 && c <= 0x9fd5;
}

bool is_alphanumeric(char32_t c) {
  return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9');
}

// What the dictionary is asked about; all else stands by itself.
bool is_dictionary_text(char32_t c) {
  return is_han(c) || is_alphanumeric(c) ||
         std::u32string_view(U"+#&._%-").find(c) != std::u32string_view::npos;
}

size_t run_length(std::u32string_view text, size_t begin, bool (*belongs)(char32_t)) {
  size_t end = begin;
  while (end < text.size() && belongs(text[end])) ++end;
  return end - begin;
}

// The child of a node by its code point; 0, the root, when there is none.
uint32_t child(const JiebaTable& table, uint32_t node, char32_t c) {
  const uint32_t* first = table.codes.data() + table.first_child[node];
  const uint32_t* last = table.codes.data() + table.first_child[node + 1];
  const uint32_t* found = std::lower_bound(first, last, static_cast<uint32_t>(c));
  return found == last || *found != c ? 0 : static_cast<uint32_t>(found - table.codes.data());
}

bool is_dictionary_word(const JiebaTable& table, std::u32string_view word) {
  uint32_t node = 0;
  for (const char32_t c : word) {
    node = child(table, node, c);
    if (node == 0) return false;
  }
  return table.frequencies[node] > 0;
}

// Where the word that begins at each place ends on the path of the greatest probability; of equal ones the
// longest word.
std::vector<size_t> best_path(const JiebaTable& table, std::u32string_view run) {
  const double log_total = std::log(static_cast<double>(table.header->total));
  std::vector<double> best(run.size() + 1, 0);
  std::vector<size_t> ends(run.size());
  for (size_t begin = run.size(); begin-- > 0;) {
    bool found = false;
    uint32_t node = 0;
    for (size_t end = begin; end < run.size(); ++end) {
      node = child(table, node, run[end]);
      if (node == 0) break;
      const uint32_t frequency = table.frequencies[node];
      if (frequency == 0) continue;
      const double sum = std::log(static_cast<double>(frequency)) - log_total + best[end + 1];
      if (found && sum < best[begin]) continue;
      found = true;
      best[begin] = sum;
      ends[begin] = end + 1;
    }
    if (!found) {
      best[begin] = -log_total + best[begin + 1];
      ends[begin] = begin + 1;
    }
  }
  return ends;
}

std::array<double, 4> emissions_of(const JiebaTable& table, char32_t c) {
  const std::span<const uint32_t> codes = table.emission_codes;
  const auto found = std::lower_bound(codes.begin(), codes.end(), static_cast<uint32_t>(c));
  if (found == codes.end() || *found != c) return {kNever, kNever, kNever, kNever};
  const double* first = table.emissions.data() + 4 * (found - codes.begin());
  return {first[0], first[1], first[2], first[3]};
}

// The likeliest states of the characters: Begin, End, Middle, Single.
std::vector<int> viterbi(const JiebaTable& table, std::u32string_view text) {
  std::array<double, 4> value = emissions_of(table, text[0]);
  for (int state = 0; state < 4; ++state) value[state] = table.header->start[state] + value[state];
  std::vector<std::array<int, 4>> from(text.size());
  for (size_t t = 1; t < text.size(); ++t) {
    const std::array<double, 4> emission = emissions_of(table, text[t]);
    std::array<double, 4> next{};
    for (int state = 0; state < 4; ++state) {
      const auto [low, high] = kBefore[state];
      const double by_low = value[low] + table.header->transitions[low][state] + emission[state];
      const double by_high = value[high] + table.header->transitions[high][state] + emission[state];
      from[t][state] = by_high >= by_low ? high : low;
      next[state] = std::max(by_high, by_low);
    }
    value = next;
  }
  std::vector<int> states(text.size());
  states.back() = value[kS] >= value[kE] ? kS : kE;
  for (size_t t = text.size() - 1; t > 0; --t) states[t - 1] = from[t][states[t]];
  return states;
}

void cut_by_hmm(const JiebaTable& table, std::u32string_view han, std::vector<std::u32string>& out) {
  const std::vector<int> states = viterbi(table, han);
  size_t begin = 0;
  for (size_t i = 0; i < han.size(); ++i) {
    if (states[i] != kE && states[i] != kS) continue;
    out.emplace_back(han.substr(begin, i + 1 - begin));
    begin = i + 1;
  }
  if (begin < han.size()) out.emplace_back(han.substr(begin));
}

// A word or number at `at`: letters and digits, then perhaps a point and digits, then perhaps a percent sign.
size_t number_length(std::u32string_view text, size_t at) {
  size_t length = run_length(text, at, is_alphanumeric);
  if (length == 0) return 0;
  if (at + length < text.size() && text[at + length] == U'.') {
    const size_t digits = run_length(text, at + length + 1, is_ascii_digit);
    if (digits > 0) length += 1 + digits;
  }
  if (at + length < text.size() && text[at + length] == U'%') ++length;
  return length;
}

void cut_other(std::u32string_view text, std::vector<std::u32string>& out) {
  for (size_t at = 0; at < text.size();) {
    size_t length = number_length(text, at);
    if (length == 0) {
      while (at + length < text.size() && !is_alphanumeric(text[at + length])) ++length;
    }
    out.emplace_back(text.substr(at, length));
    at += length;
  }
}

// Neighbouring characters that the dictionary left single.
void cut_singles(const JiebaTable& table, std::u32string_view singles, std::vector<std::u32string>& out) {
  if (singles.size() == 1 || is_dictionary_word(table, singles)) {
    for (const char32_t c : singles) out.emplace_back(1, c);
    return;
  }
  for (size_t at = 0; at < singles.size();) {
    size_t length = run_length(singles, at, is_han);
    if (length > 0) {
      cut_by_hmm(table, singles.substr(at, length), out);
    } else {
      while (at + length < singles.size() && !is_han(singles[at + length])) ++length;
      cut_other(singles.substr(at, length), out);
    }
    at += length;
  }
}

void cut_run(const JiebaTable& table, std::u32string_view run, std::vector<std::u32string>& out) {
  const std::vector<size_t> ends = best_path(table, run);
  size_t singles = 0;  // where the single characters that are not yet cut begin
  for (size_t begin = 0; begin < run.size(); begin = ends[begin]) {
    const size_t end = ends[begin];
    if (end == begin + 1) continue;
    if (singles < begin) cut_singles(table, run.substr(singles, begin - singles), out);
    out.emplace_back(run.substr(begin, end - begin));
    singles = end;
  }
  if (singles < run.size()) cut_singles(table, run.substr(singles), out);
}

}  // namespace

std::vector<std::u32string> jieba_cut(std::u32string_view text) {
  const JiebaTable& table = jieba_table();
  std::vector<std::u32string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t run = run_length(text, at, is_dictionary_text);
    if (run > 0) {
      cut_run(table, text.substr(at, run), out);
      at += run;
    } else {
      const size_t length = text.substr(at).starts_with(U"\r\n") ? 2 : 1;
      out.emplace_back(text.substr(at, length));
      at += length;
    }
  }
  return out;
}

std::u32string jieba_spaced(std::u32string_view text) {
  return py::join(jieba_cut(text), U" ");
}

}  // namespace longscroll
