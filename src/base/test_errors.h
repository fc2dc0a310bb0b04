// Errors as text, for tests.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"

namespace longscroll::test {

// "file: [where] what", or "nothing thrown".
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string(to_string(error.kind())) + ": " + error.what();
  }
  return "nothing thrown";
}

}  // namespace longscroll::test
