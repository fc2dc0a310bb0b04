// Log-probabilities of the answers under the model that DPO starts from: computed once, kept in a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/preferences.h"

namespace longscroll::train {

// Over every pair's ids: whether log-probabilities that were stored are of these pairs.
std::string ids_sha256(const data::PreferencePairs& pairs);

class ReferenceFile {
 public:
  // `model`: what the reference is, as the recipe names it.
  ReferenceFile(std::filesystem::path path, std::string pairs_sha256, std::string model)
      : path_(std::move(path)), pairs_sha256_(std::move(pairs_sha256)), model_(std::move(model)) {}

  bool exists() const { return std::filesystem::exists(path_); }

  // Two values a pair, in nats, the chosen answer's first. Throws Error(kFile) when the file is damaged, or
  // of other pairs or another model.
  std::vector<float> read(uint64_t pairs) const;
  void write(
      std::span<const float> values) const;  // throws Error(kFile | kResource) as write_safetensors does

 private:
  std::filesystem::path path_;
  std::string pairs_sha256_;
  std::string model_;
};

}  // namespace longscroll::train
