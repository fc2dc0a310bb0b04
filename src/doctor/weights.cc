#include "doctor/weights.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "formats/gguf.h"
#include "kernels/kernels.h"

namespace longscroll::doctor {
namespace {

constexpr size_t kFewestLayers = 3;  // of which one can be unlike the others
// Root mean squares of one matrix differ from layer to layer by two or three times in published models.
constexpr double kUnlike = 6.0;

struct TensorStats {
  double rms = 0;
  uint64_t not_finite = 0;
};

std::optional<TensorStats> stats_of(const TensorView& tensor) {
  if (!tensor.dtype || tensor.shape.empty() || tensor.data.empty()) return std::nullopt;
  const uint64_t columns = tensor.shape.back();
  const auto row_bytes = dtype_bytes(*tensor.dtype, columns);
  if (!row_bytes || *row_bytes == 0 || columns == 0) return std::nullopt;
  const size_t rows = tensor.data.size() / *row_bytes;
  std::vector<float> row(columns);
  TensorStats stats;
  double squares = 0;
  for (size_t r = 0; r < rows; ++r) {
    kernels().dequantize(*tensor.dtype, tensor.data.data() + r * *row_bytes, row.data(), columns);
    for (const float value : row) {
      if (!std::isfinite(value)) {
        ++stats.not_finite;
      } else {
        squares += static_cast<double>(value) * value;
      }
    }
  }
  stats.rms = std::sqrt(squares / (static_cast<double>(rows) * static_cast<double>(columns)));
  return stats;
}

// "model.layers.7.mlp.up_proj.weight" to "model.layers.N.mlp.up_proj.weight": the same in every layer.
std::string pattern_of(const std::string& name) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  const auto first = std::find_if(name.begin(), name.end(), is_digit);
  const auto last = std::find_if_not(first, name.end(), is_digit);
  return first == name.end() ? name : std::string(name.begin(), first) + "N" + std::string(last, name.end());
}

using NamedRms = std::vector<std::pair<std::string, double>>;

double median(NamedRms group) {
  std::ranges::sort(group, {}, &NamedRms::value_type::second);
  return group[group.size() / 2].second;
}

void find_unlike(const NamedRms& group, std::vector<Finding>& findings) {
  if (group.size() < kFewestLayers) return;
  const double usual = median(group);
  for (const auto& [name, rms] : group) {
    if (rms <= kUnlike * usual && rms >= usual / kUnlike) continue;
    findings.push_back(
        {"weights", Severity::kFault,
         fmt::format("{}: its values are {:.3g} in size (root mean square), those of the other layers {:.3g}",
                     name, rms, usual),
         "the layer looks damaged: compare the file's checksum, or fetch it again"});
  }
}

}  // namespace

std::vector<Finding> examine_weights(const Model& model,
                                     const std::function<void(uint64_t done, uint64_t total)>& on_progress,
                                     const std::atomic<bool>* cancel) {
  std::optional<GgufFile> gguf;
  std::optional<Checkpoint> checkpoint;
  const bool is_directory = std::filesystem::is_directory(model.path);
  const std::vector<TensorView>& tensors =
      is_directory ? checkpoint.emplace(model.path).tensors() : gguf.emplace(model.path).tensors();
  uint64_t total = 0, done = 0;
  for (const TensorView& tensor : tensors) total += tensor.data.size();
  std::vector<Finding> findings;
  std::map<std::string, NamedRms> groups;
  for (const TensorView& tensor : tensors) {
    if (cancel != nullptr && cancel->load())
      throw Error(ErrorKind::kCancelled, "weights", "stopped on request");
    const std::optional<TensorStats> stats = stats_of(tensor);
    done += tensor.data.size();
    if (on_progress) on_progress(done, total);
    if (!stats) continue;
    if (stats->not_finite > 0) {
      findings.push_back({"weights", Severity::kFault,
                          fmt::format("{}: {} values are no numbers", tensor.name, stats->not_finite),
                          "the file is damaged, or was made by a conversion that overflowed"});
      continue;
    }
    if (tensor.shape.size() < 2) continue;  // norms do differ from layer to layer
    if (stats->rms == 0) {
      findings.push_back({"weights", Severity::kFault, fmt::format("{}: every value is 0", tensor.name),
                          "the file is damaged"});
    } else {
      groups[pattern_of(tensor.name)].emplace_back(tensor.name, stats->rms);
    }
  }
  for (const auto& [pattern, group] : groups) find_unlike(group, findings);
  return findings;
}

}  // namespace longscroll::doctor
