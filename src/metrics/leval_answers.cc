// What L-Eval's evaluators take out of an answer.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "metrics/ascii.h"
#include "metrics/leval.h"
#include "metrics/python_text.h"

namespace longscroll::leval {
namespace {

std::u32string sorted_letters(std::u32string_view letters) {
  const std::set<char32_t> distinct(letters.begin(), letters.end());
  return {distinct.begin(), distinct.end()};
}

std::u32string leading_choices(std::u32string_view text) {
  return std::u32string(text.begin(), std::find_if_not(text.begin(), text.end(), is_choice));
}

// Every capital from A to Z before white space, a point or a bracket counts; of those, A to D are kept.
std::u32string marked_choices(std::u32string_view text) {
  std::u32string letters;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const char32_t next = text[i + 1];
    if (is_choice(text[i]) && (py::is_space(next) || next == U'.' || next == U')'))
      letters.push_back(text[i]);
  }
  return letters;
}

bool has_digit(std::u32string_view word) {
  return std::any_of(word.begin(), word.end(), py::is_digit);
}

// The word that carries the result: what follows "The answer is ", else the first paragraph's last word with
// a digit.
std::u32string math_word(std::u32string_view text) {
  constexpr std::u32string_view kPhrase = U"The answer is ";
  for (size_t at = text.find(kPhrase); at != std::u32string_view::npos; at = text.find(kPhrase, at + 1)) {
    const std::u32string_view rest = text.substr(at + kPhrase.size());
    const auto end = std::find_if(rest.begin(), rest.end(), py::is_space);
    if (end != rest.begin()) return {rest.begin(), end};
  }
  const std::vector<std::u32string> words = py::split(py::split(text, U"\n\n")[0], U" ");
  const auto found = std::find_if(words.rbegin(), words.rend(), has_digit);
  return found == words.rend() ? std::u32string() : *found;
}

// re.split(r"\s+", text): an empty word where the text begins or ends with white space.
std::vector<std::u32string> words_and_edges(std::u32string_view text) {
  return py::split(py::collapse_spaces(text), U" ");
}

std::u32string first_judgement(std::u32string_view text) {
  for (const std::u32string& word : py::split(text)) {
    if (py::contains(word, U"true")) return U"true";
    if (py::contains(word, U"false")) return U"false";
  }
  return U"<error>";
}

bool is_and_only_choices(std::u32string_view text) {
  return std::all_of(text.begin(), text.end(), is_choice);
}

// em.py's normalisation: letters keep their case, so "The" is no article.
std::u32string normalize_cased(std::u32string_view text) {
  return py::join(py::split(py::replace_articles(py::remove_punctuation(text), U" ", false)), U" ");
}

std::u32string lower_without_blanks(std::u32string_view text) {
  return py::replace(py::lower(text), U" ", U"");
}

}  // namespace

std::u32string official_choice(std::u32string_view prediction, bool several) {
  if (py::strip(prediction).empty()) return U"None";
  if (py::contains(U"ABCD", prediction)) return std::u32string(prediction);
  if (!several) {
    const auto found = std::find_if(prediction.begin(), prediction.end(), is_choice);
    if (found != prediction.end()) return {*found};
  }
  const std::u32string leading = leading_choices(prediction);
  if (leading.size() > 1) return sorted_letters(leading);
  const std::u32string rest = py::split(prediction.substr(leading.size()), U"Question")[0];
  std::u32string letters = sorted_letters(leading + marked_choices(rest));
  if (!letters.empty()) return letters;
  const auto first = std::find_if(rest.begin(), rest.end(), is_choice);
  if (first == rest.end()) return U"A";
  return {first, std::find_if_not(first, rest.end(), is_choice)};
}

std::u32string official_choice_reference(std::u32string_view reference) {
  const std::vector<std::u32string> words = py::split(reference);
  if (words.empty()) throw Error(ErrorKind::kArgument, "references", "must name a choice, found white space");
  std::u32string letters;
  std::copy_if(words[0].begin(), words[0].end(), std::back_inserter(letters), is_choice);
  return letters.empty() ? U"A" : letters;
}

std::u32string official_math(std::u32string_view text) {
  std::u32string digits;
  for (const char32_t c : math_word(text)) {
    if (c == U'.') break;
    if (py::is_digit(c)) digits.push_back(c);
  }
  return digits;
}

