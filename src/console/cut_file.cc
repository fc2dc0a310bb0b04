#include "console/cut_file.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

namespace longscroll {
namespace {

constexpr std::string_view kMessage =
    "\nlongscroll: [mapped file] it must stay as it is while it is used, found it cut short or unreadable\n";

void on_bus_error(int) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(1);
}

}  // namespace

void install_cut_file_handler() {
  struct sigaction action {};
  action.sa_handler = on_bus_error;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace longscroll
