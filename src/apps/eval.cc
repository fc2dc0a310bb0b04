// eval: a benchmark's questions put to a model, answers scored and kept.
#include "apps/commands.h"
#include "apps/eval_commands.h"
#include "apps/eval_options.h"

namespace longscroll {
namespace {

void add_what(CLI::App& command, EvalOptions& options) {
  command.add_option("SUITE", options.suite,
                     "needle, longbench, leval, mmlu, ceval, perplexity, or a suite file");
  command.add_option("--suite-file", options.suite, "The same: a suite of your own");
  command.add_option("--data", options.data, "Folder with the suite's official files");
  command.add_option("--out", options.out, "Folder for records and manifest: new, unless --resume");
  command
      .add_option(
          "--protocol", options.protocol,
          "Whose prompts, cuts and scores: OpenCompass's, the authors', or ours, where faults are mended")
      ->check(CLI::IsMember({"opencompass", "official", "clean"}))
      ->capture_default_str();
  command.add_option("--tasks", options.tasks, "Only these: a,b")->delimiter(',');
  command.add_option("--limit", options.limit, "Items of each task (default: all)");
  command.add_option("--seed", options.seed, "Which items --limit takes; 0: the first")
      ->capture_default_str();
  command.add_option("--lengths", options.lengths, "Tokens, of needle and perplexity: 4000,8000")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command.add_option("--depths", options.depths, "Percent of the text before the needle: 0,50,100")
      ->delimiter(',')
      ->check(CLI::Range(0, 100));
  command.add_option("--languages", options.languages, "Of needle: en,zh")->delimiter(',');
  command.add_option("--repeats", options.repeats, "Prompts of each cell (default: the suite's)");
  command.add_option(
      "--length-tokenizer", options.length_tokenizer,
      "Whose tokens --lengths counts: a model, or cl100k_base.tiktoken (default: the model's)");
}

void add_how(CLI::App& command, EvalOptions& options) {
  command.add_option(
      "--max-seq-len", options.max_seq_len,
      "Tokens of prompt and answer (default: 32768 under opencompass, else the model's window)");
  command
      .add_option("--truncate", options.truncate, "What a longer prompt loses; refuse: the run stops there")
      ->check(CLI::IsMember({"middle", "left", "right", "refuse"}))
      ->capture_default_str();
  command.add_flag("--compare-truncation", options.compare_truncation,
                   "Middle, left and right side by side, each a run below --out");
  command.add_option(
      "--shard", options.shard,
      "i/n: only part i (from 0) of n (default: as mpirun or Slurm says, each into a folder of its own)");
  command.add_flag("--resume", options.resume, "Go on with the run in --out");
  command.add_option("--label", options.label, "What reports call this run (default: the model's name)");
  command.add_flag("--json", options.json, "One JSON object on standard output");
}

void add_whom(CLI::App& command, EvalOptions& options) {
  CLI::Option* model = command.add_option("--model", options.model.model,
                                          "A .gguf file, a Hugging Face directory, or a known name");
  CLI::Option* endpoint =
      command
          .add_option(
              "--endpoint", options.endpoint,
              "An OpenAI-style server instead, as http://127.0.0.1:8080/v1; its key is in OPENAI_API_KEY")
          ->excludes(model);
  command.add_option("--endpoint-model", options.endpoint_model, "The model's name at the endpoint")
      ->needs(endpoint);
  command.add_option("--tokenizer", options.tokenizer, "The endpoint's tokenizer: counts and cuts prompts")
      ->needs(endpoint);
  add_compute_options(command, options.model);
}

void require_options(const EvalOptions& options) {
  if (options.suite.empty()) throw CLI::RequiredError("SUITE");
  if (options.out.empty()) throw CLI::RequiredError("--out");
  if (options.model.model.empty() && options.endpoint.empty())
    throw CLI::RequiredError("--model or --endpoint");
  if (!options.endpoint.empty() && options.endpoint_model.empty())
    throw CLI::RequiredError("--endpoint-model");
  if (!options.endpoint.empty() && !options.model.rope.empty())
    throw CLI::ExcludesError("--endpoint", "--rope");
  if (!options.endpoint.empty() && options.model.window > 0)
    throw CLI::ExcludesError("--endpoint", "--window");
}

}  // namespace

void add_eval_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command =
      program.add_subcommand("eval", "Put a benchmark's questions to a model and score the answers");
  command->require_subcommand(0, 1);
  add_what(*command, *options);
  add_how(*command, *options);
  add_whom(*command, *options);
  add_eval_score(*command, action);
  add_eval_prompts(*command, action);
  add_eval_merge(*command, action);
  command->footer(
      "Ctrl-C ends a run, and --resume goes on with it; so it does after any other end.\n\n"
      "Example:\n  longscroll eval needle --model smollm2-135m --data essays --lengths 2000,4000 --depths "
      "0,50,100 "
      "--languages en --out runs/needle");
  command->callback([&action, command, options] {
    if (!command->get_subcommands().empty()) return;
    require_options(*options);
    action = [options] { return run_evaluation(*options); };
  });
}

}  // namespace longscroll
