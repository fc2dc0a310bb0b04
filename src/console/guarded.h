// What every program does around its work: exit codes, standard output that may be closed, errors in one
// line.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitClosedOutput = 141;  // 128 + SIGPIPE: the reader of a pipe has gone

// What the parsed command line asks for; its result is the exit code.
using Action = std::function<int()>;

// The reader of standard output is gone: nothing to report, nothing more to do.
class OutputClosed : public std::exception {};

// To standard output, at once. Throws OutputClosed, or Error(kResource) when the disk is full.
void write_out(std::string_view text);
void write_remarks(const std::vector<std::string>& remarks);  // to standard error

// Runs it and maps what it throws: an Error to "PROGRAM: [where] what" with its hint and 1, what was
// cancelled to interrupted_exit_code(), a closed output to 141.
int run_guarded(std::string_view program, const Action& action);

}  // namespace longscroll
