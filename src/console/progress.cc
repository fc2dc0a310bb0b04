#include "console/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include "console/terminal.h"

namespace longscroll {
namespace {

constexpr double kSecondsBetweenDraws = 0.1;
constexpr double kSecondsBetweenLines = 10;
constexpr size_t kColumnsInLogs = 80;
constexpr size_t kMinBar = 8;
constexpr size_t kMaxBar = 30;

std::string amount(double value, std::string_view unit) {
  const auto whole = static_cast<uint64_t>(std::llround(value));
  return unit == "bytes" ? format_bytes(whole) : format_count(whole);
}

std::string bar(double share, size_t columns) {
  const auto filled = static_cast<size_t>(share * static_cast<double>(columns));
  std::string text = "[";
  for (size_t i = 0; i < columns; ++i) text += i < filled ? "#" : "-";
  return text + "]";
}

}  // namespace

void TimeForecast::add(double done, double seconds) {
  const double n2 = done * done;
  sum_nn_ += n2;
  sum_n3_ += n2 * done;
  sum_n4_ += n2 * n2;
  sum_nt_ += done * seconds;
  sum_nnt_ += n2 * seconds;
  last_done_ = done;
  last_seconds_ = seconds;
}

double TimeForecast::seconds_at(double total) const {
  if (last_done_ <= 0) return 0;
  const double linear = last_seconds_ * total / last_done_;
  const double determinant = sum_nn_ * sum_n4_ - sum_n3_ * sum_n3_;
  if (determinant <= 1e-9 * sum_nn_ * sum_n4_) return linear;
  const double a = (sum_nt_ * sum_n4_ - sum_nnt_ * sum_n3_) / determinant;
  const double b = (sum_nn_ * sum_nnt_ - sum_n3_ * sum_nt_) / determinant;
  if (a < 0 || b < 0) return linear;  // noise: the first blocks of a short text
  // Anchored at what has been seen, so that the forecast never lies before now.
  return last_seconds_ + a * (total - last_done_) + b * (total * total - last_done_ * last_done_);
}

std::string progress_line(const ProgressState& state, std::string_view unit, size_t columns) {
  const std::string rate = fmt::format("{}{}/s", amount(state.rate, unit), unit == "bytes" ? "" : " tok");
  if (state.total == 0) {
    return fit_to_width(
        fmt::format("{} {} {}", state.label, amount(static_cast<double>(state.done), unit), rate), columns);
  }
  const double share = static_cast<double>(state.done) / static_cast<double>(state.total);
  const std::string left = state.rate > 0 ? fmt::format("{} left", format_duration(state.seconds_left)) : "";
  const std::string counts = fmt::format("{}/{}", amount(static_cast<double>(state.done), unit),
                                         amount(static_cast<double>(state.total), unit));
  const std::string percent = fmt::format("{:3.0f}%", 100 * share);
  const std::string shortest = fmt::format("{} {} {}", percent, rate, left);
  const std::string whole = fmt::format("{} {} {} {}", percent, counts, rate, left);
  const size_t label_width = display_width(state.label) + 1;
  if (label_width + whole.size() + 3 + kMinBar <= columns) {
    const size_t room = std::min(columns - label_width - whole.size() - 3, kMaxBar);
    return fmt::format("{} {} {}", state.label, bar(share, room), whole);
  }
  if (label_width + whole.size() <= columns) return fmt::format("{} {}", state.label, whole);
  if (label_width + shortest.size() <= columns) return fmt::format("{} {}", state.label, shortest);
  return fit_to_width(shortest, columns);
}

StatusLine::StatusLine() : on_terminal_(::isatty(STDERR_FILENO) != 0) {}

bool StatusLine::due() const {
  const double since_drawn = std::chrono::duration<double>(Clock::now() - last_drawn_).count();
  return since_drawn >= (on_terminal_ ? kSecondsBetweenDraws : kSecondsBetweenLines);
}

size_t StatusLine::columns() const {
  // One column stays free: some terminals wrap when the last one is written.
  return on_terminal_ ? terminal_columns(STDERR_FILENO) - 1 : kColumnsInLogs;
}

void StatusLine::draw(std::string_view line) {
  if (on_terminal_) {
    fmt::print(stderr, "\r{}\x1b[K", fit_to_width(line, columns()));
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
  drawn_ = on_terminal_;
  last_drawn_ = Clock::now();
}

void StatusLine::note(std::string_view text) {
  clear();
  fmt::print(stderr, "{}\n", text);
  std::fflush(stderr);
}

void StatusLine::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

ProgressBar::ProgressBar(std::string label, std::string unit, size_t done_before)
    : label_(std::move(label)), unit_(std::move(unit)), done_before_(done_before) {}

double ProgressBar::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void ProgressBar::update(size_t done, size_t total) {
  const double elapsed = seconds();
  const auto done_here = static_cast<double>(done - std::min(done, done_before_));
  forecast_.add(done_here, elapsed);
  if (!line_.due()) return;
  ProgressState state{label_, done, total, 0, 0};
  if (elapsed > 0) state.rate = done_here / elapsed;
  state.seconds_left = std::max(
      0.0, forecast_.seconds_at(static_cast<double>(total - std::min(total, done_before_))) - elapsed);
  line_.draw(progress_line(state, unit_, line_.columns()));
}

}  // namespace longscroll
