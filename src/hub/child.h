// Another program, run without a shell and waited for.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longscroll {

struct ChildRequest {
  std::vector<std::string> arguments;  // [0] is the program, looked up on PATH
  std::vector<std::pair<std::string, std::string>> set_variables;
  std::vector<std::string> drop_variables;
  std::filesystem::path output;  // standard output goes to the end of this file; empty: nowhere
  std::function<void(std::string_view)> on_errors;  // each piece of standard error as it comes
  const std::atomic<bool>* cancel = nullptr;
  std::chrono::seconds time_to_end{2};  // from being asked to end (SIGTERM) to being ended
  std::function<void()> tick;           // called a few times a second while it runs
};

struct ChildResult {
  int exit_code = 0;   // 128 + the signal when one ended it
  std::string errors;  // the end of what it wrote to standard error
};

// Standard input is empty. The child does not outlive this program, however that ends. When cancelled, ends
// the child and all that it started, and throws Error(kCancelled). Throws Error(kUnsupported) when the
// program is not there, Error(kFile) when `output` cannot be written.
ChildResult run_child(const ChildRequest& request);

}  // namespace longscroll
