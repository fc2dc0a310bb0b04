// generate: plain completion of a prompt.
#include "apps/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/answer.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "library/document.h"

namespace longscroll {
namespace {

struct GenerateCommand {
  ModelOptions model;
  GenerateOptions generate;
  std::string prompt;
  std::string prompt_file;
  std::string ids;
  std::string ids_file;
  std::string system;
  bool chat = false;
  bool parse_special = false;
  bool ignore_stop = false;
  bool json = false;

  bool gives_ids() const { return !ids.empty() || !ids_file.empty(); }
};

std::vector<TokenId> prompt_ids(const GenerateCommand& command, const Model& model, const ChatForm& form) {
  if (command.gives_ids()) {
    const std::string where = command.ids_file.empty() ? "--ids" : command.ids_file;
    std::vector<TokenId> ids = command.ids_file.empty() ? parse_ids(command.ids, where) : read_ids(where);
    check_ids(ids, model, where);
    return ids;
  }
  std::string text = command.prompt;
  if (!command.prompt_file.empty()) {
    Document document = read_document(command.prompt_file);
    write_remarks(document.remarks);
    text = std::move(document.text);
  }
  if (!command.chat) return model.tokenizer->encode(text, {.parse_special = command.parse_special});
  if (!form.format) {
    throw Error(ErrorKind::kUnsupported, "--chat", "the model must declare a chat form, found a base model",
                "Leave --chat out: a base model continues the text.");
  }
  std::vector<ChatMessage> messages;
  if (!command.system.empty()) messages.push_back({"system", command.system});
  messages.push_back({"user", text});
  return chat_prompt(*model.tokenizer, *form.format, messages, form.default_system);
}

Json describe_result(const GenerateCommand& command, const Model& model, const std::vector<TokenId>& prompt,
                     const Answer& answer) {
  const GenerateResult& result = answer.result;
  Json json = describe_run(command.model, model);
  json["prompt_ids"] = prompt;
  json["ids"] = result.ids;
  json["text"] = model.tokenizer ? Json(answer.text) : Json(nullptr);
  json["stop_reason"] = to_string(result.stop_reason);
  json["timing"] = describe_timing(command.generate, result);
  return json;
}

int generate_text(GenerateCommand command) {
  const std::shared_ptr<const Model> model = open_model(command.model, !command.gives_ids());
  const ChatForm form = command.chat ? chat_form(*model) : ChatForm{};
  const std::vector<TokenId> prompt = prompt_ids(command, *model, form);
  if (!command.ignore_stop) command.generate.stop_ids = stop_ids(*model, form);
  const size_t window = model->config.max_position;
  if (prompt.size() >= window) {
    throw Error(
        ErrorKind::kArgument, "prompt",
        fmt::format("must be shorter than the model's window of {} tokens, found {}", window, prompt.size()));
  }
  const size_t room = std::min(command.generate.max_new_tokens, window - prompt.size());
  Session session(model, session_options(command.model, *model, prompt.size() + room));
  const Answer answer =
      answer_prompt(session, prompt, command.generate, command.json ? Stream::kNone : Stream::kText);
  if (command.json) {
    write_json(describe_result(command, *model, prompt, answer));
  } else if (!model->tokenizer) {
    write_out(fmt::format("{}\n", fmt::join(answer.result.ids, " ")));
  }
  fmt::print(stderr, "{}\n", timing_line(answer.result));
  return answer.result.stop_reason == StopReason::kCancelled ? kExitInterrupted : 0;
}

void add_prompt_options(CLI::App& app, GenerateCommand& command) {
  CLI::Option_group* input = app.add_option_group("prompt");
  input->add_option("--prompt", command.prompt, "The text to continue");
  input->add_option("--prompt-file", command.prompt_file, "A file with it");
  input->add_option("--ids", command.ids, "Its token ids: 1,2,3");
  input->add_option("--ids-file", command.ids_file, "A file with them");
  input->require_option(1);
  app.add_flag("--chat", command.chat, "Ask in the model's chat form")
      ->excludes("--ids")
      ->excludes("--ids-file");
  app.add_option("--system", command.system, "System message of the chat form")->needs("--chat");
  app.add_flag("--parse-special", command.parse_special, "Read <|im_end|> and the like as special tokens")
      ->excludes("--chat");
}

}  // namespace

void add_generate_command(CLI::App& program, Action& action) {
  auto command = std::make_shared<GenerateCommand>();
  CLI::App* app = program.add_subcommand("generate", "Continue a text");
  add_model_argument(*app, command->model);
  add_prompt_options(*app, *command);
  app->add_option("--max-new-tokens", command->generate.max_new_tokens, "Longest answer")
      ->capture_default_str();
  app->add_flag("--ignore-stop", command->ignore_stop, "Go on after a token that ends the text");
  add_sampling_options(*app, command->generate.sampling);
  add_speculation_option(*app, command->generate);
  app->add_flag("--json", command->json, "One JSON object on standard output");
  add_compute_options(*app, command->model);
  app->footer("Example:\n  longscroll generate smollm2-135m --chat --prompt \"What is a scroll?\"");
  app->callback([&action, command] { action = [command] { return generate_text(*command); }; });
}

}  // namespace longscroll
