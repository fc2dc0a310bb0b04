#include "apps/read_input.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "console/interrupt.h"

namespace longscroll {
namespace {

// Blocks Ctrl-C but while waiting, so that none falls between looking at the flag and going to sleep.
class InterruptOnlyWhileWaiting {
 public:
  InterruptOnlyWhileWaiting() {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~InterruptOnlyWhileWaiting() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  InterruptOnlyWhileWaiting(const InterruptOnlyWhileWaiting&) = delete;
  InterruptOnlyWhileWaiting& operator=(const InterruptOnlyWhileWaiting&) = delete;

  void wait_for_input() const {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    for (;;) {
      throw_if_interrupted();
      if (::ppoll(&input, 1, nullptr, &before_) >= 0 || errno != EINTR) return;
    }
  }

 private:
  sigset_t before_{};
};

}  // namespace

std::optional<std::string> read_line() {
  const InterruptOnlyWhileWaiting guard;
  std::string line;
  for (;;) {
    guard.wait_for_input();
    char c = 0;
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return line.empty() ? std::nullopt : std::optional(line);
    if (c == '\n') break;
    line += c;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace longscroll
