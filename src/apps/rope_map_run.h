// The measurements of `rope map`: every rotation at every length over every text that is long enough.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/common.h"
#include "report/rope_map.h"
#include "rope/rope_extension.h"

namespace longscroll {

struct MapText {
  std::string file;
  std::vector<TokenId> ids;
};

struct MapMethod {
  std::string name;
  std::optional<RopeExtension> extension;  // nullopt: the model as it is
};

struct MapPlan {
  std::shared_ptr<const Model> model;
  std::vector<MapText> texts;
  std::vector<MapMethod> methods;
  std::vector<uint64_t> lengths;  // rising
  size_t stride = 0;              // 0: half of each length

  size_t stride_at(uint64_t length) const;
};

// "x4" times the model's base, or a base; then scalings as --rope has them. The model as it is comes first.
// Throws Error(kArgument).
std::vector<MapMethod> map_methods(const std::vector<std::string>& bases,
                                   const std::vector<std::string>& scalings, const Model& model);

// Texts that do not fill a window of some length: a remark each. Throws Error(kArgument) when a length has
// none left or the stride is longer than a length.
std::vector<std::string> check_map(const MapPlan& plan);

// Fills the cells that `map` lacks, and calls `after_cell` after each. Throws Error(kCancelled) on Ctrl-C, as
// Session does otherwise.
void measure_map(const MapPlan& plan, const ModelOptions& options, report::RopeMap& map,
                 const std::function<void()>& after_cell);

}  // namespace longscroll
