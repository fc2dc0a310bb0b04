// rope plan: which base a window asks for, as the papers have it.
#include <fmt/format.h>

#include "apps/rope_commands.h"
#include "console/terminal.h"
#include "formats/atomic_file.h"
#include "report/charts.h"
#include "rope/window_plan.h"

namespace longscroll {
namespace {

struct PlanOptions {
  std::string model;
  uint32_t head_dim = 0;  // 0 here and below: the model's, else the default
  uint64_t train_window = 0;
  double train_base = 0;
  PlanRequest request;
  std::string svg;
  bool json = false;
};

TrainedRope trained_rope(const PlanOptions& options) {
  TrainedRope trained;
  if (!options.model.empty()) trained = trained_rope_of(options.model);
  if (options.head_dim > 0) trained.rotary_dim = options.head_dim;
  if (options.train_window > 0) trained.window = options.train_window;
  if (options.train_base > 0) trained.base = options.train_base;
  return trained;
}

std::string tokens_text(double tokens) {
  return format_count(static_cast<uint64_t>(tokens));
}

std::string plan_as_text(const RopePlan& plan) {
  const TrainedRope& trained = plan.trained;
  std::string text = fmt::format("trained: base {}, {} dimensions, {} tokens; wanted: {} tokens\n\n",
                                 base_text(trained.base), trained.rotary_dim, format_count(trained.window),
                                 format_count(plan.wanted.window));
  text += fmt::format("{:<12}{:>16}{:>16}{:>16}\n{:<12}{:>16}{:>16}{:>16}\n", "window", "critical base",
                      "lowest base", "as printed", "", "2310.05209", "2405.14591", "its table 2");
  for (const WindowNeeds& needs : plan.windows) {
    text += fmt::format("{:<12}{:>16}{:>16}{:>16}\n", format_count(needs.window),
                        base_text(needs.critical_base), base_text(needs.lowest_base),
                        needs.printed_lowest_base ? base_text(*needs.printed_lowest_base) : "");
  }
  text += fmt::format("\n{:<12}{:>16}{:>16}{:>16}{:>16}\n{:<12}{:>16}{:>16}{:>16}{:>16}\n", "base",
                      "carries to", "trained on", "similar seen", "product left", "", "2310.05209",
                      format_count(plan.wanted.window), "2405.14591", "2104.09864");
  for (const BaseOutlook& outlook : plan.bases) {
    const bool more = outlook.similarity_window >= 4 * plan.wanted.window;
    text += fmt::format("{:<12}{:>16}{:>16}{:>16}{:>15.1f}%\n", base_text(outlook.base),
                        tokens_text(outlook.reach), tokens_text(outlook.reach_after_training),
                        (more ? ">= " : "") + format_count(outlook.similarity_window), 100 * outlook.decay);
  }
  text += "\n";
  for (const std::string& finding : plan.findings) text += finding + "\n";
  return text;
}

Json needs_to_json(const WindowNeeds& needs) {
  return {
      {"window", needs.window},
      {"critical_base", needs.critical_base},
      {"lowest_base", needs.lowest_base},
      {"printed_lowest_base", needs.printed_lowest_base ? Json(*needs.printed_lowest_base) : Json(nullptr)}};
}

Json plan_to_json(const RopePlan& plan) {
  Json json = {
      {"trained",
       {{"head_dim", plan.trained.rotary_dim}, {"base", plan.trained.base}, {"window", plan.trained.window}}},
      {"window", plan.wanted.window},
      {"critical_dimension", plan.critical_dimension},
      {"small_bases", small_bases(plan.wanted.window)},
      {"windows", Json::array()},
      {"bases", Json::array()},
      {"theories_agree", plan.theories_agree},
      {"suggested", plan.suggested},
      {"findings", plan.findings}};
  for (const WindowNeeds& needs : plan.windows) json["windows"].push_back(needs_to_json(needs));
  for (const BaseOutlook& outlook : plan.bases) {
    json["bases"].push_back({{"base", outlook.base},
                             {"reach", outlook.reach},
                             {"reach_after_training", outlook.reach_after_training},
                             {"similarity_window", outlook.similarity_window},
                             {"decay", outlook.decay}});
  }
  return json;
}

std::string plan_as_svg(const RopePlan& plan) {
  std::vector<report::Curve> curves = {
      {"2310.05209: critical base", {}}, {"2405.14591: lowest base", {}}, {"Satisfies both", {}}};
  for (const WindowNeeds& needs : plan.windows) {
    const auto window = static_cast<double>(needs.window);
    curves[0].points.emplace_back(window, needs.critical_base);
    curves[1].points.emplace_back(window, needs.lowest_base);
  }
  curves[2].points.emplace_back(static_cast<double>(plan.wanted.window), plan.suggested);
  return report::curve_chart("The base that a window asks for", curves, "Window, tokens", "Rotary base",
                             report::Scale::kLog)
      .document();
}

int rope_plan(PlanOptions options) {
  options.request.trained = trained_rope(options);
  const RopePlan plan = plan_rope(options.request);
  if (!options.svg.empty()) {
    write_file(options.svg, plan_as_svg(plan));
  }
  options.json ? write_json(plan_to_json(plan)) : write_out(plan_as_text(plan));
  return 0;
}

}  // namespace

TrainedRope trained_rope_of(const std::string& model) {
  ModelOptions named;
  named.model = model;
  const std::shared_ptr<const Model> opened = open_model(named, false, Packing::kMeasure);
  const RopeConfig& rope = opened->config.rope;
  const uint32_t window =
      rope.original_max_position > 0 ? rope.original_max_position : opened->config.max_position;
  return {.rotary_dim = rope.rotary_dim, .base = rope.base, .window = window};
}

void add_rope_plan(CLI::App& rope, Action& action) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command = rope.add_subcommand("plan", "Which base a window asks for, as three papers have it");
  command->add_option("--model", options->model, "Take what was trained from a model; the options below win");
  command->add_option("--head-dim", options->head_dim, "Dimensions that are rotated (default: 128)")
      ->check(CLI::PositiveNumber);
  command->add_option("--train-window", options->train_window, "Tokens it was trained on (default: 4096)")
      ->check(CLI::PositiveNumber);
  command->add_option("--train-base", options->train_base, "Base it was trained with (default: 10000)")
      ->check(CLI::PositiveNumber);
  command->add_option("--window", options->request.window, "Tokens wanted")
      ->required()
      ->check(CLI::PositiveNumber);
  command
      ->add_option(
          "--bases", options->request.bases,
          "Bases to show (default: 1, 4, 8, 32, 100, 1000 times the trained one, and what is suggested)")
      ->delimiter(',');
  command->add_option("--windows", options->request.windows, "Windows to show besides (default: doublings)")
      ->delimiter(',');
  command->add_option("--svg", options->svg, "Also as a picture: the base by the window");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  command->footer(
      "carries to: trained on with texts of the old length. trained on: with texts of the wanted length. "
      "similar\n"
      "seen: up to there a similar token gets more attention than a random one. product left: the bound on a "
      "product\n"
      "of query and key near the wanted window, of what it is for a neighbour.\n\n"
      "Example:\n  longscroll rope plan --head-dim 128 --train-window 4096 --window 32768 --svg base.svg");
  command->callback([&action, options] { action = [options] { return rope_plan(*options); }; });
}

}  // namespace longscroll
