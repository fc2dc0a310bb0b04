#include "train/training_state.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/checked_math.h"
#include "base/error.h"
#include "formats/atomic_directory.h"
#include "formats/atomic_file.h"
#include "formats/record_fields.h"
#include "formats/safetensors.h"
#include "formats/strict_json.h"

namespace longscroll::train {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kFormat = 1;
constexpr uint64_t kMaxProcesses = 65536;
constexpr uint64_t kMaxStateBytes = uint64_t{64} << 20;
constexpr const char* kFolder = "training";

std::string shard_name(uint64_t rank, uint64_t processes) {
  return fmt::format("shard-{:05}-of-{:05}.safetensors", rank, processes);
}

TensorToWrite floats_to_write(const char* name, std::span<const float> values) {
  return {name, DType::kF32, {values.size()}, [values](const auto& sink) { sink(std::as_bytes(values)); }};
}

void write_shard(const fs::path& path, const StateShard& shard) {
  write_safetensors(
      path, {},
      {floats_to_write("exp_avg", shard.exp_avg), floats_to_write("exp_avg_sq", shard.exp_avg_sq),
       floats_to_write("weights", shard.weights)});
}

// With the sizes of the shards: a file that was cut short, or is another run's, shows before it is read.
void write_state_json(const fs::path& folder, const TrainingState& state) {
  Json parameters = Json::array();
  for (const ParameterShape& parameter : state.parameters) {
    parameters.push_back({{"name", parameter.name}, {"shape", parameter.shape}});
  }
  Json files = Json::array();
  for (uint64_t rank = 0; rank < state.processes; ++rank) {
    const std::string name = shard_name(rank, state.processes);
    files.push_back({{"name", name}, {"bytes", fs::file_size(folder / name)}});
  }
  const Json json = {{"format", kFormat},
                     {"stage", state.stage},
                     {"step", state.step},
                     {"tokens", state.tokens},
                     {"loss_weight", state.loss_weight},
                     {"processes", state.processes},
                     {"shard", state.shard},
                     {"files", files},
                     {"recipe", state.recipe},
                     {"parameters", parameters}};
  write_file(folder / "state.json", json.dump(1) + "\n");
}

constexpr const char* kDamaged = "the checkpoint is damaged: remove it, and --resume takes the one before";

void check_files(const fs::path& folder, const RecordFields& fields, uint64_t processes) {
  const nlohmann::json& files = fields.list("files");
  const fs::path state_file = folder / "state.json";
  if (files.size() != processes) fields.fail("must name a file of each process in 'files', does not");
  for (uint64_t rank = 0; rank < processes; ++rank) {
    const RecordFields file(files[rank], state_file, "entry of 'files'", kDamaged);
    const std::string name = shard_name(rank, processes);
    if (file.text("name") != name) fields.fail(fmt::format("must name {} in its place, does not", name));
    const uint64_t bytes = file.count("bytes");
    std::error_code failure;
    const uint64_t found = fs::file_size(folder / name, failure);
    if (failure || found != bytes) {
      throw Error(ErrorKind::kFile, (folder / name).string(),
                  fmt::format("must be {} bytes long, {}", bytes,
                              failure ? failure.message() : fmt::format("has {}", found)),
                  kDamaged);
    }
  }
}

// The part of `tensor` that lies at [begin, end) of the shard, as floats.
void copy_floats(const SafetensorsFile& file, const fs::path& path, const char* name, uint64_t shard,
                 uint64_t begin, std::span<float> out) {
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.name != name) continue;
    if (tensor.dtype != DType::kF32 || tensor.shape != std::vector<uint64_t>{shard}) break;
    std::memcpy(out.data(), tensor.data.data() + begin * sizeof(float), out.size_bytes());
    return;
  }
  throw Error(ErrorKind::kFile, path.string(),
              fmt::format("must hold {} as {} floats, does not", name, shard));
}

}  // namespace

