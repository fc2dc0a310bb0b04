// Chinese word segmentation equal to Python's jieba 0.42.1 in precise mode with its HMM, token by token
// (https://github.com/fxsjy/jieba; the dictionary and the HMM's tables are its own).
//
// Safe to call from any thread; the tables need no loading.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// Joined, the tokens are the text again.
std::vector<std::u32string> jieba_cut(std::u32string_view text);

// The tokens with a space between two.
std::u32string jieba_spaced(std::u32string_view text);

}  // namespace longscroll
