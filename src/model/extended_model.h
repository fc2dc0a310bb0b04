// A loaded model read otherwise than its files say, over the same weights: within another window, without
// training.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "model/model.h"
#include "rope/rope_extension.h"

namespace longscroll {

// Shares the weights of `model` and keeps it alive. `window`: positions that the result allows; 0: what the
// extension gives, or as before. Layers with a sliding window keep their rotation. What was changed is a
// remark. Throws Error(kArgument) for an extension that cannot be, Error(kFile) naming the model for a window
// that it cannot have.
std::shared_ptr<const Model> extend_model(std::shared_ptr<const Model> model,
                                          const std::optional<RopeExtension>& extension, uint64_t window = 0);

// The same with any change: of the configuration, of which matrix is the head, ….
std::shared_ptr<const Model> altered_model(std::shared_ptr<const Model> model,
                                           const std::function<void(Model&)>& change);

}  // namespace longscroll
