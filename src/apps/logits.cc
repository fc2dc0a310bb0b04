// logits: a float32 array, for comparing with other implementations.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/npy.h"
#include "console/interrupt.h"
#include "console/progress.h"

namespace longscroll {
namespace {

struct LogitsOptions {
  ModelOptions model;
  std::string ids;
  std::string ids_file;
  std::string out;
  bool last = false;
  size_t tail = 0;  // rows wanted; 0: all
  bool json = false;
};

int logits(const LogitsOptions& options) {
  const std::vector<TokenId> ids =
      options.ids_file.empty() ? parse_ids(options.ids, "--ids") : read_ids(options.ids_file);
  const std::shared_ptr<const Model> model = open_model(options.model, false);
  check_ids(ids, *model, options.ids_file.empty() ? "--ids" : options.ids_file);
  const size_t vocab_size = model->config.vocab_size;
  const size_t rows = options.last ? 1 : options.tail > 0 ? std::min(options.tail, ids.size()) : ids.size();
  NpyWriter writer(options.out, rows, vocab_size);
  Session session(model, session_options(options.model, *model, ids.size()));
  ProgressBar bar("Reading");
  const auto progress = [&bar](const PrefillProgress& p) { bar.update(p.done, p.total); };
  if (options.last) {
    session.prefill(ids, progress, &interrupted());
    writer.write_rows(session.logits().data(), 1);
  } else {
    const size_t unwanted = ids.size() - rows;
    const auto sink = [&](size_t first, size_t count, const float* rows_TV) {
      const size_t skip = std::min(count, unwanted > first ? unwanted - first : 0);
      writer.write_rows(rows_TV + skip * vocab_size, count - skip);
    };
    session.forward_all(ids, sink, progress, &interrupted(), unwanted);
  }
  writer.finish();
  const double seconds = bar.seconds();
  bar.clear();
  fmt::print(stderr, "{}: float32 [{}, {}], {}\n", options.out, rows, vocab_size,
             reading_rate(ids.size(), seconds));
  if (options.json) {
    Json json = describe_run(options.model, *model);
    json["out"] = options.out;
    json["shape"] = {rows, vocab_size};
    json["seconds"] = seconds;
    write_json(json);
  }
  return 0;
}

}  // namespace

void add_logits_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<LogitsOptions>();
  CLI::App* command = program.add_subcommand("logits", "Logits of given ids as a NumPy file [T, vocabulary]");
  add_model_argument(*command, options->model);
  CLI::Option_group* input = command->add_option_group("ids");
  input->add_option("--ids-file", options->ids_file, "A file of ids: 1 2 3, 1,2,3 or [1, 2, 3]");
  input->add_option("--ids", options->ids, "The ids themselves");
  input->require_option(1);
  command->add_option("--out", options->out, "The .npy file to write")->required();
  CLI::Option* last = command->add_flag("--last", options->last, "Only the last position: [1, vocabulary]");
  command->add_option("--tail", options->tail, "Only the last N positions: [N, vocabulary]")
      ->check(CLI::PositiveNumber)
      ->excludes(last);
  command->add_flag("--json", options->json, "One JSON object on standard output");
  add_compute_options(*command, options->model);
  command->footer(
      "Example:\n  longscroll logits model.gguf --ids-file ids.txt --out logits.npy --compute f32");
  command->callback([&action, options] { action = [options] { return logits(*options); }; });
}

}  // namespace longscroll
