#include "apps/rope_map_run.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "engine/window_losses.h"
#include "model/extended_model.h"

namespace longscroll {
namespace {

// A text of n ids predicts n - 1: a whole window of `length` needs one id more.
bool fills_a_window(const MapText& text, uint64_t length) {
  return text.ids.size() > length;
}

std::vector<ScoreWindow> windows_of(const MapPlan& plan, const MapText& text, uint64_t length) {
  if (!fills_a_window(text, length)) return {};
  return score_windows(text.ids.size(), length, plan.stride_at(length));
}

size_t tokens_at(const MapPlan& plan, uint64_t length) {
  size_t total = 0;
  for (const MapText& text : plan.texts) total += tokens_of(windows_of(plan, text, length));
  return total;
}

MapMethod method_of_base(const std::string& text, const Model& model) {
  const bool is_factor = text.starts_with('x');
  const char* first = text.data() + (is_factor ? 1 : 0);
  double value = 0;
  const auto [end, failure] = std::from_chars(first, text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size())
    throw Error(ErrorKind::kArgument, "--bases",
                fmt::format("must be bases, or factors as x4, found \"{}\"", text));
  const double base = is_factor ? value * model.config.rope.base : value;
  const std::string form = fmt::format("base:{}", base);
  return {form, parse_rope_extension(form, "--bases")};
}

report::RopeMapCell measure_cell(const MapPlan& plan, Session& session, uint64_t length,
                                 const std::function<void(size_t)>& on_progress) {
  report::RopeMapCell cell;
  size_t before = 0;
  for (const MapText& text : plan.texts) {
    const std::vector<ScoreWindow> windows = windows_of(plan, text, length);
    const auto count = [&cell](const PredictedToken& token) {
      if (token.counts) cell.counted.add({token.nats, 1});
      cell.by_position[position_bucket(token.context)].add({token.nats, 1});
    };
    predict_windows(
        session, text.ids, windows, true, count, [&](size_t done) { on_progress(before + done); },
        &interrupted());
    before += tokens_of(windows);
  }
  return cell;
}

}  // namespace

size_t MapPlan::stride_at(uint64_t length) const {
  return stride > 0 ? stride : std::max<size_t>(1, length / 2);
}

std::vector<MapMethod> map_methods(const std::vector<std::string>& bases,
                                   const std::vector<std::string>& scalings, const Model& model) {
  std::vector<MapMethod> methods = {{"own", std::nullopt}};
  const auto add = [&methods](MapMethod method) {
    if (std::ranges::find(methods, method.name, &MapMethod::name) == methods.end())
      methods.push_back(std::move(method));
  };
  for (const std::string& text : bases) add(method_of_base(text, model));
  for (const std::string& text : scalings) {
    const RopeExtension extension = parse_rope_extension(text, "--scaling");
    add({to_string(extension), extension});
  }
  return methods;
}

std::vector<std::string> check_map(const MapPlan& plan) {
  std::vector<std::string> remarks;
  for (const uint64_t length : plan.lengths) {
    if (plan.stride > length) {
      throw Error(ErrorKind::kArgument, "--stride",
                  fmt::format("must be at most every length, found {} above {}", plan.stride, length));
    }
    size_t left = 0;
    for (const MapText& text : plan.texts) {
      if (fills_a_window(text, length)) {
        ++left;
      } else {
        remarks.push_back(fmt::format("{}: its {} tokens do not fill a window of {}, so it is left out there",
                                      text.file, text.ids.size(), length));
      }
    }
    if (left == 0) {
      throw Error(ErrorKind::kArgument, "--lengths",
                  fmt::format("must have a text with more tokens than each, found none for {}", length));
    }
  }
  return remarks;
}

void measure_map(const MapPlan& plan, const ModelOptions& options, report::RopeMap& map,
                 const std::function<void()>& after_cell) {
  size_t total = 0, before = 0;
  for (const MapMethod& method : plan.methods) {
    for (const uint64_t length : plan.lengths)
      total += map.cell(method.name, length) == nullptr ? tokens_at(plan, length) : 0;
  }
  const uint64_t window = std::max<uint64_t>(plan.model->config.max_position, plan.lengths.back());
  ProgressBar bar("Measuring");
  for (const MapMethod& method : plan.methods) {
    const std::shared_ptr<const Model> model = extend_model(plan.model, method.extension, window);
    for (const uint64_t length : plan.lengths) {
      if (map.cell(method.name, length) != nullptr) continue;
      bar.relabel(fmt::format("{} at {}", method.name, length));
      const double start = bar.seconds();
      Session session(model, session_options(options, *model, length));
      report::RopeMapCell cell =
          measure_cell(plan, session, length, [&](size_t done) { bar.update(before + done, total); });
      cell.seconds = bar.seconds() - start;
      before += tokens_at(plan, length);
      map.cells[{method.name, length}] = std::move(cell);
      after_cell();
    }
  }
}

}  // namespace longscroll
