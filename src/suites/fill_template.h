// Templates with {column} in them, filled in one of the two ways that benchmarks do it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longscroll {

using Columns = std::vector<std::pair<std::string, std::string>>;  // name, text; in the record's order

enum class FillRule {
  // Only what stands in the template is replaced; a column that is not there stays as it is.
  kOnePass,
  // OpenCompass: every column in turn is replaced in what the ones before it left, so that "{answers}" inside
  // a
  // document is replaced too.
  kColumnByColumn,
};

std::string fill_template(std::string_view text, const Columns& columns, FillRule rule);

// Python's str.replace.
std::string replace_all(std::string_view text, std::string_view what, std::string_view with);

// The names in braces, in the order in which they stand. "{" that no "}" closes is text.
std::vector<std::string> template_columns(std::string_view text);

}  // namespace longscroll
