// models and pull: what there is, and how it gets here.
#include <optional>

#include <fmt/format.h>

#include "apps/commands.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"
#include "hub/catalogue.h"
#include "hub/paths.h"
#include "hub/pull.h"

namespace longscroll {
namespace {

// Where the model lies; nullopt when it was not pulled.
std::optional<std::string> pulled_path(const CatalogueEntry& entry) {
  try {
    return resolve_model(entry.name).string();
  } catch (const Error&) {
    return std::nullopt;
  }
}

Json describe_entry(const CatalogueEntry& entry, const std::optional<std::string>& path) {
  Json json = {{"name", entry.name},
               {"description", entry.description},
               {"file", entry.file_name},
               {"size", entry.size},
               {"window", entry.window},
               {"licence", entry.licence},
               {"languages", entry.languages},
               {"sha256", entry.sha256},
               {"default", entry.name == default_model_name()}};
  json["publisher"] =
      entry.publisher.empty() ? Json(nullptr) : Json(entry.publisher.repo + ":" + entry.publisher.file);
  json["mirror"] = Json::array();
  for (const WheelMember& member : entry.mirror.members) {
    json["mirror"].push_back(fmt::format("{} {} {}", member.package, member.version, member.member));
  }
  json["path"] = path ? Json(*path) : Json(nullptr);
  return json;
}

std::string describe_as_text(const CatalogueEntry& entry, const std::optional<std::string>& path) {
  std::string out = fmt::format("{}{}\n  {}\n", entry.name,
                                entry.name == default_model_name() ? " (default)" : "", entry.description);
  out += fmt::format("  {}, window {}, {}, languages {}\n", format_bytes(entry.size),
                     format_count(entry.window), entry.licence, entry.languages);
  out += fmt::format("  sha256 {}\n", entry.sha256);
  if (!entry.publisher.empty())
    out += fmt::format("  from {}:{}\n", entry.publisher.repo, entry.publisher.file);
  if (!entry.mirror.members.empty()) {
    const WheelMember& first = entry.mirror.members.front();
    out += fmt::format(
        "  mirror {} {}{}\n", first.package, first.version,
        entry.mirror.members.size() > 1 ? fmt::format(" and {} more", entry.mirror.members.size() - 1) : "");
  }
  return out + fmt::format("  {}\n", path ? *path : "not pulled: longscroll pull " + entry.name);
}

int list_models(bool as_json) {
  Json json = {{"folder", models_directory().string()}, {"models", Json::array()}};
  std::string text;
  for (const CatalogueEntry& entry : catalogue()) {
    const std::optional<std::string> path = pulled_path(entry);
    json["models"].push_back(describe_entry(entry, path));
    text += describe_as_text(entry, path) + "\n";
  }
  if (as_json) {
    write_json(json);
  } else {
    write_out(text + "Any other model: longscroll pull hf:OWNER/REPO[:FILE]\n");
  }
  return 0;
}

int pull_model(const std::string& what, bool as_json) {
  std::optional<ProgressBar> bar;
  std::string file;
  PullEvents events;
  events.progress = [&](const PullProgress& progress) {
    if (!bar || progress.file != file) {
      file = progress.file;
      bar.reset();  // clears the old line before the new bar draws
      bar.emplace(file, "bytes", progress.done);
    }
    bar->update(progress.done, progress.total);
  };
  events.note = [&bar](const std::string& note) {
    if (bar) bar->clear();
    fmt::print(stderr, "{}\n", note);
  };
  events.cancel = &interrupted();
  const std::string path = pull(what, events).string();
  bar.reset();
  if (as_json) {
    write_json({{"model", what}, {"path", path}});
  } else {
    write_out(path + "\n");
  }
  return 0;
}

}  // namespace

void add_models_commands(CLI::App& program, Action& action) {
  auto models_json = std::make_shared<bool>(false);
  CLI::App* models = program.add_subcommand("models", "The models that are known by name");
  models->add_flag("--json", *models_json, "One JSON object on standard output");
  models->footer("Example:\n  longscroll models");
  models->callback([&action, models_json] { action = [models_json] { return list_models(*models_json); }; });

  auto what = std::make_shared<std::string>();
  auto pull_json = std::make_shared<bool>(false);
  CLI::App* pull_command = program.add_subcommand("pull", "Download a model, and check it");
  pull_command
      ->add_option("NAME", *what, "A name from `longscroll models`, or hf:OWNER/REPO[@REVISION][:FILE]")
      ->required();
  pull_command->add_flag("--json", *pull_json, "One JSON object on standard output");
  pull_command->footer("Example:\n  longscroll pull hf:IndexTeam/Index-1.9B-32K");
  pull_command->callback(
      [&action, what, pull_json] { action = [what, pull_json] { return pull_model(*what, *pull_json); }; });
}

}  // namespace longscroll
