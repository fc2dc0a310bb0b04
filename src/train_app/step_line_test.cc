#include "train_app/step_line.h"

#include <gtest/gtest.h>

namespace longscroll::train {
namespace {

TEST(StepLine, HasWhatIsNeededFirst) {
  StepReport report = {.step = 120,
                       .total_steps = 2385,
                       .first_pack = 15232,
                       .packs = 128,
                       .tokens = 503316480,
                       .loss = 2.314,
                       .learning_rate = 9.8e-6,
                       .gradient_norm = 0.82,
                       .seconds = 5.5,
                       .tokens_per_second = 1234,
                       .peak_share = 0.41,
                       .seconds_left = 7800,
                       .measures = {}};
  EXPECT_EQ(step_line(report),
            "step 120/2385  2 h 10 min left  loss 2.3140  norm 0.82  lr 9.80e-06  1.2k tok/s  41% of peak");
  report.peak_share = 0;
  report.measures = {{"margin", 0.25}};
  EXPECT_EQ(step_line(report),
            "step 120/2385  2 h 10 min left  loss 2.3140  margin 0.250  norm 0.82  lr 9.80e-06  1.2k tok/s");
}

}  // namespace
}  // namespace longscroll::train
