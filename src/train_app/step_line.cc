#include "train_app/step_line.h"

#include <fmt/format.h>

#include "console/terminal.h"

namespace longscroll::train {
namespace {

std::string rate_text(double rate) {
  if (rate < 1000) return fmt::format("{:.0f} tok/s", rate);
  return fmt::format("{:.{}f}k tok/s", rate / 1000, rate < 100000 ? 1 : 0);
}

}  // namespace

std::string step_line(const StepReport& report) {
  std::string line = fmt::format("step {}/{}  {} left  loss {:.4f}", report.step, report.total_steps,
                                 format_duration(report.seconds_left), report.loss);
  for (const auto& [name, value] : report.measures) line += fmt::format("  {} {:.3f}", name, value);
  line += fmt::format("  norm {:.3g}  lr {:.2e}  {}", report.gradient_norm, report.learning_rate,
                      rate_text(report.tokens_per_second));
  if (report.peak_share > 0) line += fmt::format("  {:.0f}% of peak", 100 * report.peak_share);
  return line;
}

}  // namespace longscroll::train
