#include "corpus/step_folder.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStepFile = "step.json";
constexpr const char* kFormat = "longscroll corpus step";
constexpr int kVersion = 1;

bool is_shard(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(kShardEnding) || name.ends_with(".jsonl") || name.ends_with(".jsonl.gz");
}

std::optional<Json> read_json(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  try {
    return parse_json(text);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

void write_json_file(const fs::path& path, const Json& json) {
  write_file(path, json_page(json));
}

void add_folder(const fs::path& folder, std::vector<fs::path>& found) {
  std::error_code fault;
  if (fs::exists(folder / kStepFile, fault) && !fs::exists(folder / kManifestFile, fault)) {
    throw_bad_file(folder, "must be a step that is done, found one without its manifest.json",
                   "give the command that made it again: it goes on");
  }
  std::vector<fs::path> inside;
  for (fs::directory_iterator it(folder, fault), end; !fault && it != end; it.increment(fault)) {
    if (is_shard(it->path())) inside.push_back(it->path());
  }
  if (fault) throw_bad_file(folder, fmt::format("must be readable, found: {}", fault.message()));
  if (inside.empty()) {
    throw_bad_file(folder, "must hold document shards (.jsonl.zst, .jsonl.gz, .jsonl), found none",
                   "`longscroll data import` makes them of other files");
  }
  std::sort(inside.begin(), inside.end());
  found.insert(found.end(), inside.begin(), inside.end());
}

Json inputs_to_json(const std::vector<InputFile>& inputs) {
  Json json = Json::array();
  for (const InputFile& input : inputs) json.push_back({input.path.string(), input.size});
  return json;
}

// The first setting that was another when the step was begun, for a message.
std::string difference(const Json& was, const Json& is) {
  if (field_or_null(was, "step") != is.at("step")) return "another step";
  if (field_or_null(was, "inputs") != is.at("inputs")) return "other input files";
  const Json settings = field_or_null(was, "settings");
  for (const auto& [key, value] : is.at("settings").items()) {
    const Json old = field_or_null(settings, key);
    if (old != value) return fmt::format("{} was {}, is {}", key, json_text(old), json_text(value));
  }
  return "other settings";
}

// What processes that died left behind. Only once every task is done.
void remove_temporary_files(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::recursive_directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    if (it->path().filename().string().find(".tmp-") != std::string::npos) found.push_back(it->path());
  }
  for (const fs::path& path : found) fs::remove(path, ignored);
}

}  // namespace

std::vector<InputFile> find_documents(const std::vector<fs::path>& inputs) {
  std::vector<fs::path> paths;
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    if (fs::is_directory(input, ignored)) {
      add_folder(input, paths);
    } else if (!fs::exists(input, ignored)) {
      throw_bad_file(input, "must be a document shard or a folder of them, found nothing there");
    } else {
      paths.push_back(input);
    }
  }
  std::vector<InputFile> files;
  for (fs::path& path : paths) {
    std::error_code ignored;
    const uintmax_t size = fs::file_size(path, ignored);
    files.push_back({std::move(path), ignored ? 0 : size});
  }
  return files;
}

std::vector<uint64_t> sizes_of(const std::vector<InputFile>& files) {
  std::vector<uint64_t> sizes;
  for (const InputFile& file : files) sizes.push_back(file.size);
  return sizes;
}

StepFolder::StepFolder(const StepRequest& request, const std::string& step, Json settings,
                       const std::vector<InputFile>& inputs)
    : path_(request.out), workers_(request.workers) {
  begun_ = {{"format", kFormat},
            {"version", kVersion},
            {"step", step},
            {"settings", std::move(settings)},
            {"inputs", inputs_to_json(inputs)}};
  std::error_code fault;
  if (request.replace) fs::remove_all(path_, fault);
  if (!fs::exists(path_ / kStepFile, fault)) begin();
  const std::optional<Json> was = read_json(path_ / kStepFile);
  if (!was || field_or_null(*was, "format") != kFormat) {
    throw Error(ErrorKind::kArgument, path_.string(),
                "must be a new folder or one of this step, found another", "--force replaces it");
  }
  if (*was != begun_) {
    throw Error(ErrorKind::kArgument, path_.string(),
                fmt::format("must be gone on with as it was begun, found: {}", difference(*was, begun_)),
                "--force begins anew");
  }
}

