#include "formats/strict_json.h"

#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "formats/file_faults.h"

namespace longscroll {

nlohmann::json parse_strict_json(std::string_view text, const std::filesystem::path& path,
                                 std::string_view part, int max_depth) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of each object that is open
  const auto check = [&](int depth, Event event, nlohmann::json& parsed) {
    if ((event == Event::object_start || event == Event::array_start) && depth >= max_depth) {
      throw_bad_file(path,
                     fmt::format("the {} must nest at most {} levels deep, found more", part, max_depth));
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw_bad_file(path, fmt::format("the {} must name {} once, found it twice", part,
                                       shown_name(parsed.get_ref<const std::string&>())));
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& fault) {
    throw_bad_file(path,
                   fmt::format("the {} must be JSON, found a fault: {}", part, shown_name(fault.what())));
  }
}

}  // namespace longscroll
