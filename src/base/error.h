// The one exception type that a caller's or a file's fault raises. Our own bugs are asserts.
//
// Message form: "[where] what must hold, what was found", with the hint on its own line.
#pragma once

#include <stdexcept>
#include <string>

namespace longscroll {

enum class ErrorKind {
  kArgument,     // the caller passed something that cannot be
  kFile,         // a file is missing, unreadable, damaged or lies about itself
  kUnsupported,  // well formed, but not something that we can do
  kResource,     // not enough memory or disk
  kNetwork,      // a download failed
  kCancelled,    // the user stopped it
};

class Error : public std::runtime_error {
 public:
  // `where` names the file, tensor or option at fault; `what` says what must hold and what was found.
  Error(ErrorKind kind, std::string where, const std::string& what, std::string hint = {});

  ErrorKind kind() const { return kind_; }
  const std::string& where() const { return where_; }
  const std::string& hint() const { return hint_; }

 private:
  ErrorKind kind_;
  std::string where_;
  std::string hint_;
};

const char* to_string(ErrorKind kind);

}  // namespace longscroll
