#include "suites/fill_template.h"

#include <algorithm>

namespace longscroll {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Calls text(part) and name(part) for what stands outside and inside of braces, in order.
template <typename Text, typename Name>
void split_template(std::string_view all, const Text& text, const Name& name) {
  size_t begin = 0;
  for (size_t open = all.find('{'); open != std::string_view::npos; open = all.find('{', open + 1)) {
    const size_t close = all.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view inside = all.substr(open + 1, close - open - 1);
    if (!is_name(inside)) continue;
    text(all.substr(begin, open - begin));
    name(inside);
    begin = close + 1;
    open = close;
  }
  text(all.substr(begin));
}

std::string fill_in_one_pass(std::string_view all, const Columns& columns) {
  std::string filled;
  split_template(
      all, [&](std::string_view text) { filled += text; },
      [&](std::string_view name) {
        const auto it =
            std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.first == name; });
        if (it != columns.end()) {
          filled += it->second;
        } else {
          filled.append("{").append(name).append("}");
        }
      });
  return filled;
}

}  // namespace

std::string fill_template(std::string_view text, const Columns& columns, FillRule rule) {
  if (rule == FillRule::kOnePass) return fill_in_one_pass(text, columns);
  std::string filled(text);
  for (const auto& [name, value] : columns) filled = replace_all(filled, "{" + name + "}", value);
  return filled;
}

std::string replace_all(std::string_view text, std::string_view what, std::string_view with) {
  std::string out;
  size_t begin = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, begin)) {
    out.append(text.substr(begin, at - begin)).append(with);
    begin = at + what.size();
  }
  return out.append(text.substr(begin));
}

std::vector<std::string> template_columns(std::string_view text) {
  std::vector<std::string> names;
  split_template(text, [](std::string_view) {}, [&](std::string_view name) { names.emplace_back(name); });
  return names;
}

}  // namespace longscroll
