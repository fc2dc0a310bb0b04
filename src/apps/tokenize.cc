// tokenize and detokenize: text to ids and back.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apps/commands.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

std::string read_standard_input() {
  std::string bytes;
  char buffer[1 << 16];
  while (bytes.size() <= kMaxDocumentBytes) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got == 0) return bytes;
    if (got > 0) {
      bytes.append(buffer, static_cast<size_t>(got));
    } else if (errno == EINTR) {
      throw_if_interrupted();
    } else {
      throw Error(ErrorKind::kFile, "standard input",
                  fmt::format("must be readable, found: {}", std::strerror(errno)));
    }
  }
  throw Error(ErrorKind::kFile, "standard input",
              fmt::format("must be at most {} MiB, found more", kMaxDocumentBytes >> 20));
}

struct TokenizeOptions {
  ModelOptions model;
  std::string file;
  std::string text;
  bool no_special = false;
  bool parse_special = false;
  bool json = false;
};

int tokenize(const TokenizeOptions& options, bool text_given) {
  const std::shared_ptr<const Model> model = open_model(options.model, true, Packing::kNone);
  std::string text = options.text;
  if (!text_given) text = options.file.empty() ? read_standard_input() : read_file_bytes(options.file).bytes;
  const std::vector<TokenId> ids = model->tokenizer->encode(
      text, {.add_special = !options.no_special, .parse_special = options.parse_special});
  if (options.json) {
    write_json({{"model", options.model.model},
                {"tokenizer", model->tokenizer->kind()},
                {"bytes", text.size()},
                {"count", ids.size()},
                {"ids", ids}});
  } else {
    write_out(fmt::format("{}\n", fmt::join(ids, " ")));
  }
  return 0;
}

struct DetokenizeOptions {
  ModelOptions model;
  std::string ids;
  std::string ids_file;
  bool keep_special = false;
  bool json = false;
};

int detokenize(const DetokenizeOptions& options) {
  const std::shared_ptr<const Model> model = open_model(options.model, true, Packing::kNone);
  std::vector<TokenId> ids;
  if (!options.ids.empty()) {
    ids = parse_ids(options.ids, "--ids");
  } else if (!options.ids_file.empty()) {
    ids = read_ids(options.ids_file);
  } else {
    ids = parse_ids(read_standard_input(), "standard input");
  }
  const std::string text = model->tokenizer->decode(ids, !options.keep_special);
  if (options.json) {
    write_json({{"model", options.model.model}, {"count", ids.size()}, {"text", text}});
  } else {
    write_out(text + "\n");
  }
  return 0;
}

void add_tokenize(CLI::App& program, Action& action) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = program.add_subcommand("tokenize", "Text to token ids");
  add_model_argument(*command, options->model);
  CLI::Option* file =
      command->add_option("FILE", options->file, "Its bytes as they are (default: standard input)");
  CLI::Option* text = command->add_option("--text", options->text, "The text itself")->excludes(file);
  command->add_flag("--no-special", options->no_special,
                    "Leave out what the model puts at the start or the end");
  command->add_flag("--parse-special", options->parse_special,
                    "Read <|im_end|> and the like as special tokens");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  command->footer("Example:\n  longscroll tokenize qwen2.5-coder-0.5b report.txt --json");
  command->callback([&action, options, text] {
    action = [options, given = text->count() > 0] { return tokenize(*options, given); };
  });
}

void add_detokenize(CLI::App& program, Action& action) {
  auto options = std::make_shared<DetokenizeOptions>();
  CLI::App* command = program.add_subcommand("detokenize", "Token ids to text");
  add_model_argument(*command, options->model);
  CLI::Option* ids =
      command->add_option("--ids", options->ids, "Ids such as 1,2,3 (default: standard input)");
  command->add_option("--ids-file", options->ids_file, "A file of ids")->excludes(ids);
  command->add_flag("--keep-special", options->keep_special, "Show special tokens too");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  command->footer("Example:\n  longscroll detokenize smollm2-135m --ids 19556,905");
  command->callback([&action, options] { action = [options] { return detokenize(*options); }; });
}

}  // namespace

void add_tokenize_commands(CLI::App& program, Action& action) {
  add_tokenize(program, action);
  add_detokenize(program, action);
}

}  // namespace longscroll
