// How far the work is: one line that is drawn again on a terminal, or a line every ten seconds in a log.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace longscroll {

// Attention makes every token dearer than the one before, so the time for n tokens is fitted as
// a·n + b·n²; a plain average would promise too much.
class TimeForecast {
 public:
  void add(double done, double seconds);
  double seconds_at(double total) const;  // 0 before anything was added

 private:
  double sum_nn_ = 0, sum_n3_ = 0, sum_n4_ = 0;
  double sum_nt_ = 0, sum_nnt_ = 0;
  double last_done_ = 0, last_seconds_ = 0;
};

struct ProgressState {
  std::string_view label;
  size_t done = 0;
  size_t total = 0;  // 0: not known
  double rate = 0;   // a second
  double seconds_left = 0;
};

// At most `columns` columns; drops the bar, then the counts, where there is no room for them.
std::string progress_line(const ProgressState& state, std::string_view unit, size_t columns);

// The line itself, on standard error, whatever it says.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool due() const;        // enough time has passed since the last one
  size_t columns() const;  // room for it
  void draw(std::string_view line);
  void note(std::string_view text);  // a line of its own, which stays
  void clear();                      // takes the line off the terminal

 private:
  using Clock = std::chrono::steady_clock;

  bool on_terminal_;
  bool drawn_ = false;
  Clock::time_point last_drawn_ = Clock::now();
};

class ProgressBar {
 public:
  // `unit` as in "tokens"; "bytes" are shown as KiB, MiB, ….
  // What was done before, as of a download that goes on, does not count for the rate.
  explicit ProgressBar(std::string label, std::string unit = "tokens", size_t done_before = 0);

  void update(size_t done, size_t total);
  void relabel(std::string label) { label_ = std::move(label); }  // shown from the next update on
  void clear() { line_.clear(); }
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  std::string unit_;
  size_t done_before_;
  StatusLine line_;
  Clock::time_point start_ = Clock::now();
  TimeForecast forecast_;
};

}  // namespace longscroll
