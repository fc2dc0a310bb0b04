#include "model/rope_description.h"

namespace longscroll {

nlohmann::ordered_json describe_rope(const RopeConfig& rope) {
  nlohmann::ordered_json json = {{"base", rope.base}, {"scaling", to_string(rope.scaling)}};
  if (rope.scaling != RopeScaling::kNone) json["factor"] = rope.factor;
  if (rope.original_max_position > 0) json["original_window"] = rope.original_max_position;
  if (rope.scaling == RopeScaling::kDynamicNtk)
    json["cached_keys"] = rope.keep_cached ? "as computed" : "turned again";
  return json;
}

}  // namespace longscroll
