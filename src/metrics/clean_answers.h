// How the protocol `clean` reads an answer where the evaluators' own reading is plainly at fault: metric.h
// has the list. Pure functions on code points.
#pragma once

#include <string>
#include <string_view>

namespace longscroll {

// The first of A to D that is no part of a longer word: "The answer is C" is C, "Because" is none; "" for
// none.
std::u32string clean_choice(std::u32string_view text);

// All of A to D that stand alone or in a word of such letters only ("BD"), sorted, each once; "" for none.
std::u32string clean_choices(std::u32string_view text);

// The first number after the last "the answer is" in any case, or without that the last number of the text;
// with its sign and its decimals, without commas between digits; "" for none.
std::u32string clean_number(std::u32string_view text);

}  // namespace longscroll
