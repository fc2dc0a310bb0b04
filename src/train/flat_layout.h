// All trained parameters as one row of floats, and which process owns which part of it (ZeRO-1,
// arXiv 1910.02054): each keeps the optimiser's state of its own part alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace longscroll::train {

struct ParameterShape {
  std::string name;
  std::vector<int64_t> shape;

  // Weight decay is for what multiplies: matrices. Norms and biases are left alone.
  bool decays() const { return shape.size() >= 2; }
  bool operator==(const ParameterShape&) const = default;
};

struct FlatRange {
  uint64_t begin = 0;  // elements
  uint64_t end = 0;
  bool decays = false;

  bool operator==(const FlatRange&) const = default;
};

class FlatLayout {
 public:
  // Offsets depend on the parameters alone, so that any number of processes finds the same place for each.
  // Throws Error(kArgument) when their sizes overflow or two have one name.
  explicit FlatLayout(std::vector<ParameterShape> parameters);

  const std::vector<ParameterShape>& parameters() const { return parameters_; }
  uint64_t offset(size_t parameter) const { return offsets_[parameter]; }
  uint64_t count(size_t parameter) const { return counts_[parameter]; }
  uint64_t trained() const { return trained_; }  // elements without the gaps
  uint64_t total() const { return total_; }      // with them

  // Elements that each of `processes` owns, the last one's tail being padding.
  uint64_t shard_size(uint64_t processes) const;

  // Runs of [begin, end) that decay alike, in order. Gaps belong to none.
  std::vector<FlatRange> ranges(uint64_t begin, uint64_t end) const;

 private:
  std::vector<ParameterShape> parameters_;
  std::vector<uint64_t> offsets_;
  std::vector<uint64_t> counts_;
  uint64_t trained_ = 0;
  uint64_t total_ = 0;
};

}  // namespace longscroll::train
