// The files in suites/ that are linked in, each as its text.
#pragma once

#include <string_view>

namespace longscroll {

std::string_view suite_needle();
std::string_view suite_longbench();
std::string_view suite_leval();
std::string_view suite_mmlu();
std::string_view suite_ceval();
std::string_view suite_cmmlu();
std::string_view suite_perplexity();

std::string_view builtin_needles();  // suites/needle-needles.jsonl

}  // namespace longscroll
