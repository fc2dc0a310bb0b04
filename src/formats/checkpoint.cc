#include "formats/checkpoint.h"

#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "formats/file_faults.h"
#include "formats/strict_json.h"

namespace longscroll {
namespace {

constexpr uint64_t kMaxIndexBytes = 100'000'000;
constexpr int kMaxIndexDepth = 8;  // "metadata" is free-form

using WeightMap = std::map<std::string, std::string>;  // tensor: shard

bool file_exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// A shard is a file beside its index: a name from outside must not lead elsewhere.
void check_shard_name(const std::string& name, const std::filesystem::path& index) {
  const bool special = name.empty() || name == "." || name == "..";
  if (special || name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
    throw_bad_file(index, fmt::format("shards must be plain file names, found {}", shown_name(name)));
  }
}

WeightMap read_weight_map(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > kMaxIndexBytes) {
    throw_bad_file(
        path, fmt::format("the index must have at most {} bytes, found {}", kMaxIndexBytes, bytes.size()));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto index = parse_strict_json(text, path, "index", kMaxIndexDepth);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (map == index.end() || !map->is_object() || map->empty()) {
    throw_bad_file(path, "the index must have a 'weight_map' of tensors, found none");
  }
  WeightMap weight_map;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) {
      throw_bad_file(path,
                     fmt::format("the index must give a file for tensor {}, found none", shown_name(tensor)));
    }
    check_shard_name(shard.get_ref<const std::string&>(), path);
    weight_map.emplace(tensor, shard.get<std::string>());
  }
  return weight_map;
}

// The tensors of all shards, each found where the index says and nowhere else. open(path) gives a shard's.
template <typename Open>
std::vector<TensorView> read_shards(const std::filesystem::path& index, const Open& open) {
  const WeightMap weight_map = read_weight_map(index);
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : weight_map) shards.insert(shard);
  std::set<std::string_view> found;
  std::vector<TensorView> tensors;
  for (const std::string& shard : shards) {
    const auto path = index.parent_path() / shard;
    if (!file_exists(path)) {
      throw_bad_file(path, fmt::format("the shard must be there, as {} says, found no such file",
                                       index.filename().string()));
    }
    for (const TensorView& tensor : open(path)) {
      const auto listed = weight_map.find(tensor.name);
      if (listed == weight_map.end() || listed->second != shard) {
        throw_bad_file(
            path,
            fmt::format("tensor {} must be in the file that the index says, {}, found it in {}",
                        shown_name(tensor.name),
                        listed == weight_map.end() ? "none" : shown_name(listed->second), shown_name(shard)));
      }
      found.insert(listed->first);
      tensors.push_back(tensor);
    }
  }
  for (const auto& [tensor, shard] : weight_map) {
    if (!found.contains(tensor)) {
      throw_bad_file(index, fmt::format("tensor {} must be in {} as the index says, found none",
                                        shown_name(tensor), shown_name(shard)));
    }
  }
  return tensors;
}

}  // namespace

Checkpoint::Checkpoint(const std::filesystem::path& directory) {
  const auto open_safetensors = [this](const std::filesystem::path& path) -> const std::vector<TensorView>& {
    return safetensors_.emplace_back(std::make_unique<SafetensorsFile>(path))->tensors();
  };
  const auto open_bin = [this](const std::filesystem::path& path) -> const std::vector<TensorView>& {
    return bins_.emplace_back(std::make_unique<TorchBinFile>(path))->tensors();
  };
  if (const auto path = directory / "model.safetensors"; file_exists(path)) {
    tensors_ = open_safetensors(path);
  } else if (const auto index = directory / "model.safetensors.index.json"; file_exists(index)) {
    tensors_ = read_shards(index, open_safetensors);
  } else if (const auto bin = directory / "pytorch_model.bin"; file_exists(bin)) {
    tensors_ = open_bin(bin);
  } else if (const auto bin_index = directory / "pytorch_model.bin.index.json"; file_exists(bin_index)) {
    tensors_ = read_shards(bin_index, open_bin);
  } else {
    throw_bad_file(directory,
                   "the directory must hold model.safetensors or pytorch_model.bin (or the "
                   ".index.json of shards), found none");
  }
  // The names are distinct: each file checks its own, and the index gives each tensor one file.
  for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace longscroll
