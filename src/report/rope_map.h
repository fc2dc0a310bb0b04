// Perplexity over rotation and context length, measured: the table, the map, the curves, and the loss by
// position.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "report/page.h"

namespace longscroll::report {

struct LossCount {
  double nats = 0;      // negative log-likelihood, summed
  uint64_t tokens = 0;  // that were predicted

  double mean() const { return nats / static_cast<double>(tokens); }
  double perplexity() const;  // exp of the mean
  void add(const LossCount& other) {
    nats += other.nats;
    tokens += other.tokens;
  }
};

// One rotation at one length.
struct RopeMapCell {
  LossCount counted;
  // Of all positions of all windows: by the longest context of the bucket.
  std::map<uint64_t, LossCount> by_position;
  double seconds = 0;  // that it took
};

struct RopeMap {
  std::string title;
  std::vector<std::string> methods;  // the model's own first
  std::vector<uint64_t> lengths;     // rising
  std::map<std::pair<std::string, uint64_t>, RopeMapCell> cells;
  std::string row_name = "Rotation";  // what the methods are

  const RopeMapCell* cell(const std::string& method, uint64_t length) const;
};

// What is not measured is marked. `remarks` are shown as paragraphs.
Section rope_map_section(const RopeMap& map, const std::vector<std::string>& remarks);
// A page of that section.
Page rope_map_page(const RopeMap& map, const std::vector<std::string>& remarks);

}  // namespace longscroll::report
