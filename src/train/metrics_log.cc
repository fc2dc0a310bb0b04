#include "train/metrics_log.h"

#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/atomic_file.h"

namespace longscroll::train {
namespace {

bool is_of_steps_done(const std::string& line, uint64_t steps_done) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return false;
  const auto step = json.find("step");
  return step != json.end() && step->is_number_unsigned() && step->get<uint64_t>() <= steps_done;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, uint64_t steps_done) : path_(path) {
  if (std::filesystem::exists(path)) {
    std::ifstream before(path);
    AtomicFile after(path);
    for (std::string line; steps_done > 0 && std::getline(before, line);) {
      if (is_of_steps_done(line, steps_done)) after.write(line + "\n");
    }
    after.commit();
  }
  file_.open(path, std::ios::app);
  if (!file_) throw Error(ErrorKind::kFile, path.string(), "must be writable, is not");
}

void MetricsLog::append(const nlohmann::ordered_json& line) {
  file_ << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n' << std::flush;
  if (!file_) throw Error(ErrorKind::kResource, path_.string(), "must be written to disk, was not");
}

}  // namespace longscroll::train
