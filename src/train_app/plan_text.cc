#include "train_app/plan_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "console/terminal.h"

namespace longscroll::train {
namespace {

std::string bytes_text(double bytes) {
  return format_bytes(static_cast<uint64_t>(bytes));
}

std::string rate(double operations) {
  if (operations >= 1e15) return fmt::format("{:.2f} PFLOP", operations / 1e15);
  if (operations >= 1e12) return fmt::format("{:.2f} TFLOP", operations / 1e12);
  return fmt::format("{:.1f} GFLOP", operations / 1e9);
}

std::string memory_text(const Forecast& plan, const Machine& machine) {
  std::string text = fmt::format("memory of each of {} process{} at the peak\n", machine.processes,
                                 machine.processes == 1 ? "" : "es");
  for (const MemoryItem& item : plan.memory)
    text += fmt::format("  {:<32} {:>12}\n", item.name, bytes_text(item.bytes));
  text += fmt::format("  {:<32} {:>12}   of {} on {}\n", "together", bytes_text(plan.peak_bytes),
                      bytes_text(machine.memory_bytes), machine.name);
  return text;
}

}  // namespace

std::string plan_text(const Forecast& plan, const Machine& machine, const Recipe& recipe,
                      const PackShape& shape, uint64_t measured) {
  std::string text =
      fmt::format("{:.1f} M parameters, {:.1f} M of them learn\n", plan.parameters / 1e6, plan.trained / 1e6);
  text += fmt::format("a step: {} packs of {} positions, {} tokens\n", packs_per_batch(recipe),
                      recipe.data.sequence_length, recipe.batch.tokens);
  if (measured > 0) {
    text += fmt::format(
        "documents as in the first {} packs: mean {:.0f}, weighted by tokens {:.0f}, longest {:.0f}\n",
        measured, shape.tokens > 0 ? shape.tokens / std::max(1.0, shape.documents) : 0,
        shape.tokens > 0 ? shape.squared / shape.tokens : 0, shape.longest);
  } else {
    text += "documents: one fills each pack, which is what costs most\n";
  }
  text += "\n" + memory_text(plan, machine);
  text += fmt::format("\ntime, at {:.0f}% of {}/s a process\n", 100 * machine.expected_share,
                      rate(machine.matmul_rate));
  text += fmt::format("  a step    {} ({}; {} with what is computed twice), {:.0f} tokens/s\n",
                      format_duration(plan.step_seconds), rate(plan.step.usual), rate(plan.step.computed),
                      plan.tokens_per_second);
  text += fmt::format("  the run   {} steps, {}\n", plan.steps, format_duration(plan.run_seconds));
  text += fmt::format("\non disk: {} a checkpoint, {} with run.keep = {} and the one being written\n",
                      bytes_text(plan.checkpoint_bytes),
                      bytes_text(plan.checkpoint_bytes * static_cast<double>(recipe.run.keep + 1)),
                      recipe.run.keep);
  return text;
}

}  // namespace longscroll::train
