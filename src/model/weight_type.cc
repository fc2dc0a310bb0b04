#include "model/weight_type.h"

#include <algorithm>
#include <cstdint>
#include <map>

namespace longscroll {

std::string most_common_type(const Model& model) {
  std::map<std::string, uint64_t> bytes;
  for (const TensorSummary& tensor : model.tensors) bytes[tensor.type_name] += tensor.bytes;
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? "" : most->first;
}

}  // namespace longscroll
