#include "corpus/spill.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <queue>
#include <utility>

#include <fmt/format.h>

#include "formats/atomic_file.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

constexpr uint64_t kPartBytes = uint64_t{4} << 20;  // of compressed shards, for a task
constexpr int kRangeShift = 64 - 6;
static_assert(kHashRanges == 1u << (64 - kRangeShift));

using Offsets = std::array<uint64_t, kHashRanges + 1>;  // in records; the last is how many there are
constexpr size_t kHeaderBytes = sizeof(Offsets);
static_assert(kHeaderBytes % alignof(HashRecord) == 0);

Offsets offsets_of(const MappedFile& file) {
  Offsets offsets;
  std::memcpy(offsets.data(), file.bytes().data(), kHeaderBytes);
  return offsets;
}

// What is left of a run's range while it is merged.
struct Cursor {
  std::span<const HashRecord> left;
  uint32_t first_document = 0;

  HashRecord front() const {
    HashRecord record = left.front();
    record.document += first_document;
    return record;
  }
};

}  // namespace

std::filesystem::path run_path(const std::filesystem::path& name, size_t number) {
  std::filesystem::path path = name;
  path += fmt::format("-{:03}.run", number);
  return path;
}

std::vector<HashRanges> part_ranges(const std::vector<uint64_t>& sizes) {
  const uint64_t wanted = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}) / kPartBytes;
  const auto parts = static_cast<uint32_t>(std::bit_floor(std::clamp<uint64_t>(wanted, 1, kHashRanges)));
  std::vector<HashRanges> ranges;
  for (uint32_t part = 0; part < parts; ++part) {
    ranges.push_back({part * (kHashRanges / parts), (part + 1) * (kHashRanges / parts)});
  }
  return ranges;
}

std::vector<uint64_t> part_weights(const std::vector<uint64_t>& sizes) {
  const uint64_t sum = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
  const size_t parts = part_ranges(sizes).size();
  return std::vector<uint64_t>(parts, sum / parts + 1);
}

RunWriter::RunWriter(std::filesystem::path name, size_t run_records)
    : name_(std::move(name)), run_records_(run_records) {}

void RunWriter::add(const HashRecord& record) {
  records_.push_back(record);
  if (records_.size() >= run_records_) write_run();
}

void RunWriter::write_run() {
  std::sort(records_.begin(), records_.end());
  Offsets offsets{};
  for (const HashRecord& record : records_) ++offsets[(record.hash >> kRangeShift) + 1];
  for (size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
  AtomicFile file(run_path(name_, runs_));
  file.write(std::as_bytes(std::span(offsets)));
  file.write(std::as_bytes(std::span(records_)));
  file.commit();
  records_.clear();
  ++runs_;
}

size_t RunWriter::finish() {
  if (!records_.empty()) write_run();
  records_ = {};
  return runs_;
}

SortedRun::SortedRun(const std::filesystem::path& path, uint32_t first_document)
    : file_(path), first_document_(first_document) {
  const size_t size = file_.bytes().size();
  const bool has_header = size >= kHeaderBytes;
  const Offsets offsets = has_header ? offsets_of(file_) : Offsets{};
  const bool is_whole = has_header && offsets.back() <= size / sizeof(HashRecord) &&
                        std::is_sorted(offsets.begin(), offsets.end()) &&
                        kHeaderBytes + offsets.back() * sizeof(HashRecord) == size;
  if (!is_whole)
    throw_bad_file(path, "must be a run of records, found something else", "begin the step anew");
}

std::span<const HashRecord> SortedRun::of(HashRanges ranges) const {
  const Offsets offsets = offsets_of(file_);
  const auto* records = reinterpret_cast<const HashRecord*>(file_.bytes().data() + kHeaderBytes);
  return {records + offsets[ranges.begin], records + offsets[ranges.end]};
}

void for_each_group(const std::vector<SortedRun>& runs, HashRanges ranges,
                    const std::function<void(std::span<const HashRecord> group)>& take) {
  const auto later = [](const Cursor& a, const Cursor& b) { return b.front() < a.front(); };
  std::priority_queue<Cursor, std::vector<Cursor>, decltype(later)> cursors(later);
  for (const SortedRun& run : runs) {
    const std::span<const HashRecord> records = run.of(ranges);
    if (!records.empty()) cursors.push({records, run.first_document()});
  }
  std::vector<HashRecord> group;
  while (!cursors.empty()) {
    Cursor cursor = cursors.top();
    cursors.pop();
    const HashRecord record = cursor.front();
    if (!group.empty() && group.front().hash != record.hash) {
      take(group);
      group.clear();
    }
    group.push_back(record);
    cursor.left = cursor.left.subspan(1);
    if (!cursor.left.empty()) cursors.push(cursor);
  }
  if (!group.empty()) take(group);
}

}  // namespace longscroll::corpus
