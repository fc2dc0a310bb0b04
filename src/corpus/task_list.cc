#include "corpus/task_list.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <numeric>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/thread_pool.h"
#include "formats/atomic_file.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

constexpr auto kLookAgain = std::chrono::milliseconds(200);

}  // namespace

void check_cancelled(const std::atomic<bool>* cancel, const std::string& where) {
  if (cancel != nullptr && *cancel) {
    throw Error(ErrorKind::kCancelled, where, "stopped; given again, the step goes on");
  }
}

TaskClaims::TaskClaims(const fs::path& file)
    : file_(file), fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (fd_ < 0) {
    throw Error(ErrorKind::kFile, file.string(),
                fmt::format("must be writable, found: {}", std::strerror(errno)));
  }
}

TaskClaims::~TaskClaims() {
  ::close(fd_);
}

// Locks of open files, not of processes: threads exclude one another too.
bool TaskClaims::lock(short type, size_t task) {
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(task);
  range.l_len = 1;
  while (::fcntl(fd_, F_OFD_SETLK, &range) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw Error(ErrorKind::kUnsupported, file_.string(),
                fmt::format("must lie where files can be locked, found: {}", std::strerror(errno)),
                "a local disk, NFS 4, or Lustre mounted with flock");
  }
  return true;
}

bool TaskClaims::take(size_t task) {
  return lock(F_WRLCK, task);
}

void TaskClaims::give_back(size_t task) {
  lock(F_UNLCK, task);
}

// What the threads of one process know of a phase.
class TaskList::Shared {
 public:
  Shared(const TaskList& list, const data::ReadEvents& events)
      : list_(list),
        events_(events),
        total_(std::accumulate(list.weights_.begin(), list.weights_.end(), uint64_t{0})),
        done_(list.weights_.size(), 0) {}

  // Whether a report says so; asks the folder only until it does.
  bool is_done(size_t task) {
    const std::lock_guard lock(mutex_);
    if (done_[task] != 0) return true;
    std::error_code ignored;
    if (!fs::exists(list_.report_path(task), ignored)) return false;
    mark(task);
    return true;
  }

  void finish(size_t task) {
    const std::lock_guard lock(mutex_);
    mark(task);
    changed_.notify_all();
  }

  size_t count_done() {
    const std::lock_guard lock(mutex_);
    return count_done_;
  }

  // Until a thread of this process has finished a task since there were `known`, or it is time to look what
  // other processes did.
  void wait_for_others(size_t known) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLookAgain, [&] { return count_done_ != known || failed_; });
  }

  void fail() {
    failed_ = true;
    changed_.notify_all();
  }
  bool has_failed() const { return failed_; }
  const std::atomic<bool>* cancel() const { return events_.cancel; }

 private:
  void mark(size_t task) {
    if (done_[task] != 0) return;
    done_[task] = 1;
    ++count_done_;
    weight_done_ += list_.weights_[task];
    if (events_.progress) events_.progress(weight_done_, total_);
  }

  const TaskList& list_;
  const data::ReadEvents& events_;
  uint64_t total_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint8_t> done_;
  size_t count_done_ = 0;
  uint64_t weight_done_ = 0;
  std::atomic<bool> failed_{false};
};

TaskList::TaskList(fs::path folder, std::string phase, std::vector<uint64_t> weights)
    : folder_(std::move(folder)), phase_(std::move(phase)), weights_(std::move(weights)) {}

fs::path TaskList::report_path(size_t task) const {
  return folder_ / fmt::format("{}-{:06}.json", phase_, task);
}

void TaskList::work_through(const Work& work, Shared& shared) const {
  TaskClaims claims(folder_ / fmt::format("claims-{}", phase_));
  for (bool all_done = false; !all_done;) {
    all_done = true;
    const size_t known = shared.count_done();
    for (size_t task = 0; task < weights_.size(); ++task) {
      if (shared.has_failed()) return;
      check_cancelled(shared.cancel(), phase_);
      if (shared.is_done(task)) continue;
      if (!claims.take(task)) {
        all_done = false;
        continue;
      }
      // It may have been done between the two questions.
      if (!shared.is_done(task)) {
        const Json report = work(task);
        write_file(report_path(task), json_line(report));
        shared.finish(task);
      }
      claims.give_back(task);
    }
    if (!all_done) shared.wait_for_others(known);
  }
}

void TaskList::run(const Work& work, int workers, const data::ReadEvents& events) const {
  Shared shared(*this, events);
  ThreadPool pool(workers);
  pool.run(static_cast<size_t>(workers), [&](size_t /*index*/, int /*thread*/) {
    try {
      work_through(work, shared);
    } catch (...) {
      shared.fail();
      throw;
    }
  });
}

std::vector<Json> TaskList::reports() const {
  std::vector<Json> reports;
  for (size_t task = 0; task < weights_.size(); ++task) {
    const fs::path path = report_path(task);
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    try {
      reports.push_back(parse_json(text));
    } catch (const Json::exception&) {
      throw_bad_file(path, "must be the report of a task, found something else", "begin the step anew");
    }
  }
  return reports;
}

}  // namespace longscroll::corpus
