// data stats: how long the documents of token shards are, and how they fill packs.
#include <filesystem>

#include <fmt/format.h>

#include "apps/data_commands.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/terminal.h"
#include "data/document_set.h"
#include "data/pack_layout.h"
#include "data/token_shard.h"
#include "formats/atomic_file.h"
#include "report/charts.h"

namespace longscroll {
namespace {

struct StatsOptions {
  std::vector<std::string> shards;
  std::string svg;
  uint32_t window = 0;
  bool check = false;
  bool json = false;
};

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string lengths_as_svg(const data::LengthStats& stats) {
  std::vector<report::BarGroup> groups;
  for (const data::LengthStep& step : stats.steps) {
    groups.push_back(
        {step.label(),
         {{0, percent(step.documents, stats.documents)}, {1, percent(step.tokens, stats.tokens)}}});
  }
  return report::bar_chart("Documents and tokens by length, %", {"documents", "tokens"}, groups, 100)
      .document();
}

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

int stats(const StatsOptions& options) {
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
  const data::LengthStats found = data::length_stats(std::move(lengths));
  const std::vector<Filling> packs =
      options.window > 0 ? fillings(documents, options.window) : std::vector<Filling>{};
  if (!options.svg.empty()) {
    AtomicFile file(options.svg);
    file.write(lengths_as_svg(found));
    file.commit();
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

}  // namespace

std::string lengths_as_text(const data::LengthStats& stats) {
  std::string text = fmt::format(
      "{} documents, {} tokens; median {}, 90% up to {}, 99% up to {}, longest {}\n\n"
      "{:<12}{:>14}{:>8}{:>18}{:>8}\n",
      format_count(stats.documents), format_count(stats.tokens), format_count(stats.median),
      format_count(stats.p90), format_count(stats.p99), format_count(stats.longest), "length", "documents",
      "", "tokens", "");
  for (const data::LengthStep& step : stats.steps) {
    text += fmt::format("{:<12}{:>14}{:>7.1f}%{:>18}{:>7.1f}%\n", step.label(), format_count(step.documents),
                        percent(step.documents, stats.documents), format_count(step.tokens),
                        percent(step.tokens, stats.tokens));
  }
  return text;
}

Json lengths_to_json(const data::LengthStats& stats) {
  Json json = {{"documents", stats.documents},
               {"tokens", stats.tokens},
               {"median", stats.median},
               {"p90", stats.p90},
               {"p99", stats.p99},
               {"longest", stats.longest}};
  json["steps"] = Json::array();
  for (const data::LengthStep& step : stats.steps) {
    json["steps"].push_back({{"above", step.above},
                             {"up_to", step.up_to == 0 ? Json(nullptr) : Json(step.up_to)},
                             {"documents", step.documents},
                             {"tokens", step.tokens},
                             {"document_share", percent(step.documents, stats.documents) / 100},
                             {"token_share", percent(step.tokens, stats.tokens) / 100}});
  }
  return json;
}

Json tokenizer_to_json(const data::TokenizerIdentity& tokenizer) {
  return {{"kind", tokenizer.kind},
          {"vocabulary", tokenizer.vocab_size},
          {"sha256", tokenizer.sha256},
          {"model", tokenizer.model}};
}

void add_data_stats(CLI::App& data, Action& action) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* command = data.add_subcommand("stats", "Lengths of the documents in token shards");
  command->add_option("SHARDS", options->shards, "Folders that `data pack` made, or single shards")
      ->required();
  command->add_option("--svg", options->svg, "Also as a picture: documents and tokens by length");
  command->add_option("--window", options->window, "Also how packs of so many tokens are filled")
      ->check(CLI::Range(uint32_t{1}, uint32_t{1} << 28));
  command->add_flag("--check", options->check, "Read every document and compare its checksum");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  command->footer(
      "Lengths count a document's tokens with its BOS and EOS. A step ends with the length it names: 32K "
      "fits a\n"
      "window of 32K.\n\nExample:\n  longscroll data stats packed --window 32768 --svg lengths.svg");
  command->callback([&action, options] { action = [options] { return stats(*options); }; });
}

}  // namespace longscroll
