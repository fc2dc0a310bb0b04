#include "corpus/dedupe.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/mapped_file.h"
#include "corpus/clusters.h"
#include "corpus/dedupe_signatures.h"
#include "corpus/document_numbers.h"
#include "corpus/shard_map.h"
#include "formats/atomic_file.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

enum class Fate : uint8_t { kStays, kExact, kNear };

std::filesystem::path fate_file(const StepFolder& folder) {
  return folder.spilled("fates");  // a byte a document
}

// A file of numbers as they were written, in pieces that need no memory.
template <class Value, class Take>
void for_each_value(const std::filesystem::path& path, const Take& take) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  for (size_t at = 0; at + sizeof(Value) <= bytes.size(); at += sizeof(Value)) {
    Value value{};
    std::memcpy(&value, bytes.data() + at, sizeof(Value));
    take(value);
  }
}

void join_pairs(const std::filesystem::path& path, Clusters& clusters) {
  using Pair = std::array<uint32_t, 2>;
  for_each_value<Pair>(path, [&](const Pair& pair) { clusters.join(pair[0], pair[1]); });
}

// Phase 3. What is the same is joined first, so that it is known as such whatever is near it.
Json decide_fates(const StepFolder& folder, const DocumentNumbers& numbers, size_t shards, size_t parts) {
  std::vector<uint32_t> lengths;
  lengths.reserve(numbers.count());
  for (size_t shard = 0; shard < shards; ++shard) {
    for_each_value<uint32_t>(length_file(folder, shard), [&](uint32_t length) { lengths.push_back(length); });
  }
  Clusters clusters(std::move(lengths));
  std::vector<Fate> fates(clusters.size(), Fate::kStays);
  for (size_t part = 0; part < parts; ++part) join_pairs(same_pairs(folder, part), clusters);
  for (uint32_t i = 0; i < fates.size(); ++i) {
    if (clusters.kept(i) != i) fates[i] = Fate::kExact;
  }
  for (size_t part = 0; part < parts; ++part) join_pairs(near_pairs(folder, part), clusters);
  std::vector<bool> has_others(fates.size(), false);
  for (uint32_t i = 0; i < fates.size(); ++i) {
    const uint32_t kept = clusters.kept(i);
    if (kept == i) continue;
    has_others[kept] = true;
    if (fates[i] == Fate::kStays) fates[i] = Fate::kNear;
  }
  write_file(fate_file(folder), std::as_bytes(std::span(fates)));
  return {{"clusters", std::count(has_others.begin(), has_others.end(), true)}};
}

// Phase 4.
StepReport write_kept(const StepFolder& folder, const std::filesystem::path& input, size_t shard,
                      const DocumentNumbers& numbers, const std::atomic<bool>* cancel) {
  const MappedFile fates(fate_file(folder));
  const Rule rule = [&](TextDocument& /*document*/, uint64_t number, StepReport& /*report*/) -> Verdict {
    if (numbers.first(shard) + number >= numbers.first(shard + 1)) {
      throw_bad_file(input, "must stay as it is while the step reads it, found more documents than before");
    }
    switch (static_cast<Fate>(fates.bytes()[numbers.first(shard) + number])) {
      case Fate::kExact:
        return {"exact", "the same text as another document"};
      case Fate::kNear:
        return {"near", "nearly the text of a longer document, or of an earlier one"};
      case Fate::kStays:
        break;
    }
    return {};
  };
  return map_shard(input, folder.shard(shard), rule, cancel);
}

uint64_t sum_of(const std::vector<Json>& reports, const char* key) {
  uint64_t sum = 0;
  for (const Json& report : reports) sum += report.at(key).get<uint64_t>();
  return sum;
}

}  // namespace

std::vector<SettingField> fields_of(DedupeSettings& settings) {
  return {{"dedupe.near", &settings.near},
          {"dedupe.threshold", &settings.threshold},
          {"dedupe.shingle", &settings.shingle}};
}

Json dedupe_corpus(const StepRequest& request, const DedupeSettings& settings,
                   const data::ReadEvents& events) {
  const MinHashShape shape = choose_shape(settings.threshold);
  const MinHasher hasher(shape);
  const std::vector<InputFile> files = find_documents(request.inputs);
  const StepFolder folder(request, "dedupe", describe_settings(settings), files);
  if (folder.is_done()) return folder.manifest();
  const std::vector<uint64_t> sizes = sizes_of(files);
  const std::vector<Json> signatures = folder.run(
      "signatures", sizes,
      [&](size_t task) {
        return write_signatures(folder, task, files[task].path, settings, hasher, events.cancel);
      },
      events);
  const DocumentNumbers numbers(signatures);
  const double least = least_estimate(shape, settings.threshold);
  const std::vector<HashRanges> parts = part_ranges(sizes);
  const std::vector<Json> pairs = folder.run(
      "pairs", part_weights(sizes),
      [&](size_t part) {
        return write_pairs(folder, part, parts[part], signatures, numbers, shape, least, events.cancel);
      },
      events);
  const std::vector<Json> joined = folder.run(
      "join", {1}, [&](size_t /*task*/) { return decide_fates(folder, numbers, files.size(), parts.size()); },
      events);
  const StepReport report = merged(folder.run(
      "write", sizes,
      [&](size_t task) {
        return write_kept(folder, files[task].path, task, numbers, events.cancel).to_json();
      },
      events));
  const Json extra = {{"clusters", joined.front().at("clusters")},
                      {"rows", shape.rows},
                      {"bands", shape.bands},
                      {"least_estimate", least},
                      {"compared", sum_of(pairs, "compared")},
                      {"near_pairs", sum_of(pairs, "near")}};
  return folder.finish(report, extra, events);
}

}  // namespace longscroll::corpus
