// How a download tells its caller what goes on, and how the caller stops it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace longscroll {

struct PullProgress {
  std::string file;
  uint64_t done = 0;   // bytes
  uint64_t total = 0;  // bytes
};

// Every member may be empty. The functions are called on the thread that pulls.
struct PullEvents {
  std::function<void(const PullProgress&)> progress;
  std::function<void(const std::string&)> note;  // one line for the user
  const std::atomic<bool>* cancel = nullptr;

  bool cancelled() const { return cancel != nullptr && cancel->load(); }
  void say(const std::string& text) const {
    if (note) note(text);
  }
  void report(const std::string& file, uint64_t done, uint64_t total) const {
    if (progress) progress({file, done, total});
  }
};

}  // namespace longscroll
