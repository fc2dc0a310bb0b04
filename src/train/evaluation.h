// How well held-out documents are predicted, by their length.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "train/communicator.h"
#include "train/task.h"

namespace longscroll::train {

struct LengthBucket {
  uint64_t from = 0;  // positions: more than `from`, at most `to`
  uint64_t to = 0;
  uint64_t documents = 0;
  uint64_t targets = 0;
  double loss_sum = 0;  // nats

  double loss() const { return targets == 0 ? 0 : loss_sum / static_cast<double>(targets); }
};

struct Evaluation {
  LengthBucket all;                   // to: the longest bucket's
  std::vector<LengthBucket> buckets;  // those with documents
};

// Collective. Packs [0, packs) of the source, at most an epoch, shared out among the processes. A document
// that was cut counts as its pieces. `longest`: positions of a pack. Nothing when `stop`, asked between
// packs, was set on any process.
std::optional<Evaluation> evaluate(Task& task, const data::PackSource& held_out, uint64_t packs,
                                   uint64_t bucket, uint64_t longest, Communicator& communicator,
                                   const std::atomic<bool>* stop);

nlohmann::ordered_json to_json(const Evaluation& evaluation);

}  // namespace longscroll::train
