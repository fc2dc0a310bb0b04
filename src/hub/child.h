// Another program, run without a shell and waited for.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace longscroll {

struct ChildRequest {
  std::vector<std::string> arguments;  // [0] is the program, looked up on PATH
  std::vector<std::pair<std::string, std::string>> set_variables;
  std::vector<std::string> drop_variables;
  const std::atomic<bool>* cancel = nullptr;
  std::function<void()> tick;  // called a few times a second while it runs
};

struct ChildResult {
  int exit_code = 0;   // 128 + the signal when one ended it
  std::string errors;  // the end of what it wrote to standard error
};

// Standard input is empty and standard output goes nowhere. When cancelled, ends the child and all that it
// started, and throws Error(kCancelled). Throws Error(kUnsupported) when the program is not there.
ChildResult run_child(const ChildRequest& request);

}  // namespace longscroll
