// What a terminal needs to know about text: its width in columns, and numbers as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace longscroll {

// Columns of the terminal at `fd`, else $COLUMNS, else 80; never less than 20.
size_t terminal_columns(int fd);

// Columns that the text takes: 2 for a Chinese character, 0 for a combining mark or a control character.
size_t display_width(std::string_view utf8);

// Cut to at most `columns`, with "…" at the end when something was cut.
std::string fit_to_width(std::string_view utf8, size_t columns);

// For a terminal: line ends and tabs stay, carriage returns go, other control characters show as "·", so that
// no text can send the terminal a command.
std::string printable(std::string_view text);

std::string format_duration(double seconds);  // "8.4 s", "3 min 05 s", "2 h 10 min", "3 d 4 h"
std::string format_bytes(uint64_t bytes);     // "1.25 GiB"
std::string format_count(uint64_t count);     // "32,768"

}  // namespace longscroll
