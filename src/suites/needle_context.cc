#include "suites/needle_context.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/utf8.h"
#include "suites/builders.h"
#include "suites/python_random.h"

namespace longscroll {

size_t haystack_budget(size_t length, size_t buffer, size_t needle_tokens) {
  const size_t taken = buffer + needle_tokens;
  return length > taken ? length - taken : 0;
}

size_t insertion_index(size_t tokens, size_t depth_percent) {
  return static_cast<size_t>(static_cast<double>(tokens) * (static_cast<double>(depth_percent) / 100.0));
}

std::vector<std::vector<size_t>> haystack_orders(size_t count, size_t repeats) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<std::vector<size_t>> orders;
  for (size_t repeat = 0; repeat < repeats; ++repeat) {
    PythonRandom(repeat).shuffle(order);
    orders.push_back(order);
  }
  return orders;
}

bool apply_question_rule(const QuestionRule& rule, std::string& question) {
  if (rule.phrase.empty()) return true;
  const size_t at = question.find(rule.phrase);
  if (at == std::string::npos) return false;
  const size_t after = at + rule.phrase.size();
  // The original splits at the phrase and uses the first two pieces.
  const size_t second = std::min(question.find(rule.phrase, after), question.size());
  std::string guided = question.substr(0, at) + rule.hint + question.substr(at, second - at);
  if (!rule.deleted.empty()) guided = replace_all(guided, rule.deleted, "");
  if (rule.cut > 0) {
    const std::vector<size_t> offsets = code_point_offsets(guided);
    const size_t characters = offsets.size() - 1;
    guided.resize(offsets[characters - std::min(rule.cut, characters)]);
  }
  question = std::move(guided);
  return true;
}

Haystack::Haystack(std::vector<std::string> documents, const Tokenizer& tokenizer)
    : documents_(std::move(documents)),
      ids_(documents_.size()),
      encoded_(documents_.size()),
      tokenizer_(&tokenizer) {}

std::vector<TokenId> Haystack::ids(const std::vector<size_t>& order, size_t budget) {
  std::vector<TokenId> all;
  for (const size_t index : order) {
    if (all.size() >= budget) break;
    if (!encoded_[index]) {
      ids_[index] = document_ids(*tokenizer_, documents_[index]);
      encoded_[index] = true;
    }
    const size_t wanted = std::min(budget - all.size(), ids_[index].size());
    all.insert(all.end(), ids_[index].begin(), ids_[index].begin() + static_cast<std::ptrdiff_t>(wanted));
  }
  return all;
}

}  // namespace longscroll
