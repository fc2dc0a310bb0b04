// Distances between strings of code points, with the exact doubles of the Python packages they stand for.
// Pure functions; time grows with the product of the lengths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace longscroll {

// Insert, delete and substitute cost 1 each.
size_t edit_distance(std::u32string_view a, std::u32string_view b);

size_t lcs_length(std::u32string_view a, std::u32string_view b);
size_t lcs_length(std::span<const uint32_t> a, std::span<const uint32_t> b);

// Which word a walk back through the table of longest common subsequences leaves when both ways are as long.
enum class LcsTie { kDropReference, kDropPrediction };

struct LcsWalk {
  std::vector<size_t> reference;  // indices of the taken words, in ascending order
  size_t steps = 0;               // taken and dropped
};

// Memory: one bit for each pair of words.
LcsWalk walk_lcs(std::span<const uint32_t> reference, std::span<const uint32_t> prediction, LcsTie tie);

enum class Matcher {
  kDifflib,      // difflib.SequenceMatcher(None, a, b).ratio() of Python 3.11, autojunk included; asymmetric
  kLevenshtein,  // python-Levenshtein's ratio: 1 - insertions and deletions / (length of a + length of b)
};
double similarity_ratio(std::u32string_view a, std::u32string_view b, Matcher matcher);

// fuzzywuzzy 0.18's ratio, 0 to 100: equal strings 100, an empty one 0, else the ratio rounded half to even.
int fuzzy_ratio(std::u32string_view a, std::u32string_view b, Matcher matcher);

}  // namespace longscroll
