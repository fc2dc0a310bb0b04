// The questions that a person types.
#pragma once

#include <optional>
#include <string>

namespace longscroll {

// One line of standard input without its end; nullopt at the end of input. Throws Error(kCancelled) on
// Ctrl-C. Unbuffered, because buffered reading goes on after a signal.
std::optional<std::string> read_line();

}  // namespace longscroll
