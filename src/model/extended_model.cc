#include "model/extended_model.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace longscroll {
namespace {

class AlteredModel final : public Model {
 public:
  explicit AlteredModel(std::shared_ptr<const Model> owner) : Model(*owner), owner_(std::move(owner)) {}

 private:
  std::shared_ptr<const Model> owner_;  // of what the weights point to
};

}  // namespace

std::shared_ptr<const Model> altered_model(std::shared_ptr<const Model> model,
                                           const std::function<void(Model&)>& change) {
  auto altered = std::make_shared<AlteredModel>(std::move(model));
  change(*altered);
  return altered;
}

std::shared_ptr<const Model> extend_model(std::shared_ptr<const Model> model,
                                          const std::optional<RopeExtension>& extension, uint64_t window) {
  if (!extension && window == 0) return model;
  return altered_model(std::move(model), [&](Model& altered) {
    ModelConfig& config = altered.config;
    const uint64_t before = config.max_position;
    uint64_t allowed = before;
    if (extension) {
      ExtendedRope rope = extend_rope(config.rope, before, *extension);
      config.rope = std::move(rope.rope);
      if (config.sliding_window == 0) config.rope_local = config.rope;
      allowed = rope.window;
      altered.remarks.insert(altered.remarks.end(), rope.remarks.begin(), rope.remarks.end());
    }
    if (window > 0) allowed = window;
    config.max_position =
        static_cast<uint32_t>(std::min<uint64_t>(allowed, std::numeric_limits<uint32_t>::max()));
    validate(config, altered.path.string());
    if (extension)
      altered.remarks.push_back(fmt::format("rotated as {}, not as it was trained", to_string(*extension)));
    if (allowed != before)
      altered.remarks.push_back(fmt::format("window {} instead of {}, without training", allowed, before));
  });
}

}  // namespace longscroll
