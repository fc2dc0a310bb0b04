// A document under the eyes of a model: read, asked about, and read again where it changed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/answer.h"
#include "apps/read_prompt.h"
#include "library/document.h"

namespace longscroll {

struct ReadOptions {
  ModelOptions model;
  std::string file;
  std::string language = "auto";
  std::string over_length = "refuse";
  std::vector<std::string> questions;
  GenerateOptions generate;
  bool no_summary = false;
  bool no_interactive = false;
  bool json = false;
};

class Reader {
 public:
  // Opens the document and says what there is to say before reading. Throws as its parts do.
  Reader(const ReadOptions& options, std::shared_ptr<const Model> model);

  // The summary when there is no question. Opens the document again first when its file changed.
  Answer ask(const std::optional<std::string>& question);

  Json describe() const;

 private:
  void open_document();
  bool open_again_if_changed();
  void print_document(const Document& document) const;
  void print_plan() const;
  SessionOptions session_for(size_t length) const;
  MemoryForecast forecast() const;
  void make_room(size_t length);
  size_t limit() const;  // tokens that a prompt may have

  const ReadOptions& options_;
  std::shared_ptr<const Model> model_;
  Document document_;
  std::optional<DocumentPrompt> prompt_;
  FittedDocument fitted_;
  Language language_ = Language::kEnglish;
  size_t summary_tokens_ = 0;  // of the prompt that asks for a summary
  std::unique_ptr<Session> session_;
  std::vector<Json> answers_;
};

}  // namespace longscroll
