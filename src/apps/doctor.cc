// doctor: what is wrong with a model, by its files and by what it makes of a text.
#include <optional>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/text_ids.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"
#include "doctor/files.h"
#include "doctor/measure.h"
#include "doctor/weights.h"
#include "model/weight_type.h"

namespace longscroll {
namespace {

struct DoctorOptions {
  ModelOptions model;
  std::string file;
  std::string ids_file;
  size_t longest = 0;
  bool json = false;
};

std::vector<doctor::Finding> examine(const Model& model) {
  std::vector<doctor::Finding> findings = doctor::examine_files(model);
  ProgressBar bar("Looking at weights", "bytes");
  const auto weights = doctor::examine_weights(
      model, [&bar](uint64_t done, uint64_t total) { bar.update(done, total); }, &interrupted());
  findings.insert(findings.end(), weights.begin(), weights.end());
  return findings;
}

std::optional<doctor::Measurements> measure_text(const DoctorOptions& options,
                                                 const std::shared_ptr<const Model>& model) {
  if (options.file.empty() && options.ids_file.empty()) return std::nullopt;
  ProgressBar bar("Measuring");
  doctor::MeasureRequest request;
  request.model = model;
  request.session = session_options(options.model, *model, 0);
  request.text = options.file.empty() ? ids_of_ids_file(options.ids_file, *model, 0)
                                      : ids_of_text_file(options.file, *model, 0);
  request.longest = options.longest;
  request.cancel = &interrupted();
  request.on_progress = [&bar](const std::string& what, size_t done, size_t total) {
    bar.relabel(what);
    bar.update(done, total);
  };
  return doctor::measure(request);
}

std::string findings_as_text(const std::vector<doctor::Finding>& findings) {
  std::string text;
  for (const doctor::Finding& finding : findings) {
    text += fmt::format("{:<11} {:<15} {}\n", to_string(finding.severity), finding.check,
                        printable(finding.text));
    if (!finding.advice.empty()) text += fmt::format("{:<27} {}\n", "", finding.advice);
  }
  return text.empty() ? "nothing found\n" : text;
}

std::string measurements_as_text(const doctor::Measurements& measured, const Model& model, KvType kv) {
  std::string text = fmt::format("\n{:.3f} nats a token as the files say (chance: {:.3f})\n", measured.nats,
                                 measured.chance);
  for (const doctor::Reading& reading : measured.readings)
    text += fmt::format("{:.3f} with {}\n", reading.nats, reading.name);
  text += fmt::format("{:.5f} nats between {} and f32 keys and values (KL)\n\n{:>10}{:>12}\n",
                      measured.kv_divergence, kv_type_name(kv), "context", "nats");
  for (const doctor::PositionLoss& loss : measured.positions)
    text += fmt::format("{:>10}{:>12.3f}\n", format_count(loss.up_to), loss.nats);
  if (!measured.needles.empty()) text += fmt::format("\n{:>10}{:>12}\n", "needles in", "found");
  for (const doctor::NeedleScore& score : measured.needles) {
    text += fmt::format("{:>10}{:>12}\n", format_count(score.length),
                        fmt::format("{} of {}", score.found, score.asked));
  }
  const bool ended = measured.working_window < measured.length;
  text += fmt::format("\nWith {} weights and {} keys and values it works {} {} tokens; its files say {}.\n",
                      most_common_type(model), kv_type_name(kv), ended ? "within" : "at least to",
                      format_count(measured.working_window), format_count(model.config.max_position));
  return text;
}

Json measurements_to_json(const doctor::Measurements& measured) {
  Json json = {{"nll", measured.nats},
               {"chance", measured.chance},
               {"readings", Json::array()},
               {"kv_divergence", measured.kv_divergence},
               {"length", measured.length},
               {"positions", Json::array()},
               {"working_window", measured.working_window},
               {"needles", Json::array()}};
  for (const doctor::Reading& reading : measured.readings)
    json["readings"].push_back({{"check", reading.check}, {"name", reading.name}, {"nll", reading.nats}});
  for (const doctor::PositionLoss& loss : measured.positions)
    json["positions"].push_back({{"up_to", loss.up_to}, {"counted", loss.tokens}, {"nll", loss.nats}});
  for (const doctor::NeedleScore& score : measured.needles)
    json["needles"].push_back({{"length", score.length}, {"asked", score.asked}, {"found", score.found}});
  return json;
}

Json findings_to_json(const std::vector<doctor::Finding>& findings) {
  Json json = Json::array();
  for (const doctor::Finding& finding : findings) {
    json.push_back({{"check", finding.check},
                    {"severity", to_string(finding.severity)},
                    {"text", finding.text},
                    {"advice", finding.advice}});
  }
  return json;
}

int run_doctor(const DoctorOptions& options) {
  const std::shared_ptr<const Model> model = open_model(options.model, !options.file.empty());
  const KvType kv = session_options(options.model, *model, 0).kv_type;
  std::vector<doctor::Finding> findings = examine(*model);
  const std::optional<doctor::Measurements> measured = measure_text(options, model);
  if (measured) {
    const std::vector<doctor::Finding> judged = doctor::judge(*measured, *model, kv);
    findings.insert(findings.end(), judged.begin(), judged.end());
  } else {
    write_remarks({"give a text to measure with: only the files were looked at"});
  }
  if (options.json) {
    Json json = describe_run(options.model, *model);
    json["findings"] = findings_to_json(findings);
    json["measured"] = measured ? measurements_to_json(*measured) : Json(nullptr);
    json["remarks"] = model->remarks;
    write_json(json);
  } else {
    write_out(findings_as_text(findings) + (measured ? measurements_as_text(*measured, *model, kv) : ""));
  }
  return 0;
}

}  // namespace

void add_doctor_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command =
      program.add_subcommand("doctor", "What is wrong with a model, and how far it really reads");
  add_model_argument(*command, options->model);
  CLI::Option* file =
      command->add_option("FILE", options->file, "A text to measure with, best longer than the window");
  command->add_option("--ids-file", options->ids_file, "Ids instead of a text")->excludes(file);
  command->add_option("--max-length", options->longest, "Longest window to read (default: the model's)")
      ->check(CLI::Range(size_t{64}, size_t{1} << 30));
  command->add_flag("--json", options->json, "One JSON object on standard output");
  add_compute_options(*command, options->model);
  command->footer(
      "A fault contradicts the files or the measurements; what is suspicious may be meant so. The text "
      "should be like\n"
      "what the model was trained on, in its language. Exit code 0 whatever is found.\n\n"
      "Example:\n  longscroll doctor qwen2.5-coder-0.5b book.txt --max-length 32768 --kv q8");
  command->callback([&action, options] { action = [options] { return run_doctor(*options); }; });
}

}  // namespace longscroll
