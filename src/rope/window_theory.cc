#include "rope/window_theory.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr double kFullTurn = 2.0 * std::numbers::pi;
constexpr uint32_t kMaxDimension = 65536;
constexpr double kMaxBase = 1e15;
constexpr uint64_t kShortestWindow = 7;  // the first above 2 pi: below, no dimension turns fully
constexpr uint64_t kLongestWindow = uint64_t{1} << 32;
constexpr uint64_t kLongestSearched = uint64_t{1} << 24;
constexpr double kFinestStep = 1e-5;  // of a base searched
constexpr int kDecaySamples = 64;
// 2405.14591, table 2: of 1k, 2k, 4k, … 1M tokens.
constexpr std::array<double, 11> kPrinted = {4.3e3, 1.6e4, 2.7e4, 8.4e4, 3.1e5, 6.4e5,
                                             2.1e6, 7.8e6, 3.6e7, 6.4e7, 5.1e8};

[[noreturn]] void refuse(const char* what_must, const std::string& found) {
  throw Error(ErrorKind::kArgument, "rope", fmt::format("{}, found {}", what_must, found));
}

void check_window(uint64_t window) {
  if (window < kShortestWindow || window > kLongestWindow)
    refuse("a window must be 7 tokens to 2^32", fmt::format("{}", window));
}

void check_base(double base) {
  if (!(base > 1.0) || base > kMaxBase)
    refuse("a base must be above 1 and at most 1e15", fmt::format("{}", base));
}

std::vector<double> frequencies(uint32_t rotary_dim, double base) {
  std::vector<double> result(rotary_dim / 2);
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = std::pow(base, -2.0 * static_cast<double>(i) / rotary_dim);
  return result;
}

// similarity_margin() of distances that follow each other: each pair is turned on by its frequency instead of
// asking for a cosine anew, and set right every 256 steps, so that the error stays near 256 roundings.
class MarginWalk {
 public:
  MarginWalk(uint32_t rotary_dim, double base, uint64_t first)
      : frequencies_(frequencies(rotary_dim, base)),
        cos_(frequencies_.size()),
        sin_(frequencies_.size()),
        step_cos_(frequencies_.size()),
        step_sin_(frequencies_.size()),
        distance_(first) {
    for (size_t i = 0; i < frequencies_.size(); ++i) {
      step_cos_[i] = std::cos(frequencies_[i]);
      step_sin_[i] = std::sin(frequencies_[i]);
    }
    set_right();
  }

  uint64_t distance() const { return distance_; }

  double margin() const {
    double sum = 0;
    for (const double value : cos_) sum += value;
    return sum;
  }

  void advance() {
    if (++distance_ % 256 == 0) return set_right();
    for (size_t i = 0; i < cos_.size(); ++i) {
      const double turned = cos_[i] * step_cos_[i] - sin_[i] * step_sin_[i];
      sin_[i] = sin_[i] * step_cos_[i] + cos_[i] * step_sin_[i];
      cos_[i] = turned;
    }
  }

 private:
  void set_right() {
    for (size_t i = 0; i < cos_.size(); ++i) {
      const double angle = static_cast<double>(distance_) * frequencies_[i];
      cos_[i] = std::cos(angle);
      sin_[i] = std::sin(angle);
    }
  }

  std::vector<double> frequencies_, cos_, sin_, step_cos_, step_sin_;
  uint64_t distance_;
};

// The first distance in [first, last] whose margin is negative; last + 1 when there is none.
uint64_t first_negative(uint32_t rotary_dim, double base, uint64_t first, uint64_t last) {
  MarginWalk walk(rotary_dim, base, first);
  while (walk.distance() <= last && walk.margin() >= 0) walk.advance();
  return walk.distance();
}

// The next base above `base` whose margin at `distance` is not negative, or the first above kMaxBase. By the
// logarithm of the base the margin rises no faster than its slope's bound, which falls as the base rises:
// what that leaves negative is passed over at once.
double next_allowed(uint32_t rotary_dim, double base, uint64_t distance) {
  const auto length = static_cast<double>(distance);
  while (base <= kMaxBase) {
    double margin = 0, steepest = 0;
    const std::vector<double> turning = frequencies(rotary_dim, base);
    for (size_t i = 0; i < turning.size(); ++i) {
      margin += std::cos(length * turning[i]);
      steepest += length * turning[i] * 2.0 * static_cast<double>(i) / rotary_dim;
    }
    if (margin >= 0) return base;
    base *= 1.0 + std::max(kFinestStep, -margin / steepest);
  }
  return base;
}

}  // namespace

