// The F1 of two bags of words that SQuAD began with; LongBench and L-Eval count it alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// Lower-cased, without ASCII punctuation and articles, white space collapsed.
std::u32string normalize_answer(std::u32string_view text);

// 0 when no token is common, so also when both are empty.
double token_f1(const std::vector<std::u32string>& prediction, const std::vector<std::u32string>& reference);

}  // namespace longscroll
