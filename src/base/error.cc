#include "base/error.h"

#include <utility>

namespace longscroll {
namespace {

std::string compose(const std::string& where, const std::string& what, const std::string& hint) {
  std::string message = "[" + where + "] " + what;
  if (!hint.empty()) message += "\n  hint: " + hint;
  return message;
}

}  // namespace

Error::Error(ErrorKind kind, std::string where, const std::string& what, std::string hint)
    : std::runtime_error(compose(where, what, hint)),
      kind_(kind),
      where_(std::move(where)),
      hint_(std::move(hint)) {}

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kArgument:
      return "argument";
    case ErrorKind::kFile:
      return "file";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kResource:
      return "resource";
    case ErrorKind::kNetwork:
      return "network";
    case ErrorKind::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

}  // namespace longscroll
