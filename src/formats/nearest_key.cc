#include <algorithm>

#include "formats/settings.h"

namespace longscroll {
namespace {

// Optimal string alignment distance: Levenshtein's, with a swap of neighbours as one edit.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::string_view last_part(std::string_view key) {
  return key.substr(key.rfind('.') + 1);  // npos + 1 is 0: the whole
}

}  // namespace

std::string nearest_key(std::string_view key, std::span<const std::string> keys) {
  // In another table, or in none: what it is called matters more than where it stands.
  for (const std::string& candidate : keys) {
    if (last_part(candidate) == last_part(key)) return candidate;
  }
  std::string nearest;
  size_t fewest = std::max<size_t>(2, key.size() / 3) + 1;
  for (const std::string& candidate : keys) {
    const size_t whole = edits(key, candidate);
    const size_t part = edits(last_part(key), last_part(candidate)) + 1;  // a right table is worth one edit
    const size_t needed = last_part(key).size() > 3 ? std::min(whole, part) : whole;
    if (needed < fewest) {
      fewest = needed;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace longscroll
