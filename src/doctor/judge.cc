// From measurements to findings: the thresholds, and why they are what they are.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "doctor/measure.h"

namespace longscroll::doctor {
namespace {

// Nats a token by which another reading must be better: some hundred tokens of one text tell so much apart,
// and what is read rightly loses by far more when it is read wrongly.
constexpr double kBetter = 0.25;
constexpr double kNearChance = 0.9;  // of ln(vocabulary): nothing was learnt, or nothing of it is left
constexpr double kDivergence = 0.1;  // nats; 8-bit keys and values stay near 0.001
constexpr double kHeavyDivergence = 0.5;

void judge_readings(const Measurements& measured, std::vector<Finding>& findings) {
  std::map<std::string, Reading> best;  // of each check
  for (const Reading& reading : measured.readings) {
    const auto [at, is_new] = best.try_emplace(reading.check, reading);
    if (!is_new && reading.nats < at->second.nats) at->second = reading;
  }
  for (const auto& [check, reading] : best) {
    if (!(reading.nats + kBetter < measured.nats) && std::isfinite(measured.nats)) continue;
    if (!std::isfinite(reading.nats)) continue;
    findings.push_back(
        {check, Severity::kFault,
         fmt::format("the text is predicted better with {}: {:.3f} nats a token instead of {:.3f}",
                     reading.name, reading.nats, measured.nats),
         "the files say it otherwise: compare with the published model"});
  }
}

void judge_loss(const Measurements& measured, std::vector<Finding>& findings) {
  if (!std::isfinite(measured.nats)) {
    findings.push_back({"loss", Severity::kFault, "the model's logits are no numbers", ""});
  } else if (measured.nats > kNearChance * measured.chance) {
    findings.push_back(
        {"loss", Severity::kSuspicious,
         fmt::format("{:.3f} nats a token is no better than chance ({:.3f}): the model is untrained, of "
                     "another language, or read wrongly",
                     measured.nats, measured.chance),
         ""});
  }
}

void judge_kv(const Measurements& measured, KvType kv, std::vector<Finding>& findings) {
  if (measured.kv_divergence <= kDivergence) return;
  findings.push_back(
      {"kv", measured.kv_divergence > kHeavyDivergence ? Severity::kFault : Severity::kSuspicious,
       fmt::format("with keys and values in {} the predictions move by {:.3f} nats (KL) from those in "
                   "float32",
                   kv_type_name(kv), measured.kv_divergence),
       "take --kv q8 or f16"});
}

void judge_window(const Measurements& measured, const Model& model, std::vector<Finding>& findings) {
  const size_t window = model.config.max_position;
  if (measured.working_window < measured.length) {
    findings.push_back(
        {"window", Severity::kFault,
         fmt::format("the model works within {} tokens: beyond, the loss rises by more than a nat; the "
                     "files say {}",
                     measured.working_window, window),
         "keep texts below that, or extend the window (--rope, longscroll rope map)"});
  } else if (measured.length < window) {
    findings.push_back({"window", Severity::kNote,
                        fmt::format("only {} of {} tokens were read: nothing is said of what lies beyond",
                                    measured.length, window),
                        "give a longer text, or a larger --max-length"});
  }
}

// Perplexity may hold where retrieval does not (arXiv 2405.14591), so this is said beside the window.
void judge_needles(const Measurements& measured, std::vector<Finding>& findings) {
  for (const NeedleScore& score : measured.needles) {
    if (score.found == score.asked) continue;
    findings.push_back({"needle", Severity::kNote,
                        fmt::format("of {} numbers hidden in {} tokens {} were found", score.asked,
                                    score.length, score.found),
                        ""});
    return;
  }
}

}  // namespace

std::vector<Finding> judge(const Measurements& measured, const Model& model, KvType kv) {
  std::vector<Finding> findings;
  judge_loss(measured, findings);
  judge_readings(measured, findings);
  judge_kv(measured, kv, findings);
  judge_window(measured, model, findings);
  judge_needles(measured, findings);
  return findings;
}

}  // namespace longscroll::doctor
