#include "train/reference_file.h"

#include <cstring>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hasher.h"
#include "formats/safetensors.h"

namespace longscroll::train {

std::string ids_sha256(const data::PreferencePairs& pairs) {
  Hasher hasher = Hasher::sha256();
  for (uint32_t i = 0; i < pairs.size(); ++i) {
    for (const data::TokenDocument* document : {&pairs.pair(i).chosen, &pairs.pair(i).rejected}) {
      const uint64_t count = document->ids.size();
      hasher.update(std::as_bytes(std::span(&count, 1)));
      hasher.update(std::as_bytes(std::span(document->ids)));
      hasher.update(std::as_bytes(std::span(document->learnt)));
    }
  }
  return hasher.hex();
}

std::vector<float> ReferenceFile::read(uint64_t pairs) const {
  const SafetensorsFile file(path_);
  for (const auto& [key, wanted] : {std::pair{"pairs_sha256", pairs_sha256_}, std::pair{"model", model_}}) {
    const auto found = file.metadata().find(key);
    if (found != file.metadata().end() && found->second == wanted) continue;
    throw Error(ErrorKind::kFile, path_.string(),
                fmt::format("must be of these pairs and this model, has another {}", key),
                "remove the file, and the reference is computed again");
  }
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.name != "log_probs" || tensor.dtype != DType::kF32) continue;
    if (tensor.shape != std::vector<uint64_t>{pairs, 2}) continue;
    std::vector<float> values(pairs * 2);
    std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(float));
    return values;
  }
  throw Error(ErrorKind::kFile, path_.string(),
              fmt::format("must hold log_probs of {} pairs, does not", pairs));
}

void ReferenceFile::write(std::span<const float> values) const {
  write_safetensors(path_, {{"pairs_sha256", pairs_sha256_}, {"model", model_}},
                    {{"log_probs", DType::kF32, {values.size() / 2, 2}, [values](const auto& sink) {
                        sink(std::as_bytes(values));
                      }}});
}

}  // namespace longscroll::train
