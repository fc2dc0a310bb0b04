#include "apps/far_context.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "console/interrupt.h"
#include "engine/window_losses.h"

namespace longscroll {
namespace {

class FarContextScorer {
 public:
  explicit FarContextScorer(const corpus::ScoreSettings& settings) : settings_(settings) {}

  std::optional<corpus::FarContext> score(std::string_view text) {
    if (!session_) open();
    std::vector<TokenId> ids = session_->model().tokenizer->encode(text);
    if (ids.size() > longest_) ids.resize(longest_);
    const size_t near = settings_.near_tokens;
    const size_t first = 2 * near;
    if (ids.size() <= first) return std::nullopt;
    corpus::FarContext context;
    context.targets = ids.size() - first;
    const auto count = static_cast<double>(context.targets);
    // Logits at position p predict id p + 1, so the last id is not read.
    context.far = loss(ids, {{0, ids.size() - 1, first}}) / count;
    const size_t stride = std::max<size_t>(near / 2, 1);
    std::vector<ScoreWindow> near_windows;
    for (size_t target = first; target < ids.size(); target += stride) {
      const size_t end = std::min(target + stride, ids.size());
      near_windows.push_back({target - near, end - 1 - (target - near), target});
    }
    context.near = loss(ids, near_windows) / count;
    return context;
  }

 private:
  void open() {
    ModelOptions options;
    options.model = settings_.model;
    const std::shared_ptr<const Model> model = open_model(options, true);
    longest_ = std::min<size_t>(settings_.max_tokens, model->config.max_position);
    if (longest_ <= 2 * settings_.near_tokens) {
      throw Error(ErrorKind::kArgument, "score.near_tokens",
                  fmt::format("must be less than half of what is read, {} tokens, found {}", longest_,
                              settings_.near_tokens));
    }
    session_ = std::make_unique<Session>(model, session_options(options, *model, longest_));
  }

  // Summed over the targets of the windows.
  double loss(const std::vector<TokenId>& ids, const std::vector<ScoreWindow>& windows) {
    double sum = 0;
    const auto add = [&sum](const PredictedToken& token) { sum += token.nats; };
    predict_windows(*session_, ids, windows, false, add, {}, &interrupted());
    return sum;
  }

  corpus::ScoreSettings settings_;
  std::unique_ptr<Session> session_;
  size_t longest_ = 0;
};

}  // namespace

corpus::ScoreText far_context_scorer(const corpus::ScoreSettings& settings) {
  const auto scorer = std::make_shared<FarContextScorer>(settings);
  return [scorer](std::string_view text) { return scorer->score(text); };
}

}  // namespace longscroll
