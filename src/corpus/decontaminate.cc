#include "corpus/decontaminate.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "corpus/shard_map.h"
#include "data/byte_source.h"
#include "data/records.h"
#include "formats/atomic_file.h"
#include "formats/file_faults.h"
#include "library/document.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWindowMultiplier = 0x8ebc6af09c88c6e3u;
constexpr size_t kShownBytes = 240;

// Calls `take(hash, first token)` for each run of n tokens of which `is_kind(ideographs in it)`. A run's kind
// is part of its hash, so that words and characters lie in one table.
template <class IsKind, class Take>
void for_each_run(const MatchTokens& tokens, size_t n, const IsKind& is_kind, const Take& take) {
  if (tokens.size() < n) return;
  uint64_t power = 1;
  for (size_t i = 1; i < n; ++i) power *= kWindowMultiplier;
  uint64_t value = 0;
  size_t ideographs = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i >= n) {
      value -= power * tokens.hashes[i - n];
      ideographs -= tokens.is_ideograph[i - n];
    }
    value = value * kWindowMultiplier + tokens.hashes[i];
    ideographs += tokens.is_ideograph[i];
    if (i + 1 < n || !is_kind(ideographs)) continue;
    const uint64_t hash = (value ^ (value >> 29)) * kWindowMultiplier + n;
    if (!take(hash == 0 ? 1 : hash, i + 1 - n)) return;
  }
}

// Runs of both kinds, until `take(hash, first, length)` says false.
template <class Take>
void for_each_run_of_both(const MatchTokens& tokens, size_t words, size_t characters, const Take& take) {
  for_each_run(
      tokens, words, [&](size_t ideographs) { return 2 * ideographs < words; },
      [&](uint64_t hash, size_t first) { return take(hash, first, words); });
  for_each_run(
      tokens, characters, [&](size_t ideographs) { return 2 * ideographs >= characters; },
      [&](uint64_t hash, size_t first) { return take(hash, first, characters); });
}

void for_each_text(const nlohmann::json& value, const std::function<void(const std::string&)>& take) {
  if (value.is_string()) return take(value.get_ref<const std::string&>());
  if (!value.is_structured()) return;
  for (const nlohmann::json& inner : value) for_each_text(inner, take);
}

bool is_record_file(fs::path path) {
  if (path.extension() == ".gz" || path.extension() == ".zst") path = path.stem();
  return path.extension() == ".jsonl" || path.extension() == ".json";
}

bool is_text_file(fs::path path) {
  if (path.extension() == ".gz" || path.extension() == ".zst") path = path.stem();
  return path.extension() == ".txt" || path.extension() == ".md";
}

std::vector<fs::path> find_sets(const std::vector<std::string>& against) {
  std::vector<fs::path> found;
  for (const fs::path path : against) {
    std::error_code fault;
    if (!fs::is_directory(path, fault)) {
      if (!is_record_file(path) && !is_text_file(path)) {
        throw_unsupported_file(path, "must end in .jsonl, .json, .txt or .md (or these with .gz, .zst)");
      }
      found.push_back(path);
      continue;
    }
    std::vector<fs::path> inside;
    for (fs::recursive_directory_iterator it(path, fault), end; !fault && it != end; it.increment(fault)) {
      if (is_record_file(it->path()) || is_text_file(it->path())) inside.push_back(it->path());
    }
    if (fault) throw_bad_file(path, fmt::format("must be readable, found: {}", fault.message()));
    std::sort(inside.begin(), inside.end());
    found.insert(found.end(), inside.begin(), inside.end());
  }
  return found;
}

std::vector<InputFile> with_sizes(const std::vector<fs::path>& paths) {
  std::vector<InputFile> files;
  for (const fs::path& path : paths) {
    std::error_code ignored;
    const uintmax_t size = fs::file_size(path, ignored);
    files.push_back({path, ignored ? 0 : size});
  }
  return files;
}

}  // namespace

std::vector<SettingField> fields_of(DecontaminateSettings& settings) {
  return {{"decontaminate.against", &settings.against},
          {"decontaminate.words", &settings.words},
          {"decontaminate.characters", &settings.characters}};
}

Contamination::Contamination(const DecontaminateSettings& settings)
    : words_(settings.words), characters_(settings.characters), table_(size_t{1} << 16) {
  if (words_ == 0 || characters_ == 0) {
    throw Error(ErrorKind::kArgument, "decontaminate", "must have runs of at least one token, found 0");
  }
  MatchTokens tokens;
  for (const fs::path& path : find_sets(settings.against)) {
    sets_.push_back(path.filename().string());
    add_file(path, static_cast<uint32_t>(sets_.size() - 1), tokens);
  }
  if (count_ == 0) {
    throw Error(ErrorKind::kFile,
                settings.against.empty() ? "decontaminate.against" : settings.against.front(),
                fmt::format("must hold texts of at least {} words or {} characters, found none", words_,
                            characters_));
  }
}

