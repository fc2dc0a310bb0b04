// eval prompts: the exact prompts of a suite, without a model that answers them.
#include <fmt/format.h>

#include "apps/eval_commands.h"
#include "suites/code_point_tokenizer.h"
#include "suites/suite.h"
#include "suites/tiktoken.h"

namespace longscroll {
namespace {

struct PromptsOptions {
  std::string suite;
  std::string tokenizer;
  SuiteOptions what;
  bool json = false;
};

std::shared_ptr<const Tokenizer> chosen_tokenizer(const std::string& name) {
  if (name.empty()) return nullptr;
  if (name == "codepoint") return make_code_point_tokenizer();
  return name.ends_with(".tiktoken") ? read_ranks_file(name) : open_tokenizer(name);
}

Json turns_to_json(const std::vector<Turn>& turns) {
  Json json = Json::array();
  for (const Turn& turn : turns) json.push_back({{"role", turn.role}, {"content", turn.content}});
  return json;
}

// Ids of the turns' texts alone: what the model's chat form adds is not counted.
size_t count_ids(const EvalItem& item, const Tokenizer& tokenizer) {
  size_t ids = 0;
  for (const Turn& turn : item.turns) ids += tokenizer.encode(turn.content, {.add_special = false}).size();
  return ids;
}

Json item_to_json(const EvalItem& item, const Tokenizer* tokenizer) {
  Json json = {{"task", item.task},
               {"id", item.id},
               {"turns", turns_to_json(item.turns)},
               {"bare", item.bare},
               {"references", item.references},
               {"classes", item.classes},
               {"metric", item.metric},
               {"max_new_tokens", item.max_new_tokens},
               {"stop", item.stop},
               {"choices", item.choices},
               {"document", item.document},
               {"fields", item.fields}};
  if (!item.join_after.empty()) {
    json["join"] = {{"after", item.join_after}, {"open", item.join_open}, {"close", item.join_close}};
  }
  if (tokenizer != nullptr) json["tokens"] = count_ids(item, *tokenizer);
  return json;
}

std::string item_for_people(const EvalItem& item, const Tokenizer* tokenizer) {
  const std::string tokens =
      tokenizer == nullptr ? "" : fmt::format(", {} tokens", count_ids(item, *tokenizer));
  std::string text = fmt::format("=== {}/{}: at most {} new tokens{}{}\n", item.task, item.id,
                                 item.max_new_tokens, item.bare ? ", no chat form" : "", tokens);
  for (const Turn& turn : item.turns) text += fmt::format("--- {}\n{}\n", turn.role, turn.content);
  for (const std::string& choice : item.choices) text += fmt::format("--- choice\n{}\n", choice);
  for (const std::string& reference : item.references) text += fmt::format("--- reference\n{}\n", reference);
  return text;
}

int print_prompts(PromptsOptions options) {
  const std::shared_ptr<const Tokenizer> tokenizer = chosen_tokenizer(options.tokenizer);
  options.what.length_tokenizer = tokenizer.get();
  const LoadedSuite suite = load_suite(options.suite, options.what);
  write_remarks(suite.remarks);
  for (const EvalItem& item : suite.items) {
    write_out(options.json ? item_to_json(item, tokenizer.get()).dump() + "\n"
                           : item_for_people(item, tokenizer.get()));
  }
  return 0;
}

void add_grid_options(CLI::App& command, SuiteOptions& what) {
  command.add_option("--lengths", what.lengths, "Tokens of the needle suite's prompts: 4000,8000")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command.add_option("--depths", what.depths, "Percent of the text before the needle: 0,50,100")
      ->delimiter(',')
      ->check(CLI::Range(0, 100));
  command.add_option("--languages", what.languages, "en,zh")->delimiter(',');
  command.add_option("--repeats", what.repeats, "Prompts of each cell (default: the suite's)");
  command.add_option("--buffer", what.buffer,
                     "Tokens of a length that are not haystack (default: the suite's)");
}

}  // namespace

void add_eval_prompts(CLI::App& eval, Action& action) {
  auto options = std::make_shared<PromptsOptions>();
  CLI::App* command = eval.add_subcommand("prompts", "The exact prompts of a suite, without running them");
  CLI::Option* suite =
      command->add_option("SUITE", options->suite, "A suite's name, or the path of a suite file");
  CLI::Option* file =
      command->add_option("--suite-file", options->suite, "A suite file of your own")->excludes(suite);
  command->add_option("--data", options->what.data, "Folder with the suite's official files")->required();
  command->add_option("--task,--tasks", options->what.tasks, "Only these: a,b")->delimiter(',');
  command
      ->add_option("--tokenizer", options->tokenizer,
                   "Whose tokens the lengths count: a model, cl100k_base.tiktoken, or `codepoint`; each "
                   "prompt's ids are counted too")
      ->type_name("MODEL");
  command->add_option("--protocol", options->what.protocol, "Whose prompts")
      ->check(CLI::IsMember({"opencompass", "official", "clean"}))
      ->capture_default_str();
  command->add_option("--limit", options->what.limit, "Items of each task (default: all)");
  command->add_option("--seed", options->what.seed, "Which items --limit takes; 0: the first")
      ->capture_default_str();
  add_grid_options(*command, options->what);
  command->add_flag("--json", options->json, "One JSON object a line on standard output");
  command->footer(
      "Example:\n  longscroll eval prompts longbench --data data --task hotpotqa --limit 1\n"
      "  longscroll eval prompts needle --data data --tokenizer smollm2-135m --lengths 4000 --depths 50 "
      "--json");
  command->callback([&action, options, suite, file] {
    if (suite->count() + file->count() == 0) throw CLI::RequiredError("SUITE or --suite-file");
    action = [options] { return print_prompts(*options); };
  });
}

}  // namespace longscroll
