#include "train/step_report.h"

#include <gtest/gtest.h>

namespace longscroll::train {
namespace {

TEST(StepReport, IsAJsonObjectForPrograms) {
  const StepReport report = {.step = 120,
                             .first_pack = 15232,
                             .packs = 128,
                             .loss = 2.314,
                             .peak_share = 0.41,
                             .measures = {{"margin", 0.25}}};
  const auto json = to_json(report);
  EXPECT_EQ(json["step"], 120);
  EXPECT_EQ(json["packs"], (nlohmann::ordered_json{15232, 15360}));
  EXPECT_EQ(json["margin"], 0.25);
  EXPECT_EQ(json["peak_share"], 0.41);
}

}  // namespace
}  // namespace longscroll::train
