// Which base a window asks for: what the papers of window_theory.h say of candidate bases, side by side, and
// where they disagree. They speak of a model that is trained on with the new base; of one that is not, they
// say nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rope/window_theory.h"

namespace longscroll {

struct PlanRequest {
  TrainedRope trained = {};
  uint64_t window = 0;             // wanted, tokens; 7 to 2^22
  std::vector<double> bases = {};  // candidates; empty: multiples of the trained base
  // To show besides; empty: doublings from the trained window to twice the wanted one.
  std::vector<uint64_t> windows = {};
};

struct WindowNeeds {
  uint64_t window = 0;
  double critical_base = 0;                   // 2310.05209
  double lowest_base = 0;                     // 2405.14591, computed
  std::optional<double> printed_lowest_base;  // the paper's own table, for heads of 128
};

struct BaseOutlook {
  double base = 0;
  double reach = 0;                 // 2310.05209, trained on with texts of the old length
  double reach_after_training = 0;  // with texts of the wanted length
  uint64_t similarity_window = 0;   // 2405.14591, at most four times the wanted window
  double decay = 0;                 // 2104.09864, near the wanted window; 1 at distance 0
};

struct RopePlan {
  TrainedRope trained;
  WindowNeeds wanted;
  uint32_t critical_dimension = 0;
  std::vector<WindowNeeds> windows;   // by rising window, the wanted one among them
  std::vector<BaseOutlook> bases;     // by rising base
  double suggested = 0;               // satisfies both; of two digits
  bool theories_agree = false;        // to within a tenth
  std::vector<std::string> findings;  // sentences for people
};

// Throws Error(kArgument) as the theory's functions do. As slow as lowest_base() of the longest window.
RopePlan plan_rope(const PlanRequest& request);

// "1.92e5"; "10000" and "652" below 100,000.
std::string base_text(double base);

}  // namespace longscroll
