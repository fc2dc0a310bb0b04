// In which order items are asked, and which of them a shard asks.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "suites/item.h"

namespace longscroll {

struct Shard {
  size_t index = 0;  // of `count`
  size_t count = 1;
  bool operator==(const Shard&) const = default;
};
// "2/8" is the third of eight. Throws Error(kArgument).
Shard parse_shard(std::string_view text);
// What mpirun or Slurm says in the environment (OMPI_COMM_WORLD_*, PMI_*, SLURM_*); {0, 1} when nothing does.
// Throws Error(kArgument) when a rank is not below its size.
struct Ranked {
  Shard shard;
  std::string variable;  // that named the rank; empty: none
};
Ranked shard_from_environment();

struct PlannedItem {
  size_t item = 0;               // index into the suite's items
  size_t index = 0;              // place in the whole run
  bool begins_document = false;  // nothing before it may be reused
};

// The suite's order, but items of one document follow each other at the place of the first. A shard takes
// every count-th document, whole.
std::vector<PlannedItem> plan_run(std::span<const EvalItem> items, const Shard& shard);

}  // namespace longscroll
