#include "train/flat_layout.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/checked_math.h"
#include "base/error.h"

namespace longscroll::train {
namespace {

// Parameters and shards begin at 64 bytes, where vector loads are whole.
constexpr uint64_t kAlignment = 16;

[[noreturn]] void too_large(const std::string& name) {
  throw Error(ErrorKind::kArgument, fmt::format("parameter {}", name), "must have a size that fits 63 bits");
}

uint64_t element_count(const ParameterShape& parameter) {
  uint64_t count = 1;
  for (const int64_t dim : parameter.shape) {
    const auto product = dim < 0 ? std::nullopt : checked_mul(count, static_cast<uint64_t>(dim));
    if (!product) too_large(parameter.name);
    count = *product;
  }
  return count;
}

}  // namespace

FlatLayout::FlatLayout(std::vector<ParameterShape> parameters) : parameters_(std::move(parameters)) {
  std::set<std::string> names;
  for (const ParameterShape& parameter : parameters_) {
    if (!names.insert(parameter.name).second) {
      throw Error(ErrorKind::kArgument, fmt::format("parameter {}", parameter.name),
                  "must be there once, is twice");
    }
    const uint64_t count = element_count(parameter);
    const auto end = checked_add(total_, count);
    const auto aligned = end ? checked_round_up(*end, kAlignment) : std::nullopt;
    if (!aligned || *aligned > uint64_t{1} << 60) too_large(parameter.name);
    offsets_.push_back(total_);
    counts_.push_back(count);
    trained_ += count;
    total_ = *aligned;
  }
}

uint64_t FlatLayout::shard_size(uint64_t processes) const {
  const uint64_t share = (total_ + processes - 1) / processes;
  return *checked_round_up(std::max<uint64_t>(share, 1), kAlignment);
}

std::vector<FlatRange> FlatLayout::ranges(uint64_t begin, uint64_t end) const {
  std::vector<FlatRange> found;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const FlatRange range{std::max(begin, offsets_[i]), std::min(end, offsets_[i] + counts_[i]),
                          parameters_[i].decays()};
    if (range.begin >= range.end) continue;
    if (!found.empty() && found.back().end == range.begin && found.back().decays == range.decays) {
      found.back().end = range.end;
    } else {
      found.push_back(range);
    }
  }
  return found;
}

}  // namespace longscroll::train
