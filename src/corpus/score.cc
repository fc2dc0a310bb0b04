#include "corpus/score.h"

#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <numeric>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/match_tokens.h"
#include "corpus/shard_map.h"

namespace longscroll::corpus {
namespace {

constexpr size_t kRepeatedRun = 13;

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

// Ranks from 1; equal values share the mean of theirs.
std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + end + 1) / 2;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    begin = end;
  }
  return ranks;
}

struct Scores {
  std::vector<double> gain, compressed, repeated;  // of the documents that were read
};

Json score_shard(const StepFolder& folder, const std::filesystem::path& input, size_t shard,
                 const ScoreSettings& settings, const ScoreText& score_text,
                 const std::atomic<bool>* cancel) {
  Json scores = Json::array();
  const Rule rule = [&](TextDocument& document, uint64_t /*number*/, StepReport& /*report*/) -> Verdict {
    const double compressed = rounded(compressed_share(document.text));
    const double repeated = rounded(repeated_share(document.text));
    document.meta = with_field(document.meta, "compressed", compressed);
    document.meta = with_field(document.meta, "repeated", repeated);
    const std::optional<FarContext> context = score_text(document.text);
    if (!context) return {};
    const double gain = rounded(context->gain());
    document.meta = with_field(document.meta, "far_context", gain);
    scores.push_back({gain, compressed, repeated});
    if (!settings.drop || gain >= settings.min_gain) return {};
    return {"far-context", fmt::format("{:.4f} nats a token, below {}", gain, settings.min_gain)};
  };
  Json report = map_shard(input, folder.shard(shard), rule, cancel).to_json();
  report["scores"] = std::move(scores);
  return report;
}

Scores collect(const std::vector<Json>& reports) {
  Scores all;
  for (const Json& report : reports) {
    for (const Json& scores : report.at("scores")) {
      all.gain.push_back(scores.at(0).get<double>());
      all.compressed.push_back(scores.at(1).get<double>());
      all.repeated.push_back(scores.at(2).get<double>());
    }
  }
  return all;
}

}  // namespace

std::vector<SettingField> fields_of(ScoreSettings& settings) {
  return {{"score.model", &settings.model},
          {"score.near_tokens", &settings.near_tokens},
          {"score.max_tokens", &settings.max_tokens},
          {"score.drop", &settings.drop},
          {"score.min_gain", &settings.min_gain}};
}

double compressed_share(std::string_view text) {
  if (text.empty()) return 1;
  std::vector<char> packed(ZSTD_compressBound(text.size()));
  const size_t size = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3);
  if (ZSTD_isError(size)) {
    throw Error(ErrorKind::kResource, "zstd",
                fmt::format("must pack a text, found: {}", ZSTD_getErrorName(size)));
  }
  return static_cast<double>(size) / static_cast<double>(text.size());
}

double repeated_share(std::string_view text) {
  MatchTokens tokens;
  match_tokens(text, tokens);
  if (tokens.size() < kRepeatedRun) return 0;
  std::vector<uint64_t> runs;
  shingle_hashes(tokens, kRepeatedRun, runs);
  const std::unordered_set<uint64_t> different(runs.begin(), runs.end());
  return 1 - static_cast<double>(different.size()) / static_cast<double>(runs.size());
}

// Pearson's correlation of the ranks.
double rank_correlation(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  const std::vector<double> ranks_a = ranks_of(a);
  const std::vector<double> ranks_b = ranks_of(b);
  const double mean = (static_cast<double>(a.size()) + 1) / 2;
  double both = 0, only_a = 0, only_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    both += (ranks_a[i] - mean) * (ranks_b[i] - mean);
    only_a += (ranks_a[i] - mean) * (ranks_a[i] - mean);
    only_b += (ranks_b[i] - mean) * (ranks_b[i] - mean);
  }
  return only_a > 0 && only_b > 0 ? both / std::sqrt(only_a * only_b) : 0;
}

Json score_corpus(const StepRequest& request, const ScoreSettings& settings, const ScoreText& score_text,
                  const data::ReadEvents& events) {
  StepRequest one_at_a_time = request;
  one_at_a_time.workers = 1;
  const std::vector<InputFile> files = find_documents(request.inputs);
  const StepFolder folder(one_at_a_time, "score", describe_settings(settings), files);
  if (folder.is_done()) return folder.manifest();
  const std::vector<Json> reports = folder.run(
      "score", sizes_of(files),
      [&](size_t task) {
        return score_shard(folder, files[task].path, task, settings, score_text, events.cancel);
      },
      events);
  const Scores scores = collect(reports);
  const Json extra = {{"scored", scores.gain.size()},
                      {"rank_correlation",
                       {{"compressed", rank_correlation(scores.gain, scores.compressed)},
                        {"repeated", rank_correlation(scores.gain, scores.repeated)}}}};
  return folder.finish(merged(reports), extra, events);
}

}  // namespace longscroll::corpus
