// A window extended without training: what `--rope` says, and what it makes of a model's own rotation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rope/rope.h"

namespace longscroll {

struct RopeExtension {
  RopeScaling scaling = RopeScaling::kNone;  // kNone with a base: the model's own; without: none
  double factor = 1.0;                       // of the window that was trained
  std::optional<double> base = {};           // instead of a scaling
  bool keep_cached = false;                  // of kDynamicNtk

  bool operator==(const RopeExtension&) const = default;
};

// The forms: "dynamic-ntk:F", "dynamic-ntk-cached:F" (cached keys stay as they were turned), "ntk:F",
// "linear:F", "yarn:F" with F from 1 to 1024, "base:B" with B above 1, "none".
inline constexpr std::string_view kRopeExtensionForms =
    "dynamic-ntk:F, dynamic-ntk-cached:F, ntk:F, linear:F, yarn:F, base:B or none";

// Throws Error(kArgument) naming `where` and the forms.
RopeExtension parse_rope_extension(std::string_view text, const std::string& where);
std::string to_string(const RopeExtension& extension);

struct ExtendedRope {
  RopeConfig rope;
  uint64_t window = 0;  // the factor times what was trained; as before where only the base changes
  std::vector<std::string> remarks;  // what of the model's own was set aside
};

// A scaling takes the place of the model's own; a base keeps it. `window` is the model's, and counts as
// trained where its scaling names no other. Throws Error(kArgument) as rope's validate() does.
ExtendedRope extend_rope(const RopeConfig& own, uint64_t window, const RopeExtension& extension);

}  // namespace longscroll
