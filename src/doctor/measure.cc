#include "doctor/measure.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/error.h"
#include "doctor/needles.h"
#include "engine/window_losses.h"
#include "model/extended_model.h"
#include "model/norm_head.h"

namespace longscroll::doctor {
namespace {

constexpr size_t kFewestTokens = 64;
constexpr size_t kSample = 512;
constexpr size_t kComparedRows = 64;  // of the vocabulary's width, twice in memory
constexpr double kRise = 1.0;         // nats above what came before: a text itself varies by less
constexpr size_t kFirstContext = 2;   // so that readings with and without BOS predict the same tokens

// A model read otherwise, and the ids that it is given.
struct Variant {
  Reading reading;
  std::shared_ptr<const Model> model;
  std::vector<TokenId> ids;
};

class Variants {
 public:
  Variants(std::shared_ptr<const Model> model, std::span<const TokenId> sample)
      : model_(std::move(model)), sample_(sample.begin(), sample.end()) {
    add_bases();
    add_layout();
    add_heads();
    add_eps();
    add_bos();
  }
  std::vector<Variant> take() { return std::move(variants_); }

 private:
  void add(const char* check, std::string name, const std::function<void(Model&)>& change) {
    variants_.push_back({{check, std::move(name), 0}, altered_model(model_, change), sample_});
  }

  void add_bases() {
    for (const double factor : {1.0 / 32, 1.0 / 4, 4.0, 32.0}) {
      const double base = model_->config.rope.base * factor;
      if (base <= 2) continue;
      add("base", fmt::format("base {:g}", base), [base](Model& model) {
        model.config.rope.base = base;
        if (model.config.sliding_window == 0) model.config.rope_local.base = base;
      });
    }
  }

  void add_layout() {
    const bool half = model_->config.rope_layout == RopeLayout::kHalfSplit;
    add("rotation_order", half ? "pairs side by side" : "pairs half a head apart", [half](Model& model) {
      model.config.rope_layout = half ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit;
    });
  }

  void add_heads() {
    if (model_->config.norm_head) {
      add("norm_head", "head rows as they are stored",
          [](Model& model) { model.weights.head_row_scale.clear(); });
    } else {
      add("norm_head", "head rows divided by their norms",
          [](Model& model) { model.weights.head_row_scale = inverse_row_norms(model.weights.head); });
    }
    if (model_->config.tied_head) return;
    add("tied_head", "the embedding as head",
        [](Model& model) { model.weights.head = model.weights.embedding; });
  }

  void add_eps() {
    for (const float eps : {1e-5f, 1e-6f}) {
      if (std::fabs(model_->config.rms_norm_eps / eps - 1.0f) < 0.01f) continue;
      add("eps", fmt::format("epsilon {:g}", eps), [eps](Model& model) { model.config.rms_norm_eps = eps; });
    }
  }

  void add_bos() {
    const auto bos = model_->tokenizer ? model_->tokenizer->bos() : std::nullopt;
    if (!bos) return;
    Variant variant{{"bos", "", 0}, model_, sample_};
    if (sample_.front() == *bos) {
      variant.reading.name = "no BOS";
      variant.ids.erase(variant.ids.begin());
    } else {
      variant.reading.name = "a BOS before it";
      variant.ids.insert(variant.ids.begin(), *bos);
    }
    variants_.push_back(std::move(variant));
  }

  std::shared_ptr<const Model> model_;
  std::vector<TokenId> sample_;
  std::vector<Variant> variants_;
};

class Measuring {
 public:
  explicit Measuring(const MeasureRequest& request) : request_(request) {
    const size_t window = request.model->config.max_position;
    const size_t longest = request.longest > 0 ? std::min(request.longest, window) : window;
    length_ = std::min(longest, request.text.size() - 1);
    // One token less than the window: a reading may put a BOS before it.
    sample_ = std::span(request.text).first(std::min({kSample, request.text.size(), window - 1}));
  }

  Measurements run() {
    Measurements measured;
    std::vector<Variant> variants = Variants(request_.model, sample_).take();
    needle_lengths_ = request_.model->tokenizer ? needle_lengths(length_) : std::vector<size_t>{};
    total_ = (variants.size() + 3) * sample_.size() + length_;
    for (const size_t length : needle_lengths_) total_ += length * kNeedlesOfALength;
    measured.chance = std::log(static_cast<double>(request_.model->config.vocab_size));
    measured.nats = mean_loss(request_.model, sample_, "the sample");
    for (Variant& variant : variants) {
      variant.reading.nats = mean_loss(variant.model, variant.ids, variant.reading.name);
      measured.readings.push_back(std::move(variant.reading));
    }
    measured.kv_divergence = divergence();
    measured.length = length_;
    measured.positions = losses_by_position();
    measured.working_window = working_window(measured.positions);
    measure_needles(measured);
    return measured;
  }

 private:
  SessionOptions session_of(size_t length) const {
    SessionOptions options = request_.session;
    options.max_length = length;
    return options;
  }