// Processes that are started together all do this: they write the same.
void StepFolder::begin() const {
  std::error_code fault;
  for (fs::directory_iterator it(path_, fault), end; !fault && it != end; it.increment(fault)) {
    const std::string name = it->path().filename().string();
    if (name == "tasks" || name == "spill" || name.starts_with(kStepFile)) continue;
    std::error_code ignored;
    if (fs::exists(path_ / kStepFile, ignored)) return;  // another process was faster, and is at work
    throw Error(ErrorKind::kArgument, path_.string(),
                fmt::format("must be a new folder or an empty one, found {} in it", shown_name(name)),
                "--force replaces it");
  }
  make_folder("tasks");
  make_folder("spill");
  write_json_file(path_ / kStepFile, begun_);
}

bool StepFolder::is_done() const {
  std::error_code ignored;
  return fs::exists(path_ / kManifestFile, ignored);
}

fs::path StepFolder::make_folder(const std::string& name) const {
  std::error_code fault;
  fs::create_directories(path_ / name, fault);
  if (fault) throw_bad_file(path_, fmt::format("must be a folder to write in, found: {}", fault.message()));
  return path_ / name;
}

fs::path StepFolder::shard(size_t task) const {
  return path_ / fmt::format("{:06}{}", task, kShardEnding);
}

fs::path StepFolder::spilled(const std::string& name) const {
  return path_ / "spill" / name;
}

std::vector<Json> StepFolder::run(const std::string& phase, const std::vector<uint64_t>& weights,
                                  const TaskList::Work& work, const data::ReadEvents& events) const {
  const TaskList tasks(path_ / "tasks", phase, weights);
  tasks.run(work, workers_, events);
  return tasks.reports();
}

Json StepFolder::finish(const StepReport& report, const Json& extra, const data::ReadEvents& events) const {
  const auto write_all = [&](size_t /*task*/) {
    const Json whole = report.to_json();
    write_json_file(path_ / "samples.json", whole.at("samples"));
    write_json_file(path_ / "faults.json", whole.at("faults").at("named"));
    Json manifest = begun_;
    manifest["in"] = whole.at("in");
    manifest["out"] = whole.at("out");
    manifest["dropped"] = whole.at("dropped");
    manifest["changes"] = whole.at("changes");
    manifest["faults"] = whole.at("faults").at("counts");
    manifest.update(extra);
    manifest["shards"] = whole.at("shards");
    std::error_code ignored;
    fs::remove_all(path_ / "spill", ignored);
    remove_temporary_files(path_);
    write_json_file(path_ / kManifestFile, manifest);
    return Json::object();
  };
  data::ReadEvents quiet;
  quiet.cancel = events.cancel;
  run("finish", {1}, write_all, quiet);
  return manifest();
}

Json StepFolder::manifest() const {
  return read_manifest(path_);
}

bool is_step(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder / kStepFile, ignored)) return false;
  const std::optional<Json> begun = read_json(folder / kStepFile);
  return begun && field_or_null(*begun, "format") == kFormat;
}

Json read_manifest(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / kManifestFile, ignored)) {
    throw_bad_file(folder, "must be the folder of a step that is done, found no manifest.json");
  }
  std::optional<Json> manifest = read_json(folder / kManifestFile);
  if (!manifest || field_or_null(*manifest, "format") != kFormat) {
    throw_bad_file(folder / kManifestFile, "must be the manifest of a step, found something else");
  }
  return std::move(*manifest);
}

StepReport merged(const std::vector<Json>& reports) {
  StepReport sum;
  for (const Json& report : reports) sum.merge(StepReport::from_json(report));
  return sum;
}

}  // namespace longscroll::corpus
