// NeedleBench's single needle: OpenCompass's evaluators, datasets/needlebench/origin.py (v1) and
// datasets/needlebench_v2/origin.py.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "metrics/python_text.h"
#include "metrics/registry.h"
#include "metrics/similarity.h"

namespace longscroll {
namespace {

struct Gold {
  std::u32string reference;
  std::u32string keyword;
};

// "needle*keyword": whatever else has a star breaks both, so `clean` looks for the last one.
Gold split_gold(std::u32string_view gold, bool at_last_star) {
  const std::vector<std::u32string> parts = py::split(gold, U"*");
  if (parts.size() < 2) {
    throw Error(ErrorKind::kArgument, "references",
                fmt::format("must be a needle, '*' and its keyword, found '{}'", py::encode(gold)));
  }
  if (!at_last_star) return {parts[0], parts[1]};
  return {std::u32string(gold.substr(0, gold.rfind(U'*'))), parts.back()};
}

// No longer than 1.2 times the reference, and cut after the first of its last character that comes after 0.8.
std::u32string trim(std::u32string_view prediction, std::u32string_view reference) {
  const auto length = static_cast<double>(reference.size());
  const auto from = static_cast<size_t>(0.8 * length);
  std::u32string_view kept = prediction.substr(0, static_cast<size_t>(1.2 * length));
  if (kept.size() > from) {
    const size_t end = kept.find(reference.back(), from);
    if (end != std::u32string_view::npos) kept = kept.substr(0, end + 1);
  }
  return std::u32string(kept);
}

enum class Version { kV1, kV1Trim, kV2 };

class NeedleMetric : public Metric {
 public:
  NeedleMetric(Version version, bool clean) : version_(version), clean_(clean) {}

  ItemScore score(const Answered& item) const override {
    if (item.references.size() != 1) {
      throw Error(ErrorKind::kArgument, "references",
                  fmt::format("must hold one for a needle, found {}", item.references.size()));
    }
    const Gold gold = split_gold(py::decode(item.references[0]), clean_);
    const std::u32string raw = py::decode(item.prediction);
    const std::u32string reference = py::remove_spaces(gold.reference);
    std::u32string prediction = py::remove_spaces(raw);
    if (version_ == Version::kV1Trim) prediction = trim(prediction, reference);
    const bool found = py::contains(raw, gold.keyword) && !(clean_ && gold.keyword.empty());
    const size_t distance = edit_distance(prediction, reference);
    ItemScore result;
    result.prediction = py::encode(prediction);
    result.references = {py::encode(reference)};
    result.parts = {{"edit_distance", static_cast<double>(distance)}, {"keyword", found ? 1.0 : 0.0}};
    if (found) {
      result.score = 1;
    } else if (version_ != Version::kV2) {
      const size_t longest = std::max(prediction.size(), reference.size());
      const double likeness =
          longest == 0 ? 1 : 1 - static_cast<double>(distance) / static_cast<double>(longest);
      result.score = 0.2 * likeness;
    }
    return result;
  }

 private:
  Version version_;
  bool clean_;
};

}  // namespace

void add_needle_metrics(MetricTable& table) {
  for (const Protocol protocol : kProtocols) {
    const bool clean = protocol == Protocol::kClean;
    table[{"needle.v1", protocol}] = std::make_unique<NeedleMetric>(Version::kV1, clean);
    table[{"needle.v1_trim", protocol}] = std::make_unique<NeedleMetric>(Version::kV1Trim, clean);
    table[{"needle.v2", protocol}] = std::make_unique<NeedleMetric>(Version::kV2, clean);
  }
}

}  // namespace longscroll
