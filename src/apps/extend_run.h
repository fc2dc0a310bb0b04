// Carries out the stages of `longscroll extend`.
#pragma once

#include <string>
#include <vector>

#include "apps/extend_stages.h"
#include "rope/window_plan.h"

namespace longscroll {

struct EndedStage {
  ExtendStage stage;
  double seconds = 0;   // that it took when it was done
  bool before = false;  // by an earlier call
};

struct ExtendRun {
  ExtendPlan plan;
  RopePlan rope;
  std::vector<EndedStage> stages;
};

// Checks the settings against the folder's, and carries out what is not done yet; children's standard error
// is shown and kept in OUT/logs. Throws Error naming the stage that failed; Error(kCancelled) after Ctrl-C or
// SIGTERM, with all that was done kept.
ExtendRun run_extend(ExtendSettings settings);

}  // namespace longscroll
