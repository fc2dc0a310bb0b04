#include "apps/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace longscroll {
namespace {

std::atomic<bool> interrupt_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void on_interrupt(int) {
  if (!interrupt_flag.exchange(true)) return;
  constexpr char kNewline[] = "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kNewline, 1);
  ::_exit(kExitInterrupted);
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: waiting for a question must end
  ::sigaction(SIGINT, &action, nullptr);
}

const std::atomic<bool>& interrupted() {
  return interrupt_flag;
}

void clear_interrupt() {
  interrupt_flag = false;
}

void throw_if_interrupted() {
  if (interrupt_flag) throw Error(ErrorKind::kCancelled, "Ctrl-C", "stopped");
}

}  // namespace longscroll
