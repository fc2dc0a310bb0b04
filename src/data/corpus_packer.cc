#include "data/corpus_packer.h"

#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/encode_batches.h"
#include "data/token_shard.h"
#include "formats/atomic_directory.h"
#include "formats/atomic_file.h"

namespace longscroll::data {
namespace {

namespace fs = std::filesystem;

// A folder of shards in the making.
class ShardFolder {
 public:
  ShardFolder(fs::path folder, const PackRequest& request, PackReport& report)
      : folder_(std::move(folder)), request_(request), report_(report) {}

  void add(const TokenDocument& document, const std::string& place) {
    if (document.ids.size() < 2) {
      ++report_.too_short;
      return;
    }
    if (!shard_) begin_shard(place);
    shard_->add(document);
    lengths_.push_back(document.ids.size());
    report_.learnt += learnt_of(document);
    report_.shards.back().last = place;
    if (shard_->ids() >= request_.shard_ids) end_shard();
  }

  void finish() {
    if (shard_) end_shard();
    report_.lengths = length_stats(lengths_);
  }

 private:
  static uint64_t learnt_of(const TokenDocument& document) {
    uint64_t learnt = 0;
    for (size_t i = 1; i < document.ids.size(); ++i)
      learnt += document.learnt.empty() || document.learnt[i] != 0;
    return learnt;
  }

  void begin_shard(const std::string& place) {
    ShardSummary summary;
    summary.file = fmt::format("{:05}{}", report_.shards.size(), kShardEnding);
    summary.first = place;
    shard_.emplace(folder_ / summary.file, report_.tokenizer, request_.chat.has_value());
    report_.shards.push_back(std::move(summary));
  }

  void end_shard() {
    report_.shards.back().documents = shard_->documents();
    report_.shards.back().ids = shard_->ids();
    shard_->commit();
    shard_.reset();
  }

  fs::path folder_;
  const PackRequest& request_;
  PackReport& report_;
  std::optional<ShardWriter> shard_;
  std::vector<uint64_t> lengths_;
};

TokenDocument encode_text(const Tokenizer& tokenizer, const PackRequest& request, const std::string& text) {
  TokenDocument document;
  document.ids = tokenizer.encode(text, {.add_special = false, .parse_special = false});
  if (document.ids.empty()) return document;
  if (request.bos) document.ids.insert(document.ids.begin(), *request.bos);
  if (request.eos) document.ids.push_back(*request.eos);
  return document;
}

void pack_texts(const PackRequest& request, const Tokenizer& tokenizer, const ReadEvents& events,
                ShardFolder& out, PackReport& report) {
  const CorpusFiles files = find_corpus_files(request.inputs);
  CorpusReader reader(files.paths, request.text_field);
  const auto next_kept = [&] {
    std::optional<CorpusText> text = reader.next();
    while (text && request.keep && !request.keep(*text)) text = reader.next();
    return text;
  };
  encode_batches(
      request.threads, next_kept, [](const CorpusText& text) { return text.text.size(); },
      [&](const CorpusText& text) { return encode_text(tokenizer, request, text.text); },
      [&](const CorpusText& text, const TokenDocument& document) {
        out.add(document, text.place);
        if (events.progress) events.progress(reader.position(), files.bytes);
      },
      events.cancel);
  report.empty = reader.empty();
  report.remarks = files.remarks;
  for (std::string& remark : reader.remarks()) report.remarks.push_back(std::move(remark));
}

void pack_instructions(const PackRequest& request, const Tokenizer& tokenizer, const ReadEvents& events,
                       ShardFolder& out, PackReport& report) {
  const CorpusFiles files = find_record_files(request.inputs);
  RecordFiles records(files.paths);
  encode_instructions(records, request.form, tokenizer, *request.chat, request.threads, events.cancel,
                      [&](const TokenDocument& document, const std::string& place) {
                        out.add(document, place);
                        if (events.progress) events.progress(records.position(), files.bytes);
                      });
  report.remarks = files.remarks;
}

void write_manifest(const fs::path& path, const PackRequest& request, const PackReport& report) {
  const auto id_or_null = [](std::optional<TokenId> id) {
    return id ? nlohmann::ordered_json(*id) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json manifest = {{"format", "longscroll token shards"},
                                     {"version", 1},
                                     {"tokenizer",
                                      {{"kind", report.tokenizer.kind},
                                       {"vocabulary", report.tokenizer.vocab_size},
                                       {"sha256", report.tokenizer.sha256},
                                       {"model", report.tokenizer.model}}}};
  for (const fs::path& input : request.inputs) manifest["inputs"].push_back(input.string());
  if (request.chat) {
    manifest["instructions"] = {{"chat_form", to_string(request.chat->format)},
                                {"system", request.chat->default_system},
                                {"form", request.form ? to_string(*request.form) : "auto"}};
  } else {
    manifest["text"] = {
        {"field", request.text_field}, {"bos", id_or_null(request.bos)}, {"eos", id_or_null(request.eos)}};
  }
  manifest["documents"] = report.lengths.documents;
  manifest["tokens"] = report.lengths.tokens;
  manifest["learnt"] = report.learnt;
  manifest["left_out"] = {{"empty", report.empty}, {"too_short", report.too_short}};
  for (const ShardSummary& shard : report.shards) {
    manifest["shards"].push_back({{"file", shard.file},
                                  {"documents", shard.documents},
                                  {"tokens", shard.ids},
                                  {"first", shard.first},
                                  {"last", shard.last}});
  }
  write_file(path, manifest.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

std::optional<TokenId> leading_id(const Tokenizer& tokenizer) {
  const std::vector<TokenId> ids = tokenizer.encode("", {.add_special = true});
  const bool leads = !ids.empty() && tokenizer.bos() && ids.front() == *tokenizer.bos();
  return leads ? tokenizer.bos() : std::nullopt;
}

PackReport pack_corpus(const PackRequest& request, const Tokenizer& tokenizer, const ReadEvents& events) {
  std::error_code ignored;
  if (!request.replace && fs::exists(request.out, ignored)) {
    throw Error(ErrorKind::kArgument, request.out.string(), "must be a new folder, found something there",
                "--force replaces it");
  }
  PackReport report;
  report.tokenizer = identify(tokenizer, request.model);
  AtomicDirectory directory(request.out);
  ShardFolder out(directory.temporary(), request, report);
  if (request.chat) {
    pack_instructions(request, tokenizer, events, out, report);
  } else {
    pack_texts(request, tokenizer, events, out, report);
  }
  out.finish();
  if (report.lengths.documents == 0) {
    throw Error(ErrorKind::kFile, request.inputs.front().string(),
                fmt::format("must hold documents, found none ({} without text, {} of one token)",
                            report.empty, report.too_short));
  }
  write_manifest(directory.temporary() / "manifest.json", request, report);
  directory.commit();
  return report;
}

}  // namespace longscroll::data
