#include "console/guarded.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>

#include <fmt/format.h>

#include "base/error.h"
#include "console/interrupt.h"

namespace longscroll {

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  if (errno == EPIPE) throw OutputClosed();
  throw Error(ErrorKind::kResource, "standard output",
              fmt::format("must take what is written, found: {}", std::strerror(errno)));
}

void write_remarks(const std::vector<std::string>& remarks) {
  for (const std::string& remark : remarks) fmt::print(stderr, "note: {}\n", remark);
}

int run_guarded(std::string_view program, const Action& action) {
  try {
    return action();
  } catch (const OutputClosed&) {
    return kExitClosedOutput;
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return error.kind() == ErrorKind::kCancelled ? interrupted_exit_code() : kExitError;
  } catch (const std::filesystem::filesystem_error& error) {
    fmt::print(stderr, "{}: [{}] must be there and readable, found: {}\n", program, error.path1().string(),
               error.code().message());
    return kExitError;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "{}: [memory] there must be enough of it, found none left\n", program);
    return kExitError;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: [internal] {}\nPlease report this: it is a bug.\n", program, error.what());
    return kExitError;
  }
}

}  // namespace longscroll
