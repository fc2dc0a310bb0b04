// How long a window a rotary base allows, as three papers have it. Pure functions, thread safe; lengths in
// tokens.
//
// 2310.05209  Scaling Laws of RoPE-based Extrapolation (equations as numbered in the authors' repository,
//             OpenLMLab/scaling-rope): what has not turned fully in training is what fails past the window.
// 2405.14591  Base of RoPE Bounds Context Length: past a distance a similar key gets no more attention than
//             a random one.
// 2104.09864  RoFormer, section 3.4.3: the bound on a product of query and key falls with the distance.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace longscroll {

// What a model was trained with, before its base is changed.
struct TrainedRope {
  uint32_t rotary_dim = 128;
  double base = 10000.0;
  uint64_t window = 4096;

  bool operator==(const TrainedRope&) const = default;
};

// Throws Error(kArgument): the dimension must be even, the base above 1 and below 1e15, the window 7 (above 2
// pi) to 2^32.
void validate(const TrainedRope& trained);

// --- 2310.05209. Each throws as validate() does.

// Dimensions that turned fully within the training window: equation 13.
uint32_t critical_dimension(const TrainedRope& trained);
// The base below which training on `window` tokens carries no further than it: equation 16a. It does not
// round the dimension as equation 13 does, and so asks for a little more than reach() needs.
double critical_base(const TrainedRope& trained, uint64_t window);
// How far `base` carries with the trained dimensions: equation 16b.
double reach(const TrainedRope& trained, double base);
// The same after training on `window` tokens with it: reach() above the critical base, else the window
// itself.
double reach_after_training(const TrainedRope& trained, double base, uint64_t window);
// Bases small enough to carry past `window`, without a sharp end: 2 T / pi, T / pi, T / 2 pi (16d).
std::array<double, 3> small_bases(uint64_t window);

// --- 2405.14591. rotary_dim is even and positive.

// Half of what a similar key's expected product is above a random one's, in units of the variance:
// equation 9.
double similarity_margin(uint32_t rotary_dim, double base, uint64_t distance);
// The longest window at all of whose distances that margin is not negative, at most `most`: equation 10.
uint64_t similarity_window(uint32_t rotary_dim, double base, uint64_t most);
// The smallest base, from `from` on, whose margin is not negative up to and with `window`: equation 11. The
// margin is no monotone function of the base: larger ones may fail again. Bases in between are ruled out by
// the margin's slope; only where that would ask for steps below 1e-5 of the base, above some 100,000 tokens,
// a narrower range could be missed. Seconds for 100,000 tokens, half a minute for a million. Throws
// Error(kArgument) when the window is above 2^24 tokens, or no base below 1e15 will do.
double lowest_base(uint32_t rotary_dim, uint64_t window, double from = 1.5);
// What the paper's table 2 prints, 1k to 1M, for 1,000 or 1,024 tokens a k, without its head dimension. Its
// authors went through some bases and noted how far each carries (they told Su Jianlin,
// kexue.fm/archives/10122, whose own finer search gives what lowest_base() does for heads of 128): where they
// passed over a narrow range of bases, the table has more than equation 11 asks for.
std::optional<double> printed_lowest_base(uint64_t window);

// --- 2104.09864.

// The mean of the partial sums' magnitudes, which bounds a product at this distance; as a share of its value
// at distance 0.
double decay_bound(uint32_t rotary_dim, double base, uint64_t distance);
// The same, averaged over 64 distances that end at `window` and lie in its last eighth: single distances
// oscillate.
double decay_near(uint32_t rotary_dim, double base, uint64_t window);

}  // namespace longscroll
