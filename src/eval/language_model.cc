#include "eval/language_model.h"

#include <string>

#include "base/error.h"

namespace longscroll {

const char* to_string(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return "stop";
    case Finish::kLength:
      return "length";
    case Finish::kWindow:
      return "window";
  }
  return "";
}

Finish finish_from_name(std::string_view name) {
  for (const Finish finish : {Finish::kStop, Finish::kLength, Finish::kWindow}) {
    if (name == to_string(finish)) return finish;
  }
  throw Error(ErrorKind::kArgument, "finish",
              "must be stop, length or window, found \"" + std::string(name) + "\"");
}

size_t LanguageModel::count_tokens(std::string_view text) const {
  if (tokenizer() == nullptr) {
    throw Error(ErrorKind::kUnsupported, "model", "must have a tokenizer to count tokens, found none",
                "name one with --tokenizer MODEL");
  }
  return tokenizer()->encode(text, {.add_special = false}).size();
}

}  // namespace longscroll
