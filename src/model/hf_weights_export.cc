#include <map>
#include <utility>

#include <fmt/format.h>

#include "formats/atomic_file.h"
#include "formats/safetensors.h"
#include "model/hf_export.h"
#include "model/tensor_export.h"

namespace longscroll {

std::vector<std::string> write_hf_weights(const std::filesystem::path& directory,
                                          std::vector<TensorToWrite> tensors, uint64_t shard_bytes) {
  std::vector<std::vector<TensorToWrite>> shards(1);
  uint64_t total = 0, in_shard = 0;
  for (TensorToWrite& tensor : tensors) {
    const uint64_t bytes = bytes_of(tensor);
    if (in_shard > 0 && in_shard + bytes > shard_bytes) {
      shards.emplace_back();
      in_shard = 0;
    }
    in_shard += bytes;
    total += bytes;
    shards.back().push_back(std::move(tensor));
  }
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (shards.size() == 1) {
    write_safetensors(directory / "model.safetensors", metadata, shards.front());
    return {"model.safetensors"};
  }
  std::vector<std::string> files;
  nlohmann::ordered_json index = {{"metadata", {{"total_size", total}}}};
  for (size_t i = 0; i < shards.size(); ++i) {
    files.push_back(fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size()));
    for (const TensorToWrite& tensor : shards[i]) index["weight_map"][tensor.name] = files.back();
    write_safetensors(directory / files.back(), metadata, shards[i]);
  }
  files.emplace_back("model.safetensors.index.json");
  write_file(directory / files.back(), index.dump(2) + "\n");
  return files;
}

}  // namespace longscroll
