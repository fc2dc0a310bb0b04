// Whether a text says anything.
#pragma once

#include <string_view>

namespace longscroll::data {

inline bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

}  // namespace longscroll::data
