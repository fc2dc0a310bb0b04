// Phase 1 of `dedupe`: what documents are compared by, spilled for each shard.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "corpus/dedupe.h"
#include "corpus/document_numbers.h"
#include "corpus/minhash.h"
#include "corpus/spill.h"
#include "corpus/step_folder.h"

namespace longscroll::corpus {

// The files of one shard's signatures.
std::filesystem::path exact_runs(const StepFolder& folder, size_t shard);
std::filesystem::path band_runs(const StepFolder& folder, size_t shard);
std::filesystem::path sketch_file(const StepFolder& folder, size_t shard);  // K bytes a document
std::filesystem::path length_file(const StepFolder& folder,
                                  size_t shard);  // uint32, bytes of text, a document

// Writes them. {"documents", "exact_runs", "band_runs"}. A document without letters and digits has no bands.
Json write_signatures(const StepFolder& folder, size_t shard, const std::filesystem::path& input,
                      const DedupeSettings& settings, const MinHasher& hasher,
                      const std::atomic<bool>* cancel);

// Phase 2: the pairs of one part of the hashes, as files of two document numbers (uint32) each.
std::filesystem::path same_pairs(const StepFolder& folder, size_t part);
std::filesystem::path near_pairs(const StepFolder& folder, size_t part);

// Writes both; `least`: least_estimate(). {"compared", "near"}: how many sketches were compared, and were
// near enough.
Json write_pairs(const StepFolder& folder, size_t part, HashRanges ranges,
                 const std::vector<Json>& signature_reports, const DocumentNumbers& numbers,
                 const MinHashShape& shape, double least, const std::atomic<bool>* cancel);

}  // namespace longscroll::corpus