std::u32string official_code_reference(std::u32string_view reference) {
  std::u32string text = py::collapse_spaces(reference);
  for (const std::u32string_view dropped : {U",", U"'", U"\\", U".0"}) text = py::replace(text, dropped, U"");
  text = py::replace(text, U"] [", U"][");
  text = py::replace(text, U"[ [", U"[[");
  return py::replace(text, U"] ]", U"]]");
}

std::u32string official_code(std::u32string_view prediction, std::u32string_view reference) {
  constexpr std::array<std::u32string_view, 7> kFillers = {
      U"will be", U"of the code", U"is", U"would be", U"the value of", U"the result of", U"printed"};
  constexpr std::u32string_view kMark = U"the final output";
  const size_t kept = py::split(reference).size() + 3;
  std::u32string text = official_code_reference(prediction);
  for (const std::u32string_view filler : kFillers) text = py::replace(text, filler, U"");
  std::vector<std::u32string> words;
  if (py::contains(text, kMark)) {
    words = words_and_edges(py::split(text, kMark).back());
    if (words.size() > kept) words.resize(kept);
  } else {
    words = words_and_edges(text);
    if (words.size() > kept) words.erase(words.begin(), words.end() - static_cast<std::ptrdiff_t>(kept));
  }
  return py::join(words, U" ");
}

Judgement judgement_reference(std::u32string_view reference) {
  const std::vector<std::u32string> parts = py::split(py::lower(reference), U"[fact:");
  if (parts.size() < 2) {
    throw Error(ErrorKind::kArgument, "references",
                fmt::format("must have '[fact:', found '{}'", py::encode(reference)));
  }
  std::u32string fact = parts[1];
  if (!fact.empty()) fact.pop_back();
  return {py::strip(parts[0]), py::strip(fact)};
}

Judgement judgement(std::u32string_view prediction) {
  // Where the second answer is missing, the authors' script stops; it is an answer that is neither here.
  if (!py::contains(py::lower(prediction), U"[fact:"))
    return {first_judgement(py::lower(prediction)), U"<error>"};
  const Judgement texts = judgement_reference(prediction);
  return {first_judgement(texts.first), first_judgement(texts.second)};
}

double exact_match(std::u32string_view prediction, std::u32string_view reference) {
  const std::u32string wanted = normalize_cased(reference);
  if (is_and_only_choices(wanted)) {
    const std::u32string given = normalize_cased(prediction);
    if (given == wanted) return 1;
    const auto is_wanted = [&](char32_t c) { return py::contains(wanted, c); };
    return std::all_of(given.begin(), given.end(), is_wanted) ? 0.25 : 0;
  }
  const std::optional<double> number = py::to_float(prediction);
  const std::optional<double> wanted_number = number ? py::to_float(reference) : std::nullopt;
  if (wanted_number) return *number == *wanted_number ? 1 : 0;
  return py::contains(lower_without_blanks(prediction), lower_without_blanks(reference)) ? 1 : 0;
}

std::u32string first_letters(std::u32string_view prediction) {
  const auto first = std::find_if(prediction.begin(), prediction.end(), is_choice);
  return {first, std::find_if_not(first, prediction.end(), is_choice)};
}

std::u32string first_capital(std::u32string_view prediction) {
  const auto found = std::find_if(prediction.begin(), prediction.end(), py::is_upper);
  return found == prediction.end() ? std::u32string() : std::u32string(1, *found);
}

std::u32string math_after_answer(std::u32string_view prediction) {
  const std::vector<std::u32string> parts = py::split(prediction, U"The answer is");
  if (parts.size() < 2) return {};
  const std::vector<std::u32string> words = py::split(parts[1], U" ");
  const auto found = std::find_if(words.begin(), words.end(), has_digit);
  std::u32string digits;
  if (found != words.end()) {
    std::copy_if(found->begin(), found->end(), std::back_inserter(digits), py::is_digit);
  }
  return digits;
}

std::u32string math_reference(std::u32string_view reference) {
  return py::replace(reference, U",", U"");
}

std::u32string general(std::u32string_view text) {
  std::u32string plain;
  for (const char32_t c : text.substr(0, text.find_first_of(U"\n.,"))) {
    if (py::is_word(c) || py::is_space(c)) plain.push_back(c);
  }
  return py::strip(py::collapse_spaces(py::replace_articles(plain, U"", true)));
}

}  // namespace longscroll::leval
