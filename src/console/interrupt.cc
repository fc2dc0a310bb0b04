#include "console/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace longscroll {
namespace {

std::atomic<bool> interrupt_flag{false};
std::atomic<int> exit_code{kExitInterrupted};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

void on_signal(int signal) {
  exit_code = 128 + signal;
  if (!interrupt_flag.exchange(true) || signal != SIGINT) return;
  constexpr char kNewline[] = "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kNewline, 1);
  ::_exit(kExitInterrupted);
}

void install(int signal, int flags) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = flags;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install_interrupt_handler() {
  install(SIGINT, 0);  // no SA_RESTART: waiting for a question must end
}

void install_stop_handlers() {
  install(SIGINT, SA_RESTART);
  install(SIGTERM, SA_RESTART);
  install(SIGUSR1, SA_RESTART);
}

const std::atomic<bool>& interrupted() {
  return interrupt_flag;
}

void clear_interrupt() {
  interrupt_flag = false;
}

int interrupted_exit_code() {
  return exit_code;
}

void throw_if_interrupted() {
  if (interrupt_flag) throw Error(ErrorKind::kCancelled, "Ctrl-C", "stopped");
}

}  // namespace longscroll
