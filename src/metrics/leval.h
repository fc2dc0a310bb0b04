// L-Eval's scoring: the authors' (https://github.com/OpenLMLab/LEval, Evaluation/*.py) and OpenCompass's.
// The extractions are public because the golden cases show them. Pure functions on code points.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "metrics/metric.h"

namespace longscroll::leval {

// The authors' reading of a choice. `several`: coursera, where more than one letter can be right.
std::u32string official_choice(std::u32string_view prediction, bool several);
// Letters of the first word; "A" if it has none. Throws Error(kArgument) when the reference is blank.
std::u32string official_choice_reference(std::u32string_view reference);
std::u32string official_math(std::u32string_view text);
std::u32string official_code(std::u32string_view prediction, std::u32string_view reference);
std::u32string official_code_reference(std::u32string_view reference);

// "true", "false" or "<error>" for what follows from the document and for what is so in the world;
// `reference` gives the texts themselves, and throws Error(kArgument) when it has no "[fact:".
using Judgement = std::pair<std::u32string, std::u32string>;
Judgement judgement(std::u32string_view prediction);
Judgement judgement_reference(std::u32string_view reference);

// 1, 0.25 (a part of the right letters) or 0, after extraction.
double exact_match(std::u32string_view prediction, std::u32string_view reference);

// OpenCompass's post-processors.
std::u32string first_letters(std::u32string_view prediction);      // the first run of A to D
std::u32string first_capital(std::u32string_view prediction);      // "" if there is none
std::u32string math_after_answer(std::u32string_view prediction);  // digits of the word after "The answer is"
std::u32string math_reference(std::u32string_view reference);      // without commas
std::u32string general(std::u32string_view text);                  // general_postprocess

// Of the items whose numbers within the file are given: the mean of the three topics' means, 0 to 100.
double mean_of_topics(std::span<const ItemScore> items, std::span<const size_t> numbers);
// The means of the topics, where -1 stands for no items.
std::array<double, 3> topic_means(std::span<const ItemScore> items, std::span<const size_t> numbers);

}  // namespace longscroll::leval
