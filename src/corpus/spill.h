// Records too many for memory: sorted in pieces of a fixed size, written as runs, read back merged, by ranges
// of their hashes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"

namespace longscroll::corpus {

struct HashRecord {
  uint64_t hash = 0;
  uint32_t document = 0;  // of its shard in a run, of all shards when runs are merged
  uint32_t extra = 0;

  auto operator<=>(const HashRecord&) const = default;
};
static_assert(sizeof(HashRecord) == 16, "records lie in files as they lie in memory");

inline constexpr uint32_t kHashRanges = 64;  // equal parts of all hashes: at most so many tasks read them
inline constexpr size_t kRunRecords = size_t{1} << 22;  // 64 MiB in memory

// Ranges `begin` to `end` - 1: those of one task.
struct HashRanges {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// Files NAME-000.run, NAME-001.run, …, each sorted. The same files for the same records. Not thread safe.
// Throws Error(kFile | kResource) as AtomicFile does.
class RunWriter {
 public:
  explicit RunWriter(std::filesystem::path name, size_t run_records = kRunRecords);

  void add(const HashRecord& record);
  size_t finish();  // how many files

 private:
  void write_run();

  std::filesystem::path name_;
  size_t run_records_;
  std::vector<HashRecord> records_;
  size_t runs_ = 0;
};

// A run as a file: where each range begins, then the records.
class SortedRun {
 public:
  // `first_document` is added to each record's document. Throws Error(kFile): it is no run.
  SortedRun(const std::filesystem::path& path, uint32_t first_document);

  std::span<const HashRecord> of(HashRanges ranges) const;
  uint32_t first_document() const { return first_document_; }

 private:
  MappedFile file_;
  uint32_t first_document_;
};

// All ranges, parted for shards of these sizes (bytes on disk): a small corpus is no work for many tasks.
std::vector<HashRanges> part_ranges(const std::vector<uint64_t>& sizes);

// What each part takes of work that is weighed by the sizes of shards.
std::vector<uint64_t> part_weights(const std::vector<uint64_t>& sizes);

std::filesystem::path run_path(const std::filesystem::path& name, size_t number);

// Groups of records with one hash, in these ranges, by rising hash, each by document and extra. `runs` must
// outlive it. Memory is that of the largest group.
void for_each_group(const std::vector<SortedRun>& runs, HashRanges ranges,
                    const std::function<void(std::span<const HashRecord> group)>& take);

}  // namespace longscroll::corpus
