#include "train/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <ATen/ATen.h>

namespace longscroll::train {
namespace {

uint64_t targets_of(const data::Pack& pack, size_t begin, size_t end) {
  const auto first = pack.targets.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto last = pack.targets.begin() + static_cast<std::ptrdiff_t>(end);
  return static_cast<uint64_t>(std::count_if(first, last, [](TokenId id) { return id != data::kIgnored; }));
}

nlohmann::ordered_json bucket_json(const LengthBucket& bucket) {
  return {{"from", bucket.from},       {"to", bucket.to},       {"documents", bucket.documents},
          {"targets", bucket.targets}, {"loss", bucket.loss()}, {"perplexity", std::exp(bucket.loss())}};
}

}  // namespace

std::optional<Evaluation> evaluate(Task& task, const data::PackSource& held_out, uint64_t packs,
                                   uint64_t bucket, uint64_t longest, Communicator& communicator,
                                   const std::atomic<bool>* stop) {
  const size_t count = (longest + bucket - 1) / bucket;
  std::vector<double> losses(count, 0);
  std::vector<uint64_t> documents(count, 0);
  std::vector<uint64_t> targets(count, 0);
  if (held_out.packs_per_epoch() > 0) packs = std::min(packs, held_out.packs_per_epoch());
  const auto size = static_cast<uint64_t>(communicator.size());
  std::array<uint64_t, 1> stopped = {0};
  for (auto index = static_cast<uint64_t>(communicator.rank()); index < packs; index += size) {
    if (stop != nullptr && *stop) {
      stopped[0] = 1;
      break;
    }
    const data::Pack pack = held_out.pack(index);
    const at::Tensor log_probs = task.document_log_probs(pack).to(at::kCPU, at::kDouble);
    for (size_t d = 0; d < pack.starts.size(); ++d) {
      const size_t begin = pack.starts[d];
      const size_t end = d + 1 < pack.starts.size() ? pack.starts[d + 1] : pack.ids.size();
      const uint64_t predicted = targets_of(pack, begin, end);
      if (predicted == 0) continue;
      const size_t place = std::min((end - begin - 1) / bucket, count - 1);
      losses[place] -= log_probs[static_cast<int64_t>(d)].item<double>();
      documents[place] += 1;
      targets[place] += predicted;
    }
  }
  communicator.sum(std::span<uint64_t>(stopped));
  if (stopped[0] > 0) return std::nullopt;
  communicator.sum(std::span(losses));
  communicator.sum(std::span(documents));
  communicator.sum(std::span(targets));
  Evaluation evaluation;
  evaluation.all.to = count * bucket;
  for (size_t i = 0; i < count; ++i) {
    evaluation.all.documents += documents[i];
    evaluation.all.targets += targets[i];
    evaluation.all.loss_sum += losses[i];
    if (documents[i] == 0) continue;
    evaluation.buckets.push_back({i * bucket, (i + 1) * bucket, documents[i], targets[i], losses[i]});
  }
  return evaluation;
}

nlohmann::ordered_json to_json(const Evaluation& evaluation) {
  nlohmann::ordered_json json = bucket_json(evaluation.all);
  json["buckets"] = nlohmann::ordered_json::array();
  for (const LengthBucket& bucket : evaluation.buckets) json["buckets"].push_back(bucket_json(bucket));
  return json;
}

}  // namespace longscroll::train