void Contamination::add_file(const fs::path& path, uint32_t set, MatchTokens& tokens) {
  if (is_text_file(path)) {
    std::string bytes = data::read_bytes(path, kMaxTextBytes);
    add_text(decode_document(std::move(bytes), path.string()).text, set, tokens);
    return;
  }
  data::RecordReader records(path);
  while (const std::optional<data::Record> record = records.next()) {
    for_each_text(record->fields, [&](const std::string& text) { add_text(text, set, tokens); });
  }
}

void Contamination::add_text(std::string_view text, uint32_t set, MatchTokens& tokens) {
  match_tokens(text, tokens);
  bool has_run = false;
  for_each_run_of_both(tokens, words_, characters_, [&](uint64_t hash, size_t, size_t) {
    has_run = true;
    insert(hash, set);
    return true;
  });
  ++texts_;
  too_short_ += has_run ? 0 : 1;
}

const Contamination::Entry* Contamination::find_hash(uint64_t hash) const {
  const size_t mask = table_.size() - 1;
  for (size_t at = hash & mask; table_[at].hash != 0; at = (at + 1) & mask) {
    if (table_[at].hash == hash) return &table_[at];
  }
  return nullptr;
}

// At most half full, so that a search is short.
void Contamination::insert(uint64_t hash, uint32_t set) {
  if (find_hash(hash) != nullptr) return;
  const auto put = [&](const Entry& entry) {
    const size_t mask = table_.size() - 1;
    size_t at = entry.hash & mask;
    while (table_[at].hash != 0) at = (at + 1) & mask;
    table_[at] = entry;
  };
  if (2 * ++count_ > table_.size()) {
    std::vector<Entry> old(2 * table_.size());
    old.swap(table_);
    for (const Entry& entry : old) {
      if (entry.hash != 0) put(entry);
    }
  }
  put({hash, set});
}

Contamination::Match Contamination::find(std::string_view text, MatchTokens& tokens) const {
  match_tokens(text, tokens);
  Match match;
  for_each_run_of_both(tokens, words_, characters_, [&](uint64_t hash, size_t first, size_t length) {
    const Entry* entry = find_hash(hash);
    if (match.found || entry == nullptr) return !match.found;  // found among words: no need of characters
    match.found = true;
    match.set = sets_[entry->set];
    const size_t begin = tokens.begin[first];
    match.text = std::string(text.substr(begin, tokens.end[first + length - 1] - begin));
    return false;
  });
  return match;
}

namespace {

// Runs are shown whole unless what lies between their tokens is long.
std::string shown(const std::string& run) {
  const std::string_view cut = std::string_view(run).substr(0, kShownBytes);
  return std::string(cut.substr(0, cut.size() - incomplete_utf8_suffix(cut)));
}

Json decontaminate_shard(const StepFolder& folder, const fs::path& input, size_t shard,
                         const Contamination& contamination, const std::atomic<bool>* cancel) {
  Json listed = Json::array();
  MatchTokens tokens;
  const Rule rule = [&](TextDocument& document, uint64_t /*number*/, StepReport& report) -> Verdict {
    const Contamination::Match match = contamination.find(document.text, tokens);
    if (!match.found) return {};
    ++report.changes["found in " + match.set];
    listed.push_back(
        {{"id", document.id}, {"source", document.source}, {"set", match.set}, {"run", shown(match.text)}});
    return {"contaminated", fmt::format("{}: {}", match.set, shown(match.text))};
  };
  const StepReport report = map_shard(input, folder.shard(shard), rule, cancel);
  if (!listed.empty()) {
    write_file(folder.path() / "listed" / fmt::format("{:06}.json", shard), json_page(listed));
  }
  return report.to_json();
}

}  // namespace

Json decontaminate_corpus(const StepRequest& request, const DecontaminateSettings& settings,
                          const data::ReadEvents& events) {
  const std::vector<InputFile> files = find_documents(request.inputs);
  std::vector<InputFile> all = files;
  for (InputFile& set : with_sizes(find_sets(settings.against))) all.push_back(std::move(set));
  const StepFolder folder(request, "decontaminate", describe_settings(settings), all);
  if (folder.is_done()) return folder.manifest();
  const Contamination contamination(settings);
  folder.make_folder("listed");
  const auto map = [&](size_t task) {
    return decontaminate_shard(folder, files[task].path, task, contamination, events.cancel);
  };
  const StepReport report = merged(folder.run("map", sizes_of(files), map, events));
  const Json extra = {{"texts", contamination.texts()},
                      {"texts_too_short", contamination.too_short()},
                      {"runs", contamination.runs()}};
  return folder.finish(report, extra, events);
}

}  // namespace longscroll::corpus
