// data stats: how long documents are; of token shards, how they fill packs; of a corpus, what each step left.
#include <filesystem>

#include <fmt/format.h>

#include "apps/data_commands.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/terminal.h"
#include "corpus/step_folder.h"
#include "data/document_set.h"
#include "data/pack_layout.h"
#include "data/token_shard.h"
#include "formats/atomic_file.h"

namespace longscroll {
namespace {

struct StatsOptions {
  std::vector<std::string> shards;
  std::string svg;
  uint32_t window = 0;
  bool check = false;
  bool json = false;
  std::string tokenizer;  // this and what follows: of a corpus
  std::string html;
  int threads = 0;
};

struct Filling {
  data::PackingMode mode = data::PackingMode::kBestFit;
  uint64_t packs = 0;
  double filled = 0;      // percent of the packs' positions that hold a document
  uint64_t cut = 0;       // documents that go on in another pack
  uint64_t too_long = 0;  // instructions that do not fit, and are not counted
};

Filling fill(const data::Documents& documents, data::PackingMode mode, uint32_t window, uint64_t too_long) {
  const auto layout = data::lay_out(*documents, mode, window, 0, 0);
  Filling filling{mode, layout->packs(), 0, 0, too_long};
  uint64_t positions = 0;
  for (uint64_t pack = 0; pack < layout->packs(); ++pack) {
    for (const data::Piece& piece : layout->pieces(pack)) {
      positions += piece.count;
      if (piece.from == 0 && piece.count < documents->positions(piece.document)) ++filling.cut;
    }
  }
  filling.filled = percent(positions, filling.packs * window);
  return filling;
}

std::vector<Filling> fillings(const data::Documents& documents, uint32_t window) {
  using data::PackingMode;
  if (documents->may_split()) {
    std::vector<Filling> found;
    for (const PackingMode mode : {PackingMode::kBestFit, PackingMode::kConcatenate, PackingMode::kPadded}) {
      found.push_back(fill(documents, mode, window, 0));
    }
    return found;
  }
  std::vector<uint32_t> fitting;
  for (uint32_t i = 0; i < documents->size(); ++i) {
    if (documents->positions(i) <= window) fitting.push_back(i);
  }
  const uint64_t too_long = documents->size() - fitting.size();
  const data::Documents chosen = data::choose(documents, std::move(fitting));
  return {fill(chosen, PackingMode::kBestFit, window, too_long),
          fill(chosen, PackingMode::kPadded, window, too_long)};
}

std::string fillings_as_text(const std::vector<Filling>& found, uint32_t window) {
  std::string text =
      fmt::format("\n{:<14}{:>10}{:>10}{:>16}\n", fmt::format("packs of {}", format_count(window)), "packs",
                  "filled", "documents cut");
  for (const Filling& filling : found) {
    text += fmt::format("{:<14}{:>10}{:>9.1f}%{:>16}\n", to_string(filling.mode), format_count(filling.packs),
                        filling.filled, format_count(filling.cut));
  }
  if (found.front().too_long > 0) {
    text += fmt::format("{} instruction(s) do not fit and are not counted\n",
                        format_count(found.front().too_long));
  }
  return text;
}

Json fillings_to_json(const std::vector<Filling>& found) {
  Json json = Json::array();
  for (const Filling& filling : found) {
    json.push_back({{"mode", to_string(filling.mode)},
                    {"packs", filling.packs},
                    {"filled", filling.filled / 100},
                    {"documents_cut", filling.cut},
                    {"too_long", filling.too_long}});
  }
  return json;
}

int stats_of_tokens(const StatsOptions& options) {
  const std::vector<std::filesystem::path> named(options.shards.begin(), options.shards.end());
  const std::vector<std::filesystem::path> paths = data::find_shards(named);
  const data::TokenizerIdentity tokenizer = data::TokenShard(paths.front()).tokenizer();
  const data::Documents documents = data::open_shards(paths, tokenizer);
  if (options.check) {
    for (const std::filesystem::path& path : paths) {
      data::TokenShard(path).check_documents();
      throw_if_interrupted();
    }
  }
  std::vector<uint64_t> lengths;
  lengths.reserve(documents->size());
  for (uint32_t i = 0; i < documents->size(); ++i) lengths.push_back(documents->positions(i) + 1);
  const data::LengthStats found = data::length_stats(lengths);
  const std::vector<Filling> packs =
      options.window > 0 ? fillings(documents, options.window) : std::vector<Filling>{};
  if (!options.svg.empty()) {
    write_file(options.svg, lengths_chart(found).document());
  }
  if (options.json) {
    Json json = {{"shards", paths.size()},
                 {"tokenizer", tokenizer_to_json(tokenizer)},
                 {"instructions", !documents->may_split()},
                 {"checked", options.check},
                 {"lengths", lengths_to_json(found)}};
    if (options.window > 0) json["window"] = options.window;
    if (options.window > 0) json["packing"] = fillings_to_json(packs);
    write_json(json);
  } else {
    write_out(fmt::format("{} shard(s) of {}{}\n", paths.size(), printable(tokenizer.text()),
                          options.check ? ", every document as it was written" : "") +
              lengths_as_text(found) + (packs.empty() ? "" : fillings_as_text(packs, options.window)));
  }
  return 0;
}

int stats(const StatsOptions& options) {
  const bool is_corpus = corpus::is_step(options.shards.front());
  if (!is_corpus) {
    if (!options.html.empty() || !options.tokenizer.empty()) {
      throw Error(ErrorKind::kArgument, "--html and --tokenizer",
                  "are for the folder of a corpus' step, found " + options.shards.front());
    }
    return stats_of_tokens(options);
  }
  if (options.shards.size() > 1 || options.window > 0 || options.check) {
    throw Error(ErrorKind::kArgument, "SHARDS",
                "must be one folder of a corpus' step, without --window and --check, found otherwise");
  }
  return corpus_stats(
      {options.shards.front(), options.tokenizer, options.svg, options.html, options.threads, options.json});
}

}  // namespace

Json tokenizer_to_json(const data::TokenizerIdentity& tokenizer) {
  return {{"kind", tokenizer.kind},
          {"vocabulary", tokenizer.vocab_size},
          {"sha256", tokenizer.sha256},
          {"model", tokenizer.model}};
}

void add_data_stats(CLI::App& data, Action& action) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* command =
      data.add_subcommand("stats", "Lengths of documents in token shards; the funnel of a corpus");
  command
      ->add_option("SHARDS", options->shards,
                   "Folders that `data pack` made, or single shards; or the last step's folder of a corpus")
      ->required();
  command->add_option("--svg", options->svg, "Also as a picture: documents and tokens by length");
  command->add_option("--window", options->window, "Also how packs of so many tokens are filled")
      ->check(CLI::Range(uint32_t{1}, uint32_t{1} << 28));
  command->add_flag("--check", options->check, "Read every document and compare its checksum");
  command->add_option("--tokenizer", options->tokenizer,
                      "Of a corpus: the model whose tokenizer counts; without it, no lengths");
  command->add_option("--html", options->html, "Of a corpus: a page with its funnel and lengths");
  command->add_option("--threads", options->threads, "Of a corpus: threads that count (default: every core)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", options->json, "One JSON object on standard output");
  command->footer(
      "Lengths count a document's tokens with its BOS and EOS. A step ends with the length it names: 32K "
      "fits a\n"
      "window of 32K.\n\nExample:\n  longscroll data stats packed --window 32768 --svg lengths.svg\n"
      "  longscroll data stats corpus/06-mix --tokenizer smollm2-135m --html corpus.html");
  command->callback([&action, options] { action = [options] { return stats(*options); }; });
}

}  // namespace longscroll
