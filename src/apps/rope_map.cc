// rope map: perplexity over rotation and context length, measured.
#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "apps/rope_commands.h"
#include "apps/rope_map_file.h"
#include "apps/rope_map_run.h"
#include "apps/text_ids.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/terminal.h"
#include "eval/engine_model.h"
#include "report/page_files.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

struct MapOptions {
  ModelOptions model;
  std::vector<std::string> files, ids_files;
  std::vector<std::string> bases, scalings;
  std::vector<uint64_t> lengths;
  size_t stride = 0;
  size_t max_tokens = 0;
  std::string out;
  bool resume = false;
  bool json = false;
};

MapPlan plan_of(const MapOptions& options) {
  MapPlan plan;
  plan.model = open_model(options.model, !options.files.empty());
  plan.methods = map_methods(options.bases, options.scalings, *plan.model);
  plan.lengths = options.lengths;
  std::sort(plan.lengths.begin(), plan.lengths.end());
  plan.lengths.erase(std::unique(plan.lengths.begin(), plan.lengths.end()), plan.lengths.end());
  plan.stride = options.stride;
  for (const std::string& file : options.files)
    plan.texts.push_back({file, ids_of_text_file(file, *plan.model, options.max_tokens)});
  for (const std::string& file : options.ids_files)
    plan.texts.push_back({file, ids_of_ids_file(file, *plan.model, options.max_tokens)});
  return plan;
}

report::RopeMap empty_map(const MapOptions& options, const MapPlan& plan) {
  report::RopeMap map;
  map.title = fmt::format("How far {} reads", fs::path(options.model.model).filename().string());
  for (const MapMethod& method : plan.methods) map.methods.push_back(method.name);
  map.lengths = plan.lengths;
  return map;
}

std::string map_as_text(const report::RopeMap& map) {
  size_t width = 8;
  for (const std::string& method : map.methods) width = std::max(width, method.size());
  std::string text = fmt::format("{:<{}}", "", width);
  for (const uint64_t length : map.lengths) text += fmt::format("{:>14}", format_count(length));
  text += "\n";
  for (const std::string& method : map.methods) {
    text += fmt::format("{:<{}}", method, width);
    for (const uint64_t length : map.lengths) {
      const report::RopeMapCell* cell = map.cell(method, length);
      text +=
          cell == nullptr ? fmt::format("{:>14}", "-") : fmt::format("{:>14.4f}", cell->counted.perplexity());
    }
    text += "\n";
  }
  return text;
}

void check_out(const MapOptions& options) {
  if (options.out.empty() || options.resume || !fs::exists(options.out) || fs::is_empty(options.out)) return;
  throw Error(ErrorKind::kArgument, options.out, "must be a new folder, found one that is there",
              "go on with its map by --resume, or take another folder");
}

class MapFolder {
 public:
  MapFolder(const std::string& out, Json described) : described_(std::move(described)) {
    if (!out.empty()) files_.emplace(out);
  }

  // With what is measured so far; the pictures too when all is.
  void write(const report::RopeMap& map, const std::vector<std::string>& remarks, bool finished) {
    if (!files_) return;
    files_->write(kMapFile,
                  with_cells(map, remarks).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
    if (finished) files_->write(report::rope_map_page(map, remarks));
  }

  Json with_cells(const report::RopeMap& map, const std::vector<std::string>& remarks) const {
    Json json = described_;
    json["cells"] = describe_cells(map);
    json["remarks"] = remarks;
    return json;
  }

 private:
  Json described_;
  std::optional<report::PageFiles> files_;
};

void measure(const MapOptions& options, const MapPlan& plan, const std::vector<std::string>& remarks,
             MapFolder& folder, report::RopeMap& map) {
  try {
    measure_map(plan, options.model, map, [&] { folder.write(map, remarks, false); });
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCancelled || options.out.empty()) throw;
    throw Error(error.kind(), error.where(), "stopped",
                fmt::format("{} of {} cells are in {}; the same command with --resume goes on",
                            map.cells.size(), map.methods.size() * map.lengths.size(), options.out));
  }
}

int rope_map(const MapOptions& options) {
  check_out(options);
  const MapPlan plan = plan_of(options);
  const std::vector<std::string> remarks = check_map(plan);
  write_remarks(remarks);
  const std::string sha256 = options.out.empty() ? "" : hash_model(plan.model->path, &interrupted());
  throw_if_interrupted();
  const Json described = describe_map(plan, options.model, sha256);
  report::RopeMap map = empty_map(options, plan);
  if (options.resume) take_cells(fs::path(options.out) / kMapFile, described, map);
  MapFolder folder(options.out, described);
  measure(options, plan, remarks, folder, map);
  folder.write(map, remarks, true);
  options.json ? write_json(folder.with_cells(map, remarks)) : write_out(map_as_text(map));
  return 0;
}

}  // namespace

void add_rope_map(CLI::App& rope, Action& action) {
  auto options = std::make_shared<MapOptions>();
  CLI::App* command = rope.add_subcommand("map", "Perplexity over rotation and context length, measured");
  add_model_argument(*command, options->model);
  command->add_option("FILE", options->files, "Texts longer than the longest length");
  command->add_option("--ids-file", options->ids_files, "Ids instead of a text (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--bases", options->bases, "Rotary bases, or factors of the model's own: 500000,x4,x32")
      ->delimiter(',');
  command->add_option("--scaling", options->scalings, "Rotations as --rope has them: yarn:4,dynamic-ntk:8")
      ->delimiter(',');
  command->add_option("--lengths", options->lengths, "Tokens that a window reads: 2048,8192,16384")
      ->delimiter(',')
      ->required()
      ->check(CLI::Range(uint64_t{2}, uint64_t{1} << 30));
  command->add_option("--stride", options->stride, "Tokens between windows (default: half of each length)")
      ->check(CLI::PositiveNumber);
  command->add_option("--max-tokens", options->max_tokens, "Only the first N tokens of each text");
  CLI::Option* out = command->add_option(
      "--out", options->out, "Folder for map.json, index.html and the figures; filled cell by cell");
  command->add_flag("--resume", options->resume, "Go on with the map in --out")->needs(out);
  command->add_flag("--json", options->json, "One JSON object on standard output");
  add_arithmetic_options(*command, options->model);
  command->footer(
      "The model as it is comes first. Each token of a text counts once, as in `longscroll perplexity` with "
      "the same\n"
      "--ctx and --stride. Nothing is trained: this is what a changed rotation gives by itself.\n\n"
      "Example:\n  longscroll rope map smollm2-135m book.txt --bases x4,x32 --scaling yarn:4,dynamic-ntk:4 "
      "--lengths\n"
      "  4096,8192,16384 --out map");
  command->callback([&action, options] {
    if (options->files.empty() && options->ids_files.empty()) throw CLI::RequiredError("FILE or --ids-file");
    action = [options] { return rope_map(*options); };
  });
}

}  // namespace longscroll
