// perplexity: how well a model predicts a text.
#include <cmath>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/text_ids.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "engine/window_losses.h"

namespace longscroll {
namespace {

struct PerplexityOptions {
  ModelOptions model;
  std::string file;
  std::string ids_file;
  size_t ctx = 0;
  size_t stride = 0;
  size_t max_tokens = 0;
  bool json = false;
};

struct Score {
  double sum = 0;
  size_t counted = 0;
};

Score score_text(Session& session, const std::vector<TokenId>& ids, const std::vector<ScoreWindow>& windows) {
  Score score;
  ProgressBar bar("Scoring");
  const auto count = [&score](const PredictedToken& token) {
    score.sum += token.nats;
    ++score.counted;
  };
  const size_t total = tokens_of(windows);
  predict_windows(
      session, ids, windows, false, count, [&](size_t done) { bar.update(done, total); }, &interrupted());
  return score;
}

int perplexity(PerplexityOptions options) {
  const bool from_ids = !options.ids_file.empty();
  const std::shared_ptr<const Model> model = open_model(options.model, !from_ids);
  const size_t window = model->config.max_position;
  if (options.ctx == 0) options.ctx = std::min<size_t>(2048, window);
  if (options.stride == 0) options.stride = std::max<size_t>(1, options.ctx / 2);
  if (options.ctx > window) {
    throw Error(ErrorKind::kArgument, "--ctx",
                fmt::format("must be at most the model's window of {}, found {}", window, options.ctx));
  }
  if (options.stride > options.ctx) {
    throw Error(ErrorKind::kArgument, "--stride",
                fmt::format("must be at most --ctx {}, found {}", options.ctx, options.stride));
  }
  const std::vector<TokenId> ids = from_ids ? ids_of_ids_file(options.ids_file, *model, options.max_tokens)
                                            : ids_of_text_file(options.file, *model, options.max_tokens);
  Session session(model, session_options(options.model, *model, std::min(options.ctx, ids.size())));
  const std::vector<ScoreWindow> windows = score_windows(ids.size(), options.ctx, options.stride);
  const Score score = score_text(session, ids, windows);
  const double nll = score.sum / static_cast<double>(score.counted);
  if (options.json) {
    Json json = describe_run(options.model, *model);
    json.update({{"file", from_ids ? options.ids_file : options.file},
                 {"ctx", options.ctx},
                 {"stride", options.stride},
                 {"windows", windows.size()},
                 {"tokens", ids.size()},
                 {"counted", score.counted},
                 {"nll", nll},
                 {"perplexity", std::exp(nll)}});
    write_json(json);
  } else {
    write_out(fmt::format("perplexity {:.4f}, {:.6f} nats a token, {} tokens counted\n", std::exp(nll), nll,
                          score.counted));
  }
  return 0;
}

}  // namespace

void add_perplexity_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<PerplexityOptions>();
  CLI::App* command = program.add_subcommand("perplexity", "How well a model predicts a text");
  add_model_argument(*command, options->model);
  CLI::Option* file = command->add_option("FILE", options->file, "The text");
  CLI::Option* ids =
      command->add_option("--ids-file", options->ids_file, "Ids instead of a text")->excludes(file);
  command
      ->add_option("--ctx", options->ctx, "Tokens that a window reads (default: 2048, or the model's window)")
      ->check(CLI::PositiveNumber);
  command->add_option("--stride", options->stride, "Tokens between windows (default: half of --ctx)")
      ->check(CLI::PositiveNumber);
  command->add_option("--max-tokens", options->max_tokens, "Score only the first N tokens");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  add_compute_options(*command, options->model);
  command->footer(
      "The first token of the text has no context and is not predicted; each other one is, exactly once.\n\n"
      "Example:\n  longscroll perplexity smollm2-135m book.txt --ctx 2048 --stride 512");
  command->callback([&action, options, file, ids] {
    if (file->count() + ids->count() == 0) throw CLI::RequiredError("FILE or --ids-file");
    action = [options] { return perplexity(*options); };
  });
}

}  // namespace longscroll
