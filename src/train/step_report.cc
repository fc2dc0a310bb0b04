#include "train/step_report.h"

namespace longscroll::train {

nlohmann::ordered_json to_json(const StepReport& report) {
  nlohmann::ordered_json json = {{"step", report.step},
                                 {"packs", {report.first_pack, report.first_pack + report.packs}},
                                 {"tokens", report.tokens},
                                 {"loss", report.loss},
                                 {"learning_rate", report.learning_rate},
                                 {"gradient_norm", report.gradient_norm},
                                 {"seconds", report.seconds},
                                 {"tokens_per_second", report.tokens_per_second}};
  if (report.peak_share > 0) json["peak_share"] = report.peak_share;
  if (report.peak_memory > 0) json["peak_memory_bytes"] = report.peak_memory;
  for (const auto& [name, value] : report.measures) json[name] = value;
  return json;
}

}  // namespace longscroll::train
