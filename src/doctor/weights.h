// Every stored value of a model, looked at once: what is no number, what is nothing, and layers unlike the
// others.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "doctor/finding.h"
#include "model/model.h"

namespace longscroll::doctor {

// Opens the model's files again. `on_progress` is told bytes. Throws Error(kFile), Error(kCancelled) once
// *cancel is set.
std::vector<Finding> examine_weights(
    const Model& model, const std::function<void(uint64_t done, uint64_t total)>& on_progress = {},
    const std::atomic<bool>* cancel = nullptr);

}  // namespace longscroll::doctor
