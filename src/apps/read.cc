// read: the report's demo. Summarises a document, answers questions, and reads it again when it changed.
#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/read_input.h"
#include "apps/reader.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "hub/catalogue.h"

namespace longscroll {
namespace {

bool was_stopped(const Answer& answer) {
  return answer.result.stop_reason == StopReason::kCancelled;
}

// False: the answer was stopped by Ctrl-C.
bool ask_in_turn(Reader& reader, const ReadOptions& options) {
  if (!options.no_summary && was_stopped(reader.ask(std::nullopt))) return false;
  for (const std::string& question : options.questions) {
    fmt::print(stderr, "> {}\n", question);
    if (was_stopped(reader.ask(question))) return false;
  }
  return true;
}

// One turn of the conversation; an error of the document or the question does not end it.
void answer_line(Reader& reader, const std::string& line) {
  try {
    const Answer answer = line == "y" ? reader.ask(std::nullopt) : reader.ask(line);
    if (was_stopped(answer)) fmt::print(stderr, "stopped\n");
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    fmt::print(stderr, "longscroll: {}\n", error.what());
  }
}

int converse(Reader& reader) {
  for (;;) {
    clear_interrupt();
    fmt::print(stderr, "\nA question, y to read the file again, or q to end: ");
    std::fflush(stderr);
    const std::optional<std::string> line = read_line();
    if (!line || *line == "q" || *line == "n") return 0;
    if (!line->empty()) answer_line(reader, *line);
  }
}

int read(const ReadOptions& options) {
  validate(options.generate.sampling);
  read_document(options.file);  // a document that cannot be read should not wait for a model
  const std::shared_ptr<const Model> model = open_model(options.model, true);
  Reader reader(options, model);
  const bool finished = ask_in_turn(reader, options);
  if (options.json) write_json(reader.describe());
  if (options.json || options.no_interactive) return finished ? 0 : kExitInterrupted;
  return converse(reader);
}

void add_options(CLI::App& command, ReadOptions& options) {
  command.add_option("FILE", options.file, "The document: text in UTF-8, UTF-16 or GB18030")->required();
  command
      .add_option("--model", options.model.model, "A .gguf file, a Hugging Face directory, or a known name")
      ->capture_default_str();
  command.add_option("--question", options.questions, "Ask this after the summary (repeatable)")
      ->allow_extra_args(false);
  command.add_flag("--no-summary", options.no_summary, "Only the questions");
  command.add_flag("--no-interactive", options.no_interactive, "End after the answers, ask for nothing");
  command.add_option("--language", options.language, "Of the request for a summary")
      ->check(CLI::IsMember({"zh", "en", "auto"}))
      ->capture_default_str();
  command
      .add_option("--over-length", options.over_length,
                  "A text longer than the window: refuse it, or leave out its middle")
      ->check(CLI::IsMember({"refuse", "middle"}))
      ->capture_default_str();
  command.add_option("--max-new-tokens", options.generate.max_new_tokens, "Longest answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_sampling_options(command, options.generate.sampling);
  add_speculation_option(command, options.generate);
  command.add_flag("--json", options.json, "One JSON object on standard output, nothing asked");
  add_compute_options(command, options.model);
}

}  // namespace

void add_read_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<ReadOptions>();
  options->model.model = default_model_name();
  options->generate.sampling.repetition_penalty = 1.1f;
  CLI::App* command =
      program.add_subcommand("read", "Read a document, summarise it, answer questions about it");
  add_options(*command, *options);
  command->footer(
      "The file is read again before each answer when it was edited; only what follows the first change is "
      "computed.\n\nExample:\n  longscroll read report.txt --question \"Who wrote it?\"");
  command->callback([&action, options] { action = [options] { return read(*options); }; });
}

}  // namespace longscroll
