// What is wrong or odd with a model, in a sentence, and what to do.
#pragma once

#include <string>
#include <vector>

namespace longscroll::doctor {

enum class Severity { kNote, kSuspicious, kFault };
const char* to_string(Severity severity);  // "note", "suspicious", "fault"

struct Finding {
  // "base", "rope_ratio", "rotation_order", "window", "norm_head", "tied_head", "eps", "template",
  // "special_tokens", "bos", "weights", "kv", "loss", "needle"
  std::string check;
  Severity severity = Severity::kNote;
  std::string text;
  std::string advice;  // may be empty
};

}  // namespace longscroll::doctor