  std::function<void(size_t)> progress(const std::string& what) {
    return [this, what](size_t done) {
      if (request_.on_progress) request_.on_progress(what, before_ + done, total_);
    };
  }

  double mean_loss(const std::shared_ptr<const Model>& model, std::span<const TokenId> ids,
                   const std::string& what) {
    Session session(model, session_of(ids.size()));
    double nats = 0;
    size_t tokens = 0;
    const auto count = [&](const PredictedToken& token) {
      if (token.context < kFirstContext) return;
      nats += token.nats;
      ++tokens;
    };
    predict_windows(session, ids, {ScoreWindow{0, ids.size() - 1, 1}}, true, count, progress(what),
                    request_.cancel);
    before_ += ids.size();
    return nats / static_cast<double>(tokens);
  }

  // Of the sample's last tokens, which have the most behind them.
  double divergence() {
    if (request_.session.kv_type == KvType::kF32) return 0;
    const size_t first = sample_.size() - std::min(kComparedRows, sample_.size() / 4);
    SessionOptions exact = session_of(sample_.size());
    exact.kv_type = KvType::kF32;
    const std::vector<float> wanted = log_probabilities(exact, first, "float32 keys");
    const std::vector<float> found = log_probabilities(session_of(sample_.size()), first, "the KV format");
    double sum = 0;
    for (size_t i = 0; i < wanted.size(); ++i)
      sum += std::exp(static_cast<double>(wanted[i])) * (static_cast<double>(wanted[i]) - found[i]);
    return sum / static_cast<double>(sample_.size() - first);
  }

  // [rows from first_wanted on, vocabulary]
  std::vector<float> log_probabilities(const SessionOptions& options, size_t first_wanted,
                                       const std::string& what) {
    Session session(request_.model, options);
    const size_t vocab = request_.model->config.vocab_size;
    std::vector<float> all;
    const auto sink = [&](size_t first, size_t rows, const float* rows_TV) {
      for (size_t row = 0; row < rows; ++row) {
        if (first + row < first_wanted) continue;
        const std::span<const float> logits(rows_TV + row * vocab, vocab);
        const double largest = *std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (const float logit : logits) sum += std::exp(logit - largest);
        for (const float logit : logits) all.push_back(static_cast<float>(logit - largest - std::log(sum)));
      }
    };
    const auto told = progress(what);
    session.forward_all(
        sample_, sink, [&told](const PrefillProgress& p) { told(p.done); }, request_.cancel, first_wanted);
    before_ += sample_.size();
    return all;
  }

  std::vector<PositionLoss> losses_by_position() {
    Session session(request_.model, session_of(length_));
    std::map<size_t, PositionLoss> buckets;
    const auto count = [&buckets](const PredictedToken& token) {
      PositionLoss& bucket = buckets[position_bucket(token.context)];
      bucket.nats += token.nats;
      ++bucket.tokens;
    };
    predict_windows(session, request_.text, {ScoreWindow{0, length_, 1}}, true, count,
                    progress("the long window"), request_.cancel);
    before_ += length_;
    std::vector<PositionLoss> losses;
    for (auto& [up_to, bucket] : buckets) {
      losses.push_back(
          {std::min(up_to, length_), bucket.tokens, bucket.nats / static_cast<double>(bucket.tokens)});
    }
    return losses;
  }

  // The loss falls with context as long as a model uses it. Where it rises far above the best so far and
  // stays there, the window has ended.
  static size_t working_window(const std::vector<PositionLoss>& losses) {
    double best = losses.front().nats;
    for (size_t i = 1; i < losses.size(); ++i) {
      const bool ended = std::all_of(losses.begin() + static_cast<std::ptrdiff_t>(i), losses.end(),
                                     [&](const PositionLoss& loss) { return !(loss.nats <= best + kRise); });
      if (ended) return losses[i - 1].up_to;
      best = std::min(best, losses[i].nats);
    }
    return losses.back().up_to;
  }

  void measure_needles(Measurements& measured) {
    for (const size_t length : needle_lengths_) {
      const auto told = progress(fmt::format("needles at {}", length));
      measured.needles.push_back(
          {length, kNeedlesOfALength,
           find_needles(request_.model, session_of(length), request_.text, told, request_.cancel)});
      before_ += length * kNeedlesOfALength;
    }
  }

  const MeasureRequest& request_;
  size_t length_ = 0;
  std::span<const TokenId> sample_;
  std::vector<size_t> needle_lengths_;
  size_t before_ = 0, total_ = 0;
};

}  // namespace

Measurements measure(const MeasureRequest& request) {
  if (request.text.size() < kFewestTokens) {
    throw Error(ErrorKind::kArgument, "text",
                fmt::format("must be at least {} tokens to measure with, found {}", kFewestTokens,
                            request.text.size()));
  }
  return Measuring(request).run();
}

}  // namespace longscroll::doctor
