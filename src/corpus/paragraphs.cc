#include "corpus/paragraphs.h"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "base/white_space.h"
#include "corpus/document_numbers.h"
#include "corpus/document_reader.h"
#include "corpus/shard_map.h"
#include "corpus/spill.h"
#include "formats/atomic_file.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

// A paragraph to take out. As it lies in files.
struct Cut {
  uint32_t document = 0;   // of all shards
  uint32_t paragraph = 0;  // of the document, counted from 0
  auto operator<=>(const Cut&) const = default;
};

fs::path runs_of(const StepFolder& folder, size_t shard) {
  return folder.spilled(fmt::format("paragraphs-{:06}", shard));
}

fs::path cut_file(const StepFolder& folder, size_t part) {
  return folder.spilled(fmt::format("cuts-{:02}", part));
}

// Calls `take(line, number)`.
template <class Take>
void for_each_line(std::string_view text, const Take& take) {
  uint32_t number = 0;
  for (size_t begin = 0; begin <= text.size(); ++number) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(begin, end - begin);
    take(line, number);
    begin = end + 1;
  }
}

bool is_long_enough(std::string_view paragraph, uint64_t characters) {
  return paragraph.size() >= characters && count_code_points(paragraph) >= characters;
}

Json write_hashes(const StepFolder& folder, size_t shard, const fs::path& input,
                  const ParagraphSettings& settings, const std::atomic<bool>* cancel) {
  RunWriter runs(runs_of(folder, shard));
  FaultList faults;  // the phase that writes the shard reads the same and reports them
  DocumentReader reader(input, faults);
  TextDocument document;
  uint32_t documents = 0;
  for (; reader.next(document); ++documents) {
    check_cancelled(cancel, input.string());
    for_each_line(document.text, [&](std::string_view line, uint32_t number) {
      const std::string_view paragraph = strip_python_space(line);
      if (!is_long_enough(paragraph, settings.min_characters)) return;
      runs.add({XXH3_64bits(paragraph.data(), paragraph.size()), documents, number});
    });
  }
  return {{"documents", documents}, {"runs", runs.finish()}};
}

uint64_t different_documents(std::span<const HashRecord> group) {
  uint64_t count = 1;
  for (size_t i = 1; i < group.size(); ++i) count += group[i].document != group[i - 1].document ? 1 : 0;
  return count;
}

Json write_cuts(const StepFolder& folder, size_t part, HashRanges ranges, const std::vector<Json>& reports,
                const DocumentNumbers& numbers, uint64_t documents) {
  std::vector<SortedRun> runs;
  for (size_t shard = 0; shard < reports.size(); ++shard) {
    const auto count = reports[shard].at("runs").get<size_t>();
    for (size_t i = 0; i < count; ++i)
      runs.emplace_back(run_path(runs_of(folder, shard), i), numbers.first(shard));
  }
  std::vector<Cut> cuts;
  for_each_group(runs, ranges, [&](std::span<const HashRecord> group) {
    if (different_documents(group) < documents) return;
    for (const HashRecord& record : group.subspan(1)) cuts.push_back({record.document, record.extra});
  });
  std::sort(cuts.begin(), cuts.end());
  write_file(cut_file(folder, part), std::as_bytes(std::span(cuts)));
  return Json::object();
}

// Of all parts, what is to be cut in one shard.
std::vector<Cut> cuts_of(const StepFolder& folder, size_t shard, const DocumentNumbers& numbers,
                         size_t parts) {
  const Cut first{numbers.first(shard), 0};
  const Cut end{numbers.first(shard + 1), 0};
  std::vector<Cut> found;
  for (size_t part = 0; part < parts; ++part) {
    const MappedFile file(cut_file(folder, part));
    const std::span<const Cut> cuts(reinterpret_cast<const Cut*>(file.bytes().data()),
                                    file.bytes().size() / sizeof(Cut));
    found.insert(found.end(), std::lower_bound(cuts.begin(), cuts.end(), first),
                 std::lower_bound(cuts.begin(), cuts.end(), end));
  }
  std::sort(found.begin(), found.end());
  return found;
}

StepReport write_cut(const StepFolder& folder, const fs::path& input, size_t shard,
                     const DocumentNumbers& numbers, size_t parts, const std::atomic<bool>* cancel) {
  const std::vector<Cut> cuts = cuts_of(folder, shard, numbers, parts);
  const Rule rule = [&](TextDocument& document, uint64_t number, StepReport& report) -> Verdict {
    const auto whole = numbers.first(shard) + static_cast<uint32_t>(number);
    auto cut = std::lower_bound(cuts.begin(), cuts.end(), Cut{whole, 0});
    if (cut == cuts.end() || cut->document != whole) return {};
    std::string rest;
    for_each_line(document.text, [&](std::string_view line, uint32_t paragraph) {
      if (cut != cuts.end() && *cut == Cut{whole, paragraph}) {
        ++cut;
        ++report.changes["repeated-paragraphs"];
        return;
      }
      rest += line;
      rest += '\n';
    });
    document.text = std::string(strip_python_space(rest));
    return {};
  };
  return map_shard(input, folder.shard(shard), rule, cancel);
}

}  // namespace

std::vector<SettingField> fields_of(ParagraphSettings& settings) {
  return {{"paragraphs.min_characters", &settings.min_characters},
          {"paragraphs.documents", &settings.documents}};
}

Json cut_repeated_paragraphs(const StepRequest& request, const ParagraphSettings& settings,
                             const data::ReadEvents& events) {
  if (settings.documents < 2) {
    throw Error(ErrorKind::kArgument, "paragraphs.documents",
                fmt::format("must be at least 2, found {}", settings.documents));
  }
  const std::vector<InputFile> files = find_documents(request.inputs);
  const StepFolder folder(request, "paragraphs", describe_settings(settings), files);
  if (folder.is_done()) return folder.manifest();
  const std::vector<uint64_t> sizes = sizes_of(files);
  const std::vector<Json> hashes = folder.run(
      "hashes", sizes,
      [&](size_t task) { return write_hashes(folder, task, files[task].path, settings, events.cancel); },
      events);
  const DocumentNumbers numbers(hashes);
  const std::vector<HashRanges> parts = part_ranges(sizes);
  folder.run(
      "cuts", part_weights(sizes),
      [&](size_t part) { return write_cuts(folder, part, parts[part], hashes, numbers, settings.documents); },
      events);
  const StepReport report = merged(folder.run(
      "write", sizes,
      [&](size_t task) {
        return write_cut(folder, files[task].path, task, numbers, parts.size(), events.cancel).to_json();
      },
      events));
  return folder.finish(report, Json::object(), events);
}

}  // namespace longscroll::corpus
