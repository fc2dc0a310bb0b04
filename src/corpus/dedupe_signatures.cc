#include "corpus/dedupe_signatures.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/mapped_file.h"
#include "corpus/document_reader.h"
#include "corpus/match_tokens.h"
#include "formats/atomic_file.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

// Documents that a group's others are compared with. A hash that many unlike documents share would otherwise
// cost the square of their number; what is missed in one band is found in another.
constexpr size_t kRepresentatives = 8;

// With one blank for each run of white space, and none at the ends.
void join_white_space(std::string_view text, std::string& out) {
  out.clear();
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
}

class SignatureWriter {
 public:
  SignatureWriter(const StepFolder& folder, size_t shard, const DedupeSettings& settings,
                  const MinHasher& hasher)
      : settings_(settings),
        hasher_(hasher),
        exact_(exact_runs(folder, shard)),
        bands_(band_runs(folder, shard)),
        sketches_(sketch_file(folder, shard)),
        lengths_(length_file(folder, shard)),
        sketch_(hasher.shape().minima()) {}

  void add(const TextDocument& document) {
    join_white_space(document.text, joined_);
    const XXH128_hash_t same = XXH3_128bits(joined_.data(), joined_.size());
    exact_.add({same.low64, documents_, static_cast<uint32_t>(same.high64)});
    const auto length = static_cast<uint32_t>(document.text.size());
    lengths_.write(std::as_bytes(std::span(&length, 1)));
    if (settings_.near) add_bands(document.text);
    ++documents_;
  }

  Json finish() {
    sketches_.commit();
    lengths_.commit();
    return {{"documents", documents_}, {"exact_runs", exact_.finish()}, {"band_runs", bands_.finish()}};
  }

 private:
  void add_bands(const std::string& text) {
    match_tokens(text, tokens_);
    shingle_hashes(tokens_, settings_.shingle, shingles_);
    std::fill(sketch_.begin(), sketch_.end(), uint8_t{0});
    if (!shingles_.empty()) {
      hasher_.minima(shingles_, minima_);
      hasher_.band_hashes(minima_, band_hashes_);
      for (const uint64_t hash : band_hashes_) bands_.add({hash, documents_, 0});
      make_sketch(minima_, sketch_);
    }
    sketches_.write(std::as_bytes(std::span(sketch_)));
  }

  const DedupeSettings& settings_;
  const MinHasher& hasher_;
  RunWriter exact_;
  RunWriter bands_;
  AtomicFile sketches_;
  AtomicFile lengths_;
  uint32_t documents_ = 0;
  std::string joined_;
  MatchTokens tokens_;
  std::vector<uint64_t> shingles_;
  std::vector<uint32_t> minima_;
  std::vector<uint64_t> band_hashes_;
  std::vector<uint8_t> sketch_;
};

// Runs of all shards under one kind of name.
std::vector<SortedRun> open_runs(const StepFolder& folder, const std::vector<Json>& reports,
                                 const char* count_key, fs::path (*name)(const StepFolder&, size_t),
                                 const DocumentNumbers& numbers) {
  std::vector<SortedRun> runs;
  for (size_t shard = 0; shard < reports.size(); ++shard) {
    const auto count = reports[shard].at(count_key).get<size_t>();
    for (size_t i = 0; i < count; ++i)
      runs.emplace_back(run_path(name(folder, shard), i), numbers.first(shard));
  }
  return runs;
}

class PairFile {
 public:
  explicit PairFile(const fs::path& path) : file_(path) {}
  void add(uint32_t a, uint32_t b) {
    const std::array<uint32_t, 2> pair = {a, b};
    file_.write(std::as_bytes(std::span(pair)));
    ++count_;
  }
  uint64_t commit() {
    file_.commit();
    return count_;
  }

 private:
  AtomicFile file_;
  uint64_t count_ = 0;
};

// Each document with the first that has the same hash, all 96 bits of it.
void pair_same(std::span<const HashRecord> group, PairFile& pairs) {
  if (group.size() < 2) return;
  std::map<uint32_t, uint32_t> first;  // by the further bits
  for (const HashRecord& record : group) {
    const auto [it, is_new] = first.emplace(record.extra, record.document);
    if (!is_new) pairs.add(it->second, record.document);
  }
}

