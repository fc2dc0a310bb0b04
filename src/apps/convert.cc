// convert: a model's files in another form or type.
#include <optional>

#include <fmt/format.h>

#include "apps/commands.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"
#include "hub/paths.h"
#include "model/conversion.h"

namespace longscroll {
namespace {

struct ConvertArguments {
  std::string in;
  std::string out;
  std::string to;
  std::string type;
  std::string as;
  bool force = false;
  bool json = false;
};

ConvertOptions options_of(const ConvertArguments& arguments) {
  ConvertOptions options;
  options.to = arguments.to == "gguf" ? ModelForm::kGguf : ModelForm::kHuggingFace;
  options.type = *dtype_from_name(arguments.type);
  options.as_llama = arguments.as == "llama";
  options.force = arguments.force;
  return options;
}

uint64_t total_bytes(const ConvertReport& report) {
  uint64_t bytes = 0;
  for (const auto& [type, count] : report.types) bytes += count.bytes;
  return bytes;
}

Json describe(const ConvertArguments& arguments, const ConvertReport& report, double seconds) {
  Json json = {{"in", arguments.in},
               {"out", arguments.out},
               {"to", arguments.to},
               {"type", arguments.type},
               {"source_format", report.source_format},
               {"source_architecture", report.source_architecture},
               {"architecture", report.architecture},
               {"tokenizer", report.tokenizer},
               {"tensor_bytes", total_bytes(report)}};
  for (const auto& [type, count] : report.types) {
    json["types"][type] = {{"tensors", count.tensors}, {"bytes", count.bytes}};
  }
  json["files"] = report.files;
  json["seconds"] = seconds;
  json["remarks"] = report.remarks;
  return json;
}

std::string describe_as_text(const ConvertArguments& arguments, const ConvertReport& report, double seconds) {
  std::string out =
      fmt::format("{}\n  {} as {}, {} in {}\n", arguments.out, report.source_architecture,
                  report.architecture, format_bytes(total_bytes(report)), format_duration(seconds));
  for (const auto& [type, count] : report.types) {
    out += fmt::format("  {:<6}{} tensors, {}\n", type, count.tensors, format_bytes(count.bytes));
  }
  return out + fmt::format("  tokenizer {}\n", report.tokenizer);
}

int convert(const ConvertArguments& arguments) {
  const auto in = resolve_model(arguments.in);
  std::optional<ProgressBar> bar(std::in_place, "Writing", "bytes");
  ConvertEvents events;
  events.progress = [&bar](uint64_t done, uint64_t total) { bar->update(done, total); };
  events.cancel = &interrupted();
  const ConvertReport report = convert_model(in, arguments.out, options_of(arguments), events);
  const double seconds = bar->seconds();
  bar.reset();
  write_remarks(report.remarks);
  if (arguments.json) {
    write_json(describe(arguments, report, seconds));
  } else {
    write_out(describe_as_text(arguments, report, seconds));
  }
  return 0;
}

// Block formats are GGUF's alone: a matter of usage, said before anything is opened.
void check_usage(const ConvertArguments& arguments) {
  if (arguments.to == "hf" && dtype_info(*dtype_from_name(arguments.type)).block_elems > 1) {
    throw CLI::ValidationError("--type", "must be f32, bf16 or f16 with --to hf");
  }
}

}  // namespace

void add_convert_command(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command = program.add_subcommand(
      "convert", "Write a model as a GGUF file or a Hugging Face directory, in another type of weights");
  command
      ->add_option(
          "IN", arguments->in,
          "A .gguf file, a Hugging Face directory, a name from `longscroll models`, or hf:OWNER/REPO")
      ->required();
  command->add_option("OUT", arguments->out, "The file or directory to write")->required();
  command->add_option("--to", arguments->to, "gguf: one file; hf: a directory with safetensors")
      ->check(CLI::IsMember({"gguf", "hf"}))
      ->required();
  command->add_option("--type", arguments->type, "Of the weights; q8_0 and q4_0 are for GGUF only")
      ->check(CLI::IsMember({"f32", "bf16", "f16", "q8_0", "q4_0"}))
      ->required();
  command
      ->add_option(
          "--as", arguments->as,
          "llama: an Index with its norm head baked in, which plain transformers loads (GGUF always is)")
      ->check(CLI::IsMember({"llama"}));
  command->add_flag("--force", arguments->force, "Replace what lies at OUT");
  command->add_flag("--json", arguments->json, "One JSON object on standard output");
  command->footer("Example:\n  longscroll convert Index-1.9B-32K index.gguf --to gguf --type q8_0");
  command->callback([&action, arguments] {
    check_usage(*arguments);
    action = [arguments] { return convert(*arguments); };
  });
}

}  // namespace longscroll
