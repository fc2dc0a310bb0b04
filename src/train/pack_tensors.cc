#include "train/pack_tensors.h"

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

using at::Tensor;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::kArgument, "pack", what);
}

void check(const data::Pack& pack, uint32_t vocab_size) {
  if (pack.ids.empty()) refuse("must have a token, is empty");
  if (pack.targets.size() != pack.ids.size()) {
    refuse(fmt::format("must have a target for each of its {} ids, has {}", pack.ids.size(),
                       pack.targets.size()));
  }
  const auto known = [&](TokenId id) { return id >= 0 && static_cast<uint32_t>(id) < vocab_size; };
  for (size_t t = 0; t < pack.ids.size(); ++t) {
    const TokenId target = pack.targets[t];
    if (!known(pack.ids[t]) || (target != data::kIgnored && !known(target))) {
      refuse(fmt::format("ids must be 0 to {}, found {} with target {} at position {}", vocab_size - 1,
                         pack.ids[t], target, t));
    }
  }
  if (pack.starts.empty() || pack.starts.front() != 0) refuse("the first document must begin at 0, does not");
  for (size_t d = 0; d < pack.starts.size(); ++d) {
    const size_t end = d + 1 < pack.starts.size() ? pack.starts[d + 1] : pack.ids.size();
    if (pack.starts[d] >= end) {
      refuse(fmt::format("document {} must begin before {}, begins at {}", d, end, pack.starts[d]));
    }
  }
}

Tensor int64_tensor(const std::vector<int64_t>& values, at::Device device) {
  const Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.data_ptr<int64_t>());
  return tensor.to(device);
}

}  // namespace

PackTensors pack_tensors(const data::Pack& pack, uint32_t vocab_size, at::Device device, Extent extent) {
  check(pack, vocab_size);
  const bool whole = extent == Extent::kWhole || std::ranges::all_of(pack.targets, [](TokenId target) {
                       return target == data::kIgnored;
                     });
  std::vector<int64_t> ids, targets, places;
  DocumentBounds documents{{0}, {}};
  for (size_t d = 0; d < pack.starts.size(); ++d) {
    const size_t begin = pack.starts[d];
    size_t end = d + 1 < pack.starts.size() ? pack.starts[d + 1] : pack.ids.size();
    while (!whole && end > begin && pack.targets[end - 1] == data::kIgnored) --end;
    if (end == begin) continue;
    for (size_t t = begin; t < end; ++t) {
      if (pack.targets[t] != data::kIgnored) {
        targets.push_back(pack.targets[t]);
        places.push_back(static_cast<int64_t>(ids.size()));
      }
      ids.push_back(pack.ids[t]);
    }
    documents.edges.push_back(static_cast<int64_t>(ids.size()));
  }
  if (device.is_cuda()) documents.device_edges = int64_tensor(documents.edges, device).to(at::kInt);
  const bool everywhere = places.size() == ids.size();
  return {int64_tensor(ids, device), int64_tensor(targets, device),
          everywhere ? Tensor() : int64_tensor(places, device), std::move(documents)};
}

}  // namespace longscroll::train
