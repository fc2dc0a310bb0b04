#include "hub/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>
#include <thread>

#include "base/error.h"

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kErrorsKept = 16384;
constexpr int kTickMs = 100;
constexpr std::chrono::seconds kTimeToEnd{2};

std::vector<std::string> child_environment(const ChildRequest& request) {
  const auto is_replaced = [&request](std::string_view name) {
    return std::ranges::any_of(request.set_variables,
                               [name](const auto& pair) { return pair.first == name; }) ||
           std::ranges::find(request.drop_variables, name) != request.drop_variables.end();
  };
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) {
    const std::string_view text(*line);
    if (!is_replaced(text.substr(0, text.find('=')))) lines.emplace_back(text);
  }
  for (const auto& [name, value] : request.set_variables) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

class ErrorPipe {
 public:
  ErrorPipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
      throw Error(ErrorKind::kResource, "pipe", fmt::format("must be had, and {}", std::strerror(errno)));
    }
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~ErrorPipe() {
    ::close(ends_[0]);
    close_write_end();
  }
  ErrorPipe(const ErrorPipe&) = delete;
  ErrorPipe& operator=(const ErrorPipe&) = delete;

  int write_end() const { return ends_[1]; }
  void close_write_end() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

  // Waits a tick for more; keeps the last bytes.
  void read_some(std::string& kept) {
    pollfd wait = {.fd = ended_ ? -1 : ends_[0], .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, kTickMs);
    std::array<char, 4096> chunk{};
    ssize_t got;
    while ((got = ::read(ends_[0], chunk.data(), chunk.size())) > 0) {
      kept.append(chunk.data(), static_cast<size_t>(got));
      if (kept.size() > kErrorsKept) kept.erase(0, kept.size() - kErrorsKept);
    }
    if (got == 0) ended_ = true;  // from here on poll() would return at once
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
  bool ended_ = false;
};

// Its own process group, so that all of it can be ended; usual signal handling, whatever ours is.
pid_t spawn(const ChildRequest& request, int error_fd) {
  std::vector<std::string> arguments = request.arguments;
  std::vector<std::string> variables = child_environment(request);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, error_fd, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults, none;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) sigaddset(&defaults, number);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  pid_t child = -1;
  const int failure = posix_spawnp(&child, arguments[0].c_str(), &actions, &attributes,
                                   pointers(arguments).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw Error(ErrorKind::kUnsupported, request.arguments[0],
                fmt::format("must be a program on PATH, and starting it failed: {}", std::strerror(failure)));
  }
  return child;
}

// True when it ended; then `status` is set.
bool has_ended(pid_t child, int& status) {
  const pid_t got = ::waitpid(child, &status, WNOHANG);
  return got == child || (got < 0 && errno != EINTR);
}

void end_group(pid_t child) {
  int status = 0;
  ::kill(-child, SIGTERM);
  const auto until = Clock::now() + kTimeToEnd;
  while (!has_ended(child, status)) {
    if (Clock::now() > until) {
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(-child, SIGKILL);  // what it started may have outlived it
}

}  // namespace

ChildResult run_child(const ChildRequest& request) {
  ErrorPipe pipe;
  const pid_t child = spawn(request, pipe.write_end());
  pipe.close_write_end();
  ChildResult result;
  int status = 0;
  try {
    while (!has_ended(child, status)) {
      if (request.cancel != nullptr && request.cancel->load()) {
        throw Error(ErrorKind::kCancelled, request.arguments[0], "the download was stopped");
      }
      pipe.read_some(result.errors);
      if (request.tick) request.tick();
    }
  } catch (...) {
    end_group(child);
    throw;
  }
  pipe.read_some(result.errors);
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace longscroll