void validate(const TrainedRope& trained) {
  if (trained.rotary_dim < 2 || trained.rotary_dim % 2 != 0 || trained.rotary_dim > kMaxDimension)
    refuse("the head dimension must be even, 2 to 65536", fmt::format("{}", trained.rotary_dim));
  check_base(trained.base);
  check_window(trained.window);
}

uint32_t critical_dimension(const TrainedRope& trained) {
  validate(trained);
  const double half = trained.rotary_dim / 2.0;
  const double turns = std::log(static_cast<double>(trained.window) / kFullTurn) / std::log(trained.base);
  return std::min(trained.rotary_dim, 2 * static_cast<uint32_t>(std::min(half, std::ceil(half * turns))));
}

double critical_base(const TrainedRope& trained, uint64_t window) {
  validate(trained);
  check_window(window);
  const double longer = std::log(static_cast<double>(window) / kFullTurn);
  return std::pow(trained.base, longer / std::log(static_cast<double>(trained.window) / kFullTurn));
}

double reach(const TrainedRope& trained, double base) {
  check_base(base);
  return kFullTurn * std::pow(base, static_cast<double>(critical_dimension(trained)) / trained.rotary_dim);
}

double reach_after_training(const TrainedRope& trained, double base, uint64_t window) {
  const double trained_on = static_cast<double>(window);
  return base > critical_base(trained, window) ? std::max(trained_on, reach(trained, base)) : trained_on;
}

std::array<double, 3> small_bases(uint64_t window) {
  const double length = static_cast<double>(window);
  return {2.0 * length / std::numbers::pi, length / std::numbers::pi, length / kFullTurn};
}

double similarity_margin(uint32_t rotary_dim, double base, uint64_t distance) {
  return MarginWalk(rotary_dim, base, distance).margin();
}

uint64_t similarity_window(uint32_t rotary_dim, double base, uint64_t most) {
  validate(TrainedRope{.rotary_dim = rotary_dim, .base = base});
  if (most > kLongestSearched)
    refuse("a window to search must be at most 2^24 tokens", fmt::format("{}", most));
  // Distance 0 has the margin rotary_dim / 2, so there is always one before the first that is negative.
  return first_negative(rotary_dim, base, 0, most) - 1;
}

// A base is ruled out by one distance at which its margin is negative. So the base rises until the distance
// that stopped it no longer does, and only then are further distances looked at; what was passed over is
// looked at again at the end, since a larger base may fail where a smaller one did not.
double lowest_base(uint32_t rotary_dim, uint64_t window, double from) {
  validate(TrainedRope{.rotary_dim = rotary_dim, .base = from});
  if (window > kLongestSearched)
    refuse("a window to search must be at most 2^24 tokens", fmt::format("{}", window));
  double base = from;
  uint64_t first = 0;
  for (;;) {
    const uint64_t stopped = first_negative(rotary_dim, base, first, window);
    if (stopped > window) {
      if (first == 0) return base;
      first = 0;
      continue;
    }
    base = next_allowed(rotary_dim, base, stopped);
    if (base > kMaxBase) {
      refuse("a base below 1e15 must have a margin up to the window",
             fmt::format("none for {} tokens and {} dimensions", window, rotary_dim));
    }
    first = stopped;
  }
}

std::optional<double> printed_lowest_base(uint64_t window) {
  for (size_t i = 0; i < kPrinted.size(); ++i) {
    if (window == uint64_t{1000} << i || window == uint64_t{1024} << i) return kPrinted[i];
  }
  return std::nullopt;
}

double decay_bound(uint32_t rotary_dim, double base, uint64_t distance) {
  const std::vector<double> turning = frequencies(rotary_dim, base);
  const auto pairs = static_cast<double>(turning.size());
  std::complex<double> partial = 0;
  double sum = 0;
  for (const double frequency : turning) {
    partial += std::polar(1.0, static_cast<double>(distance) * frequency);
    sum += std::abs(partial);
  }
  return sum / (pairs * (pairs + 1.0) / 2.0);
}

double decay_near(uint32_t rotary_dim, double base, uint64_t window) {
  validate(TrainedRope{.rotary_dim = rotary_dim, .base = base, .window = window});
  double sum = 0;
  for (int i = 0; i < kDecaySamples; ++i) {
    const uint64_t before = window / 8 * static_cast<uint64_t>(i) / kDecaySamples;
    sum += decay_bound(rotary_dim, base, window - before);
  }
  return sum / kDecaySamples;
}

}  // namespace longscroll
