#include "metrics/token_f1.h"

#include <map>

#include "metrics/python_text.h"

namespace longscroll {

std::u32string normalize_answer(std::u32string_view text) {
  const std::u32string words = py::remove_punctuation(py::lower(text));
  return py::join(py::split(py::replace_articles(words, U" ", false)), U" ");
}

double token_f1(const std::vector<std::u32string>& prediction, const std::vector<std::u32string>& reference) {
  std::map<std::u32string_view, size_t> left;
  for (const std::u32string& token : reference) ++left[token];
  size_t common = 0;
  for (const std::u32string& token : prediction) {
    const auto found = left.find(token);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++common;
  }
  if (common == 0) return 0;
  const double precision = static_cast<double>(common) / static_cast<double>(prediction.size());
  const double recall = static_cast<double>(common) / static_cast<double>(reference.size());
  return 2 * precision * recall / (precision + recall);
}

}  // namespace longscroll
