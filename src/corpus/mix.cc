#include "corpus/mix.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/mapped_file.h"
#include "corpus/document_reader.h"
#include "corpus/document_writer.h"
#include "corpus/mix_cells.h"
#include "formats/atomic_file.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

fs::path token_file(const StepFolder& folder, size_t shard) {
  return folder.spilled(fmt::format("tokens-{:06}", shard));  // uint32 a document
}

Json write_token_counts(const StepFolder& folder, size_t shard, const fs::path& input,
                        const MixSettings& settings, const CountTokens& count_tokens,
                        const std::atomic<bool>* cancel) {
  AtomicFile file(token_file(folder, shard));
  MixCounts counts(settings);
  FaultList faults;  // the phase that writes the shard reads the same and reports them
  DocumentReader reader(input, faults);
  TextDocument document;
  while (reader.next(document)) {
    check_cancelled(cancel, input.string());
    const auto tokens = static_cast<uint32_t>(count_tokens(document.text));  // texts are far below 4 GiB
    file.write(std::as_bytes(std::span(&tokens, 1)));
    counts.add(document.source, tokens);
  }
  file.commit();
  return {{"counts", counts.to_json()}};
}

// Writes a shard's documents as often as they are taken: first all that are taken once or more, then those
// that are taken twice, so that copies lie apart.
class MixWriter {
 public:
  MixWriter(const StepFolder& folder, size_t shard, const fs::path& input, const MixCells& cells,
            const std::atomic<bool>* cancel)
      : folder_(folder),
        shard_(shard),
        input_(input),
        cells_(cells),
        cancel_(cancel),
        tokens_(token_file(folder, shard)) {}

  Json write() {
    DocumentWriter writer(folder_.shard(shard_));
    AtomicFile taken(folder_.path() / "taken" / fmt::format("{:06}.ndjson", shard_));
    for (uint64_t epoch = 1; epoch <= most_; ++epoch) pass(epoch, writer, taken);
    writer.commit();
    taken.commit();
    report_.shards.push_back(
        {folder_.shard(shard_).filename().string(), writer.documents(), writer.text_bytes()});
    Json json = report_.to_json();
    json["taken"] = taken_.to_json();
    return json;
  }

 private:
  uint32_t tokens_of(uint64_t number) const {
    uint32_t tokens = 0;
    if ((number + 1) * sizeof(tokens) > tokens_.bytes().size()) {
      throw_bad_file(input_, "must stay as it is while the step reads it, found more documents than before");
    }
    std::memcpy(&tokens, tokens_.bytes().data() + number * sizeof(tokens), sizeof(tokens));
    return tokens;
  }

  void pass(uint64_t epoch, DocumentWriter& writer, AtomicFile& taken) {
    FaultList faults;
    DocumentReader reader(input_, epoch == 1 ? report_.faults : faults);
    TextDocument document;
    for (uint64_t number = 0; reader.next(document); ++number) {
      check_cancelled(cancel_, input_.string());
      const uint32_t tokens = tokens_of(number);
      const MixCell* cell = cells_.find(document.source, tokens);
      const uint64_t times = cell == nullptr ? 0 : cells_.times(*cell, document.id);
      if (epoch == 1) count_in(document, tokens, times, cell, taken);
      if (times < epoch) continue;
      taken_.add(document.source, tokens);
      if (epoch > 1) {
        document.meta = with_field(document.meta, "epoch", epoch);
        document.id += fmt::format("#{}", epoch);
      }
      report_.out[document.source].add(document.text.size());
      writer.add(document);
    }
  }

  void count_in(const TextDocument& document, uint32_t tokens, uint64_t times, const MixCell* cell,
                AtomicFile& taken) {
    most_ = std::max(most_, times);
    report_.in[document.source].add(document.text.size());
    if (times == 0) {
      report_.drop(document, "not-taken",
                   cell == nullptr ? "of no source and length that is wanted"
                                   : fmt::format("taken {:.3f} times each", cell->rate));
      return;
    }
    taken.write(
        json_line({{"id", document.id}, {"source", document.source}, {"tokens", tokens}, {"times", times}}));
  }

