// The folder that a step fills: begun with what it is made of, gone on with after any end, done when it has a
// manifest (docs/corpus.md, "A step's folder").
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "corpus/step_report.h"
#include "corpus/task_list.h"
#include "corpus/text_document.h"
#include "formats/settings.h"

namespace longscroll::corpus {

inline constexpr const char* kShardEnding = ".jsonl.zst";
inline constexpr const char* kManifestFile = "manifest.json";

struct StepRequest {
  std::vector<std::filesystem::path> inputs;  // files, and folders of them
  std::filesystem::path out;                  // the step's folder; what is in it is gone on with
  bool replace = false;                       // what lies at `out`, by this process alone
  int workers = 1;                            // tasks at a time, in this process
};

// A file as it was named when the step began.
struct InputFile {
  std::filesystem::path path;
  uint64_t size = 0;  // bytes on disk
};

// Document shards in the order in which steps take them: of a folder by name. Throws Error(kFile) when a path
// is missing, a folder holds none, or a step that writes it is not done.
std::vector<InputFile> find_documents(const std::vector<std::filesystem::path>& inputs);
std::vector<uint64_t> sizes_of(const std::vector<InputFile>& files);

// A step's settings for its record. By value: the places of fields_of() are of settings that can be changed.
template <typename Settings>
Json describe_settings(Settings settings) {
  return settings_to_json({"", "", fields_of(settings), {}});
}

class StepFolder {
 public:
  // `settings`: everything that decides about the output. Throws Error(kArgument) when `out` holds something
  // else than this step with these settings and inputs; Error(kFile) when it cannot be made.
  StepFolder(const StepRequest& request, const std::string& step, Json settings,
             const std::vector<InputFile>& inputs);

  bool is_done() const;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path shard(size_t task) const;                // "000007.jsonl.zst"
  std::filesystem::path spilled(const std::string& name) const;  // in the folder spill/
  // A folder of the step's own inside, made. Throws Error(kFile).
  std::filesystem::path make_folder(const std::string& name) const;

  // The tasks of a phase, weighed; all done when it returns. The reports, in their order.
  std::vector<Json> run(const std::string& phase, const std::vector<uint64_t>& weights,
                        const TaskList::Work& work, const data::ReadEvents& events) const;

  // Writes samples, faults and, last, the manifest; takes away what was spilled. `extra`: fields of the
  // manifest that are the step's own. The manifest.
  Json finish(const StepReport& report, const Json& extra, const data::ReadEvents& events) const;

  // Throws Error(kFile) unless the step is done.
  Json manifest() const;

 private:
  void begin() const;

  std::filesystem::path path_;
  Json begun_;  // step.json
  int workers_;
};

// Whether the folder is a step's, done or not.
bool is_step(const std::filesystem::path& folder);

// A step's manifest. Throws Error(kFile): the folder has none, or something else under its name.
Json read_manifest(const std::filesystem::path& folder);

// The sum of the reports of a phase whose tasks report as StepReport does.
StepReport merged(const std::vector<Json>& reports);

}  // namespace longscroll::corpus