void write_checkpoint(Communicator& communicator, const CheckpointFolder& folder, const TrainingState& state,
                      const StateShard& shard, uint64_t keep,
                      const std::function<void(const fs::path&)>& save_model) {
  const fs::path path = folder.path_of(state.step);
  std::optional<AtomicDirectory> directory;
  std::string temporary;
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    directory.emplace(path);
    temporary = directory->temporary().string();
    fs::create_directory(directory->temporary() / kFolder);
  });
  communicator.broadcast(temporary);
  const fs::path training = fs::path(temporary) / kFolder;
  together(communicator, [&] {
    write_shard(training / shard_name(static_cast<uint64_t>(communicator.rank()), state.processes), shard);
  });
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    save_model(temporary);
    write_state_json(training, state);
    sync_directory(training);
    sync_directory(temporary);
    directory->commit();
    sync_directory(path.parent_path());
    folder.keep_newest(keep);
  });
}

TrainingState read_training_state(const fs::path& checkpoint) {
  const fs::path folder = checkpoint / kFolder;
  const fs::path path = folder / "state.json";
  const MappedFile file(path);
  if (file.bytes().size() > kMaxStateBytes) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be at most {} bytes, has {}", kMaxStateBytes, file.bytes().size()));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  const nlohmann::json json = parse_strict_json(text, path, "state", 8);
  const RecordFields fields(json, path, "state", kDamaged);
  if (fields.count("format") != kFormat) fields.fail(fmt::format("must be of format {}, is not", kFormat));
  TrainingState state;
  state.step = fields.count("step");
  state.tokens = fields.count("tokens");
  state.loss_weight = fields.count("loss_weight");
  state.stage = fields.text("stage");
  state.recipe = fields.text("recipe");
  state.processes = fields.count("processes");
  if (state.processes < 1 || state.processes > kMaxProcesses) {
    fields.fail(fmt::format("must have 'processes' from 1 to {}, found {}", kMaxProcesses, state.processes));
  }
  for (const nlohmann::json& parameter : fields.list("parameters")) {
    const RecordFields entry(parameter, path, "entry of 'parameters'", kDamaged);
    const std::vector<uint64_t> shape = entry.counts("shape");
    state.parameters.push_back({entry.text("name"), {shape.begin(), shape.end()}});
  }
  state.shard = fields.count("shard");
  if (state.shard != FlatLayout(state.parameters).shard_size(state.processes)) {
    fields.fail("must have the 'shard' that its parameters come to, does not");
  }
  check_files(folder, fields, state.processes);
  return state;
}

void read_state_shard(const fs::path& checkpoint, const TrainingState& state, uint64_t begin,
                      const StateShardBuffers& buffers) {
  const uint64_t count =
      std::max({buffers.weights.size(), buffers.exp_avg.size(), buffers.exp_avg_sq.size()});
  const uint64_t end = begin + count;
  for (const std::span<float> buffer : {buffers.weights, buffers.exp_avg, buffers.exp_avg_sq}) {
    std::fill(buffer.begin(), buffer.end(), 0.0f);
  }
  for (uint64_t rank = 0; rank < state.processes; ++rank) {
    const uint64_t first = std::max(begin, rank * state.shard);
    const uint64_t last = std::min(end, (rank + 1) * state.shard);
    if (first >= last) continue;
    const fs::path path = checkpoint / kFolder / shard_name(rank, state.processes);
    const SafetensorsFile file(path);
    const auto copy = [&](const char* name, std::span<float> buffer) {
      if (buffer.empty()) return;
      copy_floats(file, path, name, state.shard, first - rank * state.shard,
                  buffer.subspan(first - begin, last - first));
    };
    copy("weights", buffers.weights);
    copy("exp_avg", buffers.exp_avg);
    copy("exp_avg_sq", buffers.exp_avg_sq);
  }
}

}  // namespace longscroll::train
