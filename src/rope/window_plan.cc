#include "rope/window_plan.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr double kAgreement = 1.1;
constexpr uint64_t kMostWindows = 24;
constexpr uint64_t kLongest = uint64_t{1} << 22;  // four times as far is looked

double rounded_up(double value) {
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 1);
  return std::ceil(value / unit - 1e-9) * unit;
}

std::vector<uint64_t> shown_windows(const PlanRequest& request) {
  std::vector<uint64_t> windows = request.windows;
  if (windows.empty()) {
    for (uint64_t window = request.trained.window;
         window <= 2 * request.window && windows.size() < kMostWindows; window *= 2) {
      windows.push_back(window);
    }
  }
  windows.push_back(request.window);
  std::sort(windows.begin(), windows.end());
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  return windows;
}

std::vector<double> candidate_bases(const PlanRequest& request, double suggested) {
  std::vector<double> bases = request.bases;
  if (bases.empty()) {
    for (const double factor : {1, 4, 8, 32, 100, 1000}) bases.push_back(request.trained.base * factor);
    bases.push_back(suggested);
  }
  std::sort(bases.begin(), bases.end());
  bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
  return bases;
}

// By rising window: a longer one asks for no smaller base, so the search goes on where the last one ended.
std::vector<WindowNeeds> needs_of(const TrainedRope& trained, const std::vector<uint64_t>& windows) {
  const bool is_printed = trained.rotary_dim == 128;
  std::vector<WindowNeeds> needs;
  for (const uint64_t window : windows) {
    const double lowest = needs.empty() ? lowest_base(trained.rotary_dim, window)
                                        : lowest_base(trained.rotary_dim, window, needs.back().lowest_base);
    needs.push_back({window, critical_base(trained, window), lowest,
                     is_printed ? printed_lowest_base(window) : std::nullopt});
  }
  return needs;
}

// Of two digits, and content with the window itself: bases above the lowest may fail again.
double suggested_base(uint32_t rotary_dim, const WindowNeeds& wanted) {
  double base = rounded_up(std::max(wanted.critical_base, wanted.lowest_base));
  while (similarity_window(rotary_dim, base, wanted.window) < wanted.window) base = rounded_up(base * 1.001);
  return base;
}

BaseOutlook outlook_of(const PlanRequest& request, double base) {
  const uint32_t dim = request.trained.rotary_dim;
  return {.base = base,
          .reach = reach(request.trained, base),
          .reach_after_training = reach_after_training(request.trained, base, request.window),
          .similarity_window = similarity_window(dim, base, 4 * request.window),
          .decay = decay_near(dim, base, request.window)};
}

std::vector<std::string> findings_of(const RopePlan& plan) {
  const auto& [window, critical, lowest, printed] = plan.wanted;
  std::vector<std::string> found;
  found.push_back(fmt::format(
      "{} of {} dimensions turn fully within {} tokens; the others fail first past the window (2310.05209).",
      plan.critical_dimension, plan.trained.rotary_dim, plan.trained.window));
  found.push_back(fmt::format(
      "For {} tokens 2310.05209 asks for a base above {}, 2405.14591 for at least {}{}.", window,
      base_text(critical), base_text(lowest),
      printed ? fmt::format(" (its own table, of a coarser search, prints {})", base_text(*printed)) : ""));
  if (plan.theories_agree) {
    found.emplace_back("The two agree to within a tenth.");
  } else if (critical < lowest) {
    found.push_back(fmt::format(
        "They do not agree: between the two, the first expects a low loss over the whole window, the second "
        "that a "
        "similar token stands out only within {} tokens at {}. Perplexity cannot settle it, retrieval can.",
        similarity_window(plan.trained.rotary_dim, critical, window), base_text(critical)));
  } else {
    found.push_back(
        fmt::format("They do not agree: between the two, the second is content, the first expects a sharp "
                    "end at the {} tokens "
                    "that the model is trained on.",
                    window));
  }
  found.push_back(
      fmt::format("Base {} satisfies both. All of this is about a model that is trained on with the new "
                  "base: without training, "
                  "measure (longscroll rope map).",
                  base_text(plan.suggested)));
  return found;
}

}  // namespace

std::string base_text(double base) {
  if (base < 100) return fmt::format("{:g}", base);
  if (base < 1e5) return fmt::format("{:.0f}", base);
  const std::string text = fmt::format("{:.2e}", base);  // "1.90e+05"
  const size_t mark = text.find('e');
  std::string digits = text.substr(0, mark);
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return fmt::format("{}e{}", digits, std::stoi(text.substr(mark + 1)));
}

RopePlan plan_rope(const PlanRequest& request) {
  if (request.window > kLongest) {
    throw Error(ErrorKind::kArgument, "rope",
                fmt::format("the window wanted must be at most 2^22 tokens, found {}", request.window));
  }
  RopePlan plan;
  plan.trained = request.trained;
  plan.critical_dimension = critical_dimension(request.trained);
  plan.windows = needs_of(request.trained, shown_windows(request));
  plan.wanted = *std::ranges::find(plan.windows, request.window, &WindowNeeds::window);
  const double critical = plan.wanted.critical_base, lowest = plan.wanted.lowest_base;
  plan.suggested = suggested_base(request.trained.rotary_dim, plan.wanted);
  plan.theories_agree = std::max(critical, lowest) <= kAgreement * std::min(critical, lowest);
  for (const double base : candidate_bases(request, plan.suggested))
    plan.bases.push_back(outlook_of(request, base));
  plan.findings = findings_of(plan);
  return plan;
}

}  // namespace longscroll
