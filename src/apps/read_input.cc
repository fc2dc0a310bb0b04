#include "apps/read_input.h"

#include <unistd.h>

#include <cerrno>

#include "apps/interrupt.h"

namespace longscroll {

std::optional<std::string> read_line() {
  std::string line;
  for (;;) {
    char c = 0;
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) {
      throw_if_interrupted();
      continue;
    }
    if (got <= 0) return line.empty() ? std::nullopt : std::optional(line);
    if (c == '\n') break;
    line += c;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace longscroll
