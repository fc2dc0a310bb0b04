// A phase of a step: tasks that any number of threads and processes do together (docs/corpus.md, "Tasks").
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "corpus/text_document.h"
#include "data/instructions.h"

namespace longscroll::corpus {

// Throws Error(kCancelled), naming what was under way, when `cancel` is given and set.
void check_cancelled(const std::atomic<bool>* cancel, const std::string& where);

// Who does which task, said by a lock on byte `task` of a file: it falls when its holder ends, however it
// ends. Each thread has claims of its own; not thread safe.
class TaskClaims {
 public:
  // Throws Error(kFile) when the file cannot be made.
  explicit TaskClaims(const std::filesystem::path& file);
  ~TaskClaims();
  TaskClaims(const TaskClaims&) = delete;
  TaskClaims& operator=(const TaskClaims&) = delete;

  // False: another has it. Throws Error(kUnsupported) when the file system has no locks.
  bool take(size_t task);
  void give_back(size_t task);

 private:
  bool lock(short type, size_t task);

  std::filesystem::path file_;
  int fd_ = -1;
};

// Works on tasks 0 to count - 1 until every one has a report, by this process or by others that run the same
// phase in the same folder. Safe to run from many processes; within one, a list is used by one thread.
class TaskList {
 public:
  // A task's work: a pure function of files, that writes through AtomicFile. Its result is the report. Called
  // from many threads at once.
  using Work = std::function<Json(size_t task)>;

  // `weights`: about what each task takes, for progress; their number is the number of tasks. `folder`
  // exists.
  TaskList(std::filesystem::path folder, std::string phase, std::vector<uint64_t> weights);

  // Returns when every task has its report. `events.progress` counts weights; it is called from any of the
  // threads, one at a time. The first error of a task is thrown when the others of this process have ended;
  // Error(kCancelled) after `events.cancel` was set. Tasks that are done stay done.
  void run(const Work& work, int workers, const data::ReadEvents& events) const;

  // The reports in the order of tasks, after run(). Throws Error(kFile) when one was damaged since.
  std::vector<Json> reports() const;

 private:
  class Shared;
  std::filesystem::path report_path(size_t task) const;
  void work_through(const Work& work, Shared& shared) const;

  std::filesystem::path folder_;
  std::string phase_;
  std::vector<uint64_t> weights_;
};

}  // namespace longscroll::corpus
