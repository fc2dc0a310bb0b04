#include "hub/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>

#include "base/error.h"

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kErrorsKept = 16384;
constexpr int kTickMs = 100;

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

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
      throw Error(ErrorKind::kResource, "pipe", fmt::format("must be had, and {}", std::strerror(errno)));
    }
  }
  ~Pipe() {
    ::close(ends_[0]);
    close_write_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_write_end() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

// What the child writes to standard error: its last bytes are kept.
class ErrorReader {
 public:
  ErrorReader(int fd, const ChildRequest& request) : fd_(fd), request_(request) {
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }

  // Waits a tick for more.
  void read_some(std::string& kept) {
    pollfd wait = {.fd = ended_ ? -1 : fd_, .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, kTickMs);
    std::array<char, 4096> chunk{};
    ssize_t got;
    while ((got = ::read(fd_, chunk.data(), chunk.size())) > 0) {
      const std::string_view piece(chunk.data(), static_cast<size_t>(got));
      if (request_.on_errors) request_.on_errors(piece);
      kept.append(piece);
      if (kept.size() > kErrorsKept) kept.erase(0, kept.size() - kErrorsKept);
    }
    if (got == 0) ended_ = true;  // from here on poll() would return at once
  }

 private:
  int fd_;
  const ChildRequest& request_;
  bool ended_ = false;
};

class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path) {
    fd_ = path.empty() ? ::open("/dev/null", O_WRONLY | O_CLOEXEC)
                       : ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd_ >= 0) return;
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be a file to write to, found: {}", std::strerror(errno)));
  }
  ~OutputFile() { ::close(fd_); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

struct Starting {
  char** arguments;
  char** variables;
  int output_fd;
  int error_fd;
  int failure_fd;  // closed by a start that succeeds; takes errno of one that does not
  pid_t parent;
};

// Between fork() and exec nothing may be allocated or locked: another thread of the program may have held it.
[[noreturn]] void become(const Starting& start) {
  ::setpgid(0, 0);  // its own group, so that all of it can be ended
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.parent) ::_exit(1);  // it ended before that was set
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGUSR1})
    ::sigaction(number, &usual, nullptr);  // whatever ours is
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = ::open("/dev/null", O_RDONLY);
  if (input > STDIN_FILENO) {
    ::dup2(input, STDIN_FILENO);
    ::close(input);
  }
  ::dup2(start.output_fd, STDOUT_FILENO);
  ::dup2(start.error_fd, STDERR_FILENO);
  ::execvpe(start.arguments[0], start.arguments, start.variables);
  const int failure = errno;
  [[maybe_unused]] const ssize_t written = ::write(start.failure_fd, &failure, sizeof failure);
  ::_exit(127);
}

pid_t start_child(const ChildRequest& request, int error_fd) {
  std::vector<std::string> arguments = request.arguments;
  std::vector<std::string> variables = child_environment(request);
  std::vector<char*> argument_pointers = pointers(arguments);
  std::vector<char*> variable_pointers = pointers(variables);
  const OutputFile output(request.output);
  Pipe failed;
  const Starting start = {argument_pointers.data(),
                          variable_pointers.data(),
                          output.fd(),
                          error_fd,
                          failed.write_end(),
                          ::getpid()};
  const pid_t child = ::fork();
  if (child == 0) become(start);
  int failure = child < 0 ? errno : 0;
  failed.close_write_end();
  if (child >= 0) {
    while (::read(failed.read_end(), &failure, sizeof failure) < 0 && errno == EINTR) {
    }
  }
  if (failure == 0) return child;
  if (child > 0) ::waitpid(child, nullptr, 0);
  throw Error(ErrorKind::kUnsupported, request.arguments[0],
              fmt::format("must be a program on PATH, and starting it failed: {}", std::strerror(failure)));
}

// True when it ended; then `status` is set.
bool has_ended(pid_t child, int& status) {
  const pid_t got = ::waitpid(child, &status, WNOHANG);
  return got == child || (got < 0 && errno != EINTR);
}

// Ends a child that was asked to end, when its time is over.
class Ending {
 public:
  Ending(pid_t child, std::chrono::seconds time) : child_(child), time_(time) {}

  bool asked() const { return until_ != Clock::time_point::max(); }
  void ask() {
    if (asked()) return;
    ::kill(-child_, SIGTERM);
    until_ = Clock::now() + time_;
  }
  void check_time() const {
    if (Clock::now() > until_) ::kill(-child_, SIGKILL);
  }

 private:
  pid_t child_;
  std::chrono::seconds time_;
  Clock::time_point until_ = Clock::time_point::max();
};

}  // namespace

ChildResult run_child(const ChildRequest& request) {
  Pipe errors;
  const pid_t child = start_child(request, errors.write_end());
  errors.close_write_end();
  ErrorReader reader(errors.read_end(), request);
  Ending ending(child, request.time_to_end);
  ChildResult result;
  int status = 0;
  try {
    while (!has_ended(child, status)) {
      if (request.cancel != nullptr && request.cancel->load()) ending.ask();
      ending.check_time();
      reader.read_some(result.errors);
      if (request.tick && !ending.asked()) request.tick();
    }
    reader.read_some(result.errors);
  } catch (...) {
    ::kill(-child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    throw;
  }
  if (ending.asked()) {
    ::kill(-child, SIGKILL);  // what it started may have outlived it
    throw Error(ErrorKind::kCancelled, request.arguments[0], "stopped");
  }
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace longscroll
