#include "metrics/similarity.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace longscroll {
namespace {

template <typename Sequence>
size_t lcs_length_of(const Sequence& a, const Sequence& b) {
  std::vector<size_t> row(b.size() + 1, 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = a[i] == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row[b.size()];
}

struct Block {
  size_t a = 0;
  size_t b = 0;
  size_t size = 0;
};

struct Range {
  size_t a_begin;
  size_t a_end;
  size_t b_begin;
  size_t b_end;
};

// Where each character of b stands. From 200 characters on, one that makes up more than 1% of b (plus one)
// cannot start a match: difflib's "autojunk".
using Places = std::unordered_map<char32_t, std::vector<size_t>>;

Places places_of(std::u32string_view b) {
  Places places;
  for (size_t j = 0; j < b.size(); ++j) places[b[j]].push_back(j);
  if (b.size() >= 200) {
    const size_t most = b.size() / 100 + 1;
    std::erase_if(places, [most](const auto& entry) { return entry.second.size() > most; });
  }
  return places;
}

// The longest block of equal characters, the earliest in a and then in b; extended over characters that could
// not start it.
Block longest_match(std::u32string_view a, std::u32string_view b, const Places& places, const Range& range) {
  Block best{range.a_begin, range.b_begin, 0};
  std::unordered_map<size_t, size_t> lengths;  // of the match that ends at j of b
  std::unordered_map<size_t, size_t> next;
  for (size_t i = range.a_begin; i < range.a_end; ++i) {
    next.clear();
    const auto found = places.find(a[i]);
    if (found != places.end()) {
      for (const size_t j : found->second) {
        if (j < range.b_begin) continue;
        if (j >= range.b_end) break;
        const auto before = j > 0 ? lengths.find(j - 1) : lengths.end();
        const size_t length = (before == lengths.end() ? 0 : before->second) + 1;
        next[j] = length;
        if (length > best.size) best = {i + 1 - length, j + 1 - length, length};
      }
    }
    std::swap(lengths, next);
  }
  while (best.a > range.a_begin && best.b > range.b_begin && a[best.a - 1] == b[best.b - 1]) {
    --best.a;
    --best.b;
    ++best.size;
  }
  while (best.a + best.size < range.a_end && best.b + best.size < range.b_end &&
         a[best.a + best.size] == b[best.b + best.size]) {
    ++best.size;
  }
  return best;
}

size_t difflib_matches(std::u32string_view a, std::u32string_view b) {
  const Places places = places_of(b);
  std::vector<Range> ranges = {{0, a.size(), 0, b.size()}};
  size_t matches = 0;
  while (!ranges.empty()) {
    const Range range = ranges.back();
    ranges.pop_back();
    const Block block = longest_match(a, b, places, range);
    if (block.size == 0) continue;
    matches += block.size;
    if (range.a_begin < block.a && range.b_begin < block.b) {
      ranges.push_back({range.a_begin, block.a, range.b_begin, block.b});
    }
    if (block.a + block.size < range.a_end && block.b + block.size < range.b_end) {
      ranges.push_back({block.a + block.size, range.a_end, block.b + block.size, range.b_end});
    }
  }
  return matches;
}

}  // namespace

size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] != b[j] ? 1 : 0)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

size_t lcs_length(std::u32string_view a, std::u32string_view b) {
  return lcs_length_of(a, b);
}

size_t lcs_length(std::span<const uint32_t> a, std::span<const uint32_t> b) {
  return lcs_length_of(a, b);
}

LcsWalk walk_lcs(std::span<const uint32_t> reference, std::span<const uint32_t> prediction, LcsTie tie) {
  const size_t columns = prediction.size();
  std::vector<bool> drop_reference(reference.size() * columns);
  std::vector<size_t> row(columns + 1, 0);
  for (size_t i = 0; i < reference.size(); ++i) {
    size_t diagonal = 0;
    for (size_t j = 0; j < columns; ++j) {
      const size_t without_reference = row[j + 1];
      const size_t without_prediction = row[j];
      drop_reference[i * columns + j] = tie == LcsTie::kDropReference
                                            ? without_reference >= without_prediction
                                            : without_reference > without_prediction;
      row[j + 1] =
          reference[i] == prediction[j] ? diagonal + 1 : std::max(without_reference, without_prediction);
      diagonal = without_reference;
    }
  }
  LcsWalk walk;
  size_t i = reference.size();
  size_t j = columns;
  for (; i > 0 && j > 0; ++walk.steps) {
    if (reference[i - 1] == prediction[j - 1]) {
      walk.reference.push_back(--i);
      --j;
    } else if (drop_reference[(i - 1) * columns + j - 1]) {
      --i;
    } else {
      --j;
    }
  }
  std::reverse(walk.reference.begin(), walk.reference.end());
  return walk;
}

double similarity_ratio(std::u32string_view a, std::u32string_view b, Matcher matcher) {
  const auto total = static_cast<double>(a.size() + b.size());
  if (total == 0) return 1;
  if (matcher == Matcher::kDifflib) return 2.0 * static_cast<double>(difflib_matches(a, b)) / total;
  const size_t common = lcs_length(a, b);
  return 1.0 - static_cast<double>(a.size() + b.size() - 2 * common) / total;
}

int fuzzy_ratio(std::u32string_view a, std::u32string_view b, Matcher matcher) {
  if (a == b) return 100;
  if (a.empty() || b.empty()) return 0;
  return static_cast<int>(std::nearbyint(100 * similarity_ratio(a, b, matcher)));
}

}  // namespace longscroll