  const StepFolder& folder_;
  size_t shard_;
  const fs::path& input_;
  const MixCells& cells_;
  const std::atomic<bool>* cancel_;
  MappedFile tokens_;
  StepReport report_;
  MixCounts taken_{cells_.settings()};
  uint64_t most_ = 1;  // that any document of the shard is taken
};

Json cells_to_json(const MixCells& cells, const MixCounts& taken) {
  Json json = Json::array();
  for (const MixCell& cell : cells.cells()) {
    const MixCounts::Count count = taken.of(cell);
    json.push_back({{"source", cell.source.empty() ? Json(nullptr) : Json(cell.source)},
                    {"from", cell.from},
                    {"up_to", cell.up_to == 0 ? Json(nullptr) : Json(cell.up_to)},
                    {"documents", cell.documents},
                    {"tokens", cell.tokens},
                    {"wanted", static_cast<uint64_t>(cell.wanted)},
                    {"rate", cell.rate},
                    {"capped", cell.is_capped},
                    {"taken_documents", count.documents},
                    {"taken_tokens", count.tokens}});
  }
  return json;
}

FieldPlace source_place(MixSettings& settings, size_t entry, size_t field) {
  MixSource& source = settings.sources[entry];
  const std::array<FieldPlace, 3> places = {&source.name, &source.weight, &source.max_epochs};
  return places.at(field);
}

FieldPlace bucket_place(MixSettings& settings, size_t entry, size_t field) {
  MixBucket& bucket = settings.buckets[entry];
  const std::array<FieldPlace, 2> places = {&bucket.from, &bucket.weight};
  return places.at(field);
}

}  // namespace

std::vector<SettingField> fields_of(MixSettings& settings) {
  return {{"mix.tokens", &settings.tokens},
          {"mix.seed", &settings.seed},
          {"mix.max_epochs", &settings.max_epochs}};
}

std::vector<SettingList> lists_of(MixSettings& settings) {
  return {{"mix.sources",
           {"name", "weight", "max_epochs"},
           [&settings] { return settings.sources.size(); },
           [&settings] { settings.sources.emplace_back(); },
           [&settings](size_t entry, size_t field) { return source_place(settings, entry, field); }},
          {"mix.buckets",
           {"from", "weight"},
           [&settings] { return settings.buckets.size(); },
           [&settings] { settings.buckets.emplace_back(); },
           [&settings](size_t entry, size_t field) { return bucket_place(settings, entry, field); }}};
}

Json mix_corpus(const StepRequest& request, const MixSettings& settings, const std::string& tokenizer,
                const CountTokens& count_tokens, const data::ReadEvents& events) {
  validate(settings);
  MixSettings copy = settings;  // the table's places are of settings that can be changed
  Json described = settings_to_json({"", "", fields_of(copy), lists_of(copy)});
  described["tokenizer"] = tokenizer;
  const std::vector<InputFile> files = find_documents(request.inputs);
  const StepFolder folder(request, "mix", described, files);
  if (folder.is_done()) return folder.manifest();
  const std::vector<uint64_t> sizes = sizes_of(files);
  const std::vector<Json> counted = folder.run(
      "count", sizes,
      [&](size_t task) {
        return write_token_counts(folder, task, files[task].path, settings, count_tokens, events.cancel);
      },
      events);
  MixCounts counts(settings);
  for (const Json& report : counted) counts.merge_json(report.at("counts"));
  const MixCells cells(settings, counts);
  folder.make_folder("taken");
  const std::vector<Json> written = folder.run(
      "write", sizes,
      [&](size_t task) { return MixWriter(folder, task, files[task].path, cells, events.cancel).write(); },
      events);
  MixCounts taken(settings);
  for (const Json& report : written) taken.merge_json(report.at("taken"));
  const Json extra = {{"cells", cells_to_json(cells, taken)}};
  return folder.finish(merged(written), extra, events);
}

}  // namespace longscroll::corpus