class SketchComparer {
 public:
  SketchComparer(const StepFolder& folder, size_t shards, const DocumentNumbers& numbers,
                 const MinHashShape& shape, double least)
      : numbers_(numbers), bytes_(shape.minima()), least_(least) {
    for (size_t shard = 0; shard < shards; ++shard) sketches_.emplace_back(sketch_file(folder, shard));
  }

  void pair_near(std::span<const HashRecord> group, PairFile& pairs) {
    representatives_.clear();
    for (const HashRecord& record : group) {
      bool found = false;
      for (size_t i = 0; i < representatives_.size() && !found; ++i) {
        found = are_near(representatives_[i], record.document);
        if (found) pairs.add(representatives_[i], record.document);
      }
      if (!found && representatives_.size() < kRepresentatives) representatives_.push_back(record.document);
    }
  }

  uint64_t compared() const { return compared_; }

 private:
  std::span<const uint8_t> sketch(uint32_t document) const {
    const DocumentNumbers::Place place = numbers_.place(document);
    const std::span<const std::byte> all = sketches_[place.shard].bytes();
    const auto* bytes = reinterpret_cast<const uint8_t*>(all.data());
    return std::span(bytes, all.size()).subspan(size_t{place.number} * bytes_, bytes_);
  }
  bool are_near(uint32_t a, uint32_t b) {
    ++compared_;
    return estimate_similarity(sketch(a), sketch(b)) >= least_;
  }

  const DocumentNumbers& numbers_;
  size_t bytes_;
  double least_;
  std::vector<MappedFile> sketches_;
  std::vector<uint32_t> representatives_;
  uint64_t compared_ = 0;
};

}  // namespace

fs::path exact_runs(const StepFolder& folder, size_t shard) {
  return folder.spilled(fmt::format("exact-{:06}", shard));
}

fs::path band_runs(const StepFolder& folder, size_t shard) {
  return folder.spilled(fmt::format("bands-{:06}", shard));
}

fs::path sketch_file(const StepFolder& folder, size_t shard) {
  return folder.spilled(fmt::format("sketches-{:06}", shard));
}

fs::path length_file(const StepFolder& folder, size_t shard) {
  return folder.spilled(fmt::format("lengths-{:06}", shard));
}

fs::path same_pairs(const StepFolder& folder, size_t part) {
  return folder.spilled(fmt::format("same-{:02}", part));
}

fs::path near_pairs(const StepFolder& folder, size_t part) {
  return folder.spilled(fmt::format("near-{:02}", part));
}

Json write_signatures(const StepFolder& folder, size_t shard, const fs::path& input,
                      const DedupeSettings& settings, const MinHasher& hasher,
                      const std::atomic<bool>* cancel) {
  SignatureWriter writer(folder, shard, settings, hasher);
  FaultList faults;  // the phase that writes the shard reads the same and reports them
  DocumentReader reader(input, faults);
  TextDocument document;
  while (reader.next(document)) {
    check_cancelled(cancel, input.string());
    writer.add(document);
  }
  return writer.finish();
}

Json write_pairs(const StepFolder& folder, size_t part, HashRanges ranges,
                 const std::vector<Json>& signature_reports, const DocumentNumbers& numbers,
                 const MinHashShape& shape, double least, const std::atomic<bool>* cancel) {
  PairFile same(same_pairs(folder, part));
  const std::vector<SortedRun> exact =
      open_runs(folder, signature_reports, "exact_runs", exact_runs, numbers);
  for_each_group(exact, ranges, [&](std::span<const HashRecord> group) {
    check_cancelled(cancel, "pairs");
    pair_same(group, same);
  });
  PairFile near(near_pairs(folder, part));
  const std::vector<SortedRun> bands = open_runs(folder, signature_reports, "band_runs", band_runs, numbers);
  SketchComparer comparer(folder, signature_reports.size(), numbers, shape, least);
  for_each_group(bands, ranges, [&](std::span<const HashRecord> group) {
    check_cancelled(cancel, "pairs");
    comparer.pair_near(group, near);
  });
  same.commit();
  return {{"compared", comparer.compared()}, {"near", near.commit()}};
}

}  // namespace longscroll::corpus
