// data pack: a corpus or instructions to token shards.
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "apps/data_commands.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"
#include "data/corpus_packer.h"
#include "data/token_shard.h"

namespace longscroll {
namespace {

struct PackOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::string out;
  std::string text_field = "text";
  std::string bos = "auto";
  std::string eos = "auto";
  bool instructions = false;
  std::string form = "auto";
  std::string system;
  uint64_t shard_tokens = uint64_t{1} << 26;
  bool force = false;
  bool json = false;
};

TokenId token_named(const Tokenizer& tokenizer, const std::string& text, const char* option) {
  const std::optional<TokenId> id = tokenizer.find_token(text);
  if (!id) {
    throw Error(ErrorKind::kArgument, option,
                fmt::format("must be auto, none or a token of the model, found '{}'", text));
  }
  return *id;
}

std::optional<TokenId> chosen_bos(const PackOptions& options, const Tokenizer& tokenizer) {
  if (options.bos == "none") return std::nullopt;
  if (options.bos == "auto") return data::leading_id(tokenizer);
  return token_named(tokenizer, options.bos, "--bos");
}

std::optional<TokenId> chosen_eos(const PackOptions& options, const Tokenizer& tokenizer) {
  if (options.eos == "none") return std::nullopt;
  if (options.eos != "auto") return token_named(tokenizer, options.eos, "--eos");
  if (!tokenizer.eos()) {
    throw Error(ErrorKind::kArgument, "--eos",
                "must name the token that ends a document, or be none: the model's files name no EOS");
  }
  return tokenizer.eos();
}

data::ChatSettings chat_settings(const PackOptions& options, const Model& model) {
  const ChatForm form = chat_form(model);
  if (!form.format) {
    throw Error(ErrorKind::kArgument, options.model.model,
                "must have a chat form for instructions, found a base model without one",
                "pack with the tokenizer of the model's chat sibling");
  }
  return {*form.format, options.system.empty() ? form.default_system : options.system};
}

data::PackRequest request_of(const PackOptions& options, const Model& model) {
  data::PackRequest request;
  request.inputs.assign(options.inputs.begin(), options.inputs.end());
  request.out = options.out;
  request.replace = options.force;
  const std::filesystem::path name(options.model.model);
  request.model = name.has_filename() ? name.filename().string() : name.parent_path().filename().string();
  request.shard_ids = options.shard_tokens;
  request.threads = options.model.threads > 0 ? options.model.threads : available_cores();
  if (options.instructions) {
    request.chat = chat_settings(options, model);
    request.form = data::instruction_form_from_name(options.form);
  } else {
    request.text_field = options.text_field;
    request.bos = chosen_bos(options, *model.tokenizer);
    request.eos = chosen_eos(options, *model.tokenizer);
  }
  return request;
}

Json id_to_json(std::optional<TokenId> id) {
  return id ? Json(*id) : Json(nullptr);
}

Json describe(const PackOptions& options, const data::PackRequest& request, const data::PackReport& report,
              double seconds) {
  Json json = {{"model", options.model.model},
               {"out", options.out},
               {"tokenizer", tokenizer_to_json(report.tokenizer)},
               {"instructions", options.instructions},
               {"chat_form", request.chat ? Json(to_string(request.chat->format)) : Json(nullptr)},
               {"bos", id_to_json(request.bos)},
               {"eos", id_to_json(request.eos)},
               {"learnt", report.learnt},
               {"empty", report.empty},
               {"too_short", report.too_short}};
  json["shards"] = Json::array();
  for (const data::ShardSummary& shard : report.shards) {
    json["shards"].push_back({{"file", shard.file},
                              {"documents", shard.documents},
                              {"tokens", shard.ids},
                              {"first", shard.first},
                              {"last", shard.last}});
  }
  json["lengths"] = lengths_to_json(report.lengths);
  json["seconds"] = seconds;
  json["remarks"] = report.remarks;
  return json;
}

std::string describe_as_text(const PackOptions& options, const data::PackReport& report, double seconds) {
  std::string text =
      fmt::format("{}: {} shard(s) in {}; {} of {} tokens are learnt\n", options.out, report.shards.size(),
                  format_duration(seconds), format_count(report.learnt), format_count(report.lengths.tokens));
  return text + fmt::format("tokenizer {}\n", report.tokenizer.text()) + lengths_as_text(report.lengths);
}

int pack(const PackOptions& options) {
  const std::shared_ptr<const Model> model = open_model(options.model, true, Packing::kNone);
  const data::PackRequest request = request_of(options, *model);
  std::optional<ProgressBar> bar(std::in_place, "Packing", "bytes");
  const data::ReadEvents events{[&bar](uint64_t done, uint64_t total) { bar->update(done, total); },
                                &interrupted()};
  const data::PackReport report = data::pack_corpus(request, *model->tokenizer, events);
  const double seconds = bar->seconds();
  bar.reset();
  write_remarks(report.remarks);
  if (report.empty > 0) write_remarks({fmt::format("{} document(s) without text left out", report.empty)});
  if (report.too_short > 0) {
    write_remarks({fmt::format("{} document(s) of one token left out: nothing is predicted in them",
                               report.too_short)});
  }
  if (options.json) {
    write_json(describe(options, request, report, seconds));
  } else {
    write_out(describe_as_text(options, report, seconds));
  }
  return 0;
}

void add_text_options(CLI::App& command, PackOptions& options) {
  command.add_option("--text-field", options.text_field, "Where a JSONL record has its text")
      ->capture_default_str();
  command
      .add_option("--bos", options.bos,
                  "Before each document: auto (as the tokenizer itself does), none, or a token")
      ->capture_default_str();
  command
      .add_option("--eos", options.eos, "Behind each document: auto (the tokenizer's EOS), none, or a token")
      ->capture_default_str();
}

void add_instruction_options(CLI::App& command, PackOptions& options) {
  CLI::Option* instructions = command.add_flag(
      "--instructions", options.instructions,
      "Records are conversations: the model's chat form around them, loss on the answers alone");
  command
      .add_option("--form", options.form,
                  "Of the records: OpenAI's messages, ShareGPT, Alpaca, Index's human and assistant, or told "
                  "from each")
      ->check(CLI::IsMember({"auto", "messages", "sharegpt", "alpaca", "index"}))
      ->capture_default_str()
      ->needs(instructions);
  command
      .add_option("--system", options.system,
                  "System message of conversations without one (default: the model's)")
      ->needs(instructions);
}

}  // namespace

void add_data_pack(CLI::App& data, Action& action) {
  auto options = std::make_shared<PackOptions>();
  CLI::App* command = data.add_subcommand("pack", "A corpus or instructions to token shards");
  add_model_argument(*command, options->model);
  command
      ->add_option(
          "INPUT", options->inputs,
          "Files and folders: .jsonl, .txt, .md, also with .gz or .zst; of instructions .jsonl and .json")
      ->required();
  command->add_option("--out", options->out, "Folder for the shards: new, unless --force")->required();
  add_text_options(*command, *options);
  add_instruction_options(*command, *options);
  command->add_option("--shard-tokens", options->shard_tokens, "A shard ends when it holds so many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--threads", options->model.threads, "Threads that encode (default: every core)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--force", options->force, "Replace what lies at --out");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  command->footer(
      "Example:\n  longscroll data pack smollm2-135m corpus.jsonl.zst essays --out packed\n"
      "  longscroll data pack smollm2-135m chat.jsonl --instructions --out packed-chat");
  command->callback([&action, options] { action = [options] { return pack(*options); }; });
}

}  // namespace longscroll
