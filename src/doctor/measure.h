// What a model makes of a text: as its files say, read otherwise, in its KV format, and by position.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "doctor/finding.h"
#include "engine/session.h"

namespace longscroll::doctor {

struct MeasureRequest {
  std::shared_ptr<const Model> model;
  SessionOptions session;     // threads and KV type; lengths are set as needed
  std::vector<TokenId> text;  // with what the tokenizer puts before it
  size_t longest = 0;         // tokens of the longest window read; 0: the model's window
  std::function<void(const std::string& what, size_t done, size_t total)> on_progress;  // tokens of all
  const std::atomic<bool>* cancel = nullptr;
};

// The loss of the text's first tokens when one thing is read otherwise.
struct Reading {
  std::string check;  // a finding's
  std::string name;   // "base 320000"
  double nats = 0;
};

struct PositionLoss {
  size_t up_to = 0;  // tokens before the predicted one, at most
  size_t tokens = 0;
  double nats = 0;  // mean
};

struct NeedleScore {
  size_t length = 0;
  size_t asked = 0;
  size_t found = 0;
};

struct Measurements {
  double nats = 0;    // a token of the sample, as the files say
  double chance = 0;  // ln of the vocabulary
  std::vector<Reading> readings;
  double kv_divergence = 0;             // mean KL from float32 keys and values to the session's, nats
  size_t length = 0;                    // of the long window that was read
  std::vector<PositionLoss> positions;  // of it
  size_t working_window = 0;            // up to there the loss holds; `length` where it never rose
  std::vector<NeedleScore> needles;     // empty without a tokenizer
};

// Throws Error(kArgument) when the text has fewer than 64 tokens, and as Session does.
Measurements measure(const MeasureRequest& request);

std::vector<Finding> judge(const Measurements& measured, const Model& model, KvType kv);

}  // namespace longscroll::doctor
