#include "rope/rope_extension.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr double kMostFactor = 1024.0;

struct Form {
  std::string_view name;
  RopeScaling scaling;
  bool keep_cached;
};
constexpr std::array<Form, 5> kForms{{
    {"dynamic-ntk", RopeScaling::kDynamicNtk, false},
    {"dynamic-ntk-cached", RopeScaling::kDynamicNtk, true},
    {"ntk", RopeScaling::kNtk, false},
    {"linear", RopeScaling::kLinear, false},
    {"yarn", RopeScaling::kYarn, false},
}};

[[noreturn]] void refuse(std::string_view text, const std::string& where) {
  throw Error(ErrorKind::kArgument, where,
              fmt::format("must be one of {}, found \"{}\"", kRopeExtensionForms, text),
              "F is how many times the trained window, as in yarn:4; B the base itself, as in base:320000");
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string scaling_text(const RopeConfig& rope) {
  if (!rope.frequency_divisors.empty()) return "rope_freqs.weight";
  return fmt::format("{} by {}", to_string(rope.scaling), rope.factor);
}

}  // namespace

RopeExtension parse_rope_extension(std::string_view text, const std::string& where) {
  if (text == "none") return {};
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) refuse(text, where);
  const std::string_view name = text.substr(0, colon);
  const std::optional<double> number = number_of(text.substr(colon + 1));
  if (!number) refuse(text, where);
  if (name == "base") {
    if (*number <= 1.0) refuse(text, where);
    return {.base = number};
  }
  for (const Form& form : kForms) {
    if (name != form.name) continue;
    if (*number < 1.0 || *number > kMostFactor) {
      throw Error(ErrorKind::kArgument, where,
                  fmt::format("the factor must be 1 to {}, found {}", kMostFactor, *number));
    }
    return {.scaling = form.scaling, .factor = *number, .keep_cached = form.keep_cached};
  }
  refuse(text, where);
}

std::string to_string(const RopeExtension& extension) {
  if (extension.base) return fmt::format("base:{}", *extension.base);
  for (const Form& form : kForms) {
    if (form.scaling == extension.scaling && form.keep_cached == extension.keep_cached)
      return fmt::format("{}:{}", form.name, extension.factor);
  }
  return "none";
}

ExtendedRope extend_rope(const RopeConfig& own, uint64_t window, const RopeExtension& extension) {
  ExtendedRope result;
  if (extension.base) {
    result.rope = own;
    result.rope.base = *extension.base;
    result.window = window;
    validate(result.rope);
    return result;
  }
  const uint64_t trained = own.original_max_position > 0 ? own.original_max_position : window;
  result.rope.base = own.base;
  result.rope.rotary_dim = own.rotary_dim;
  result.rope.scaling = extension.scaling;
  result.rope.keep_cached = extension.keep_cached;
  result.window = trained;
  if (extension.scaling != RopeScaling::kNone) {
    result.rope.factor = extension.factor;
    result.rope.original_max_position = static_cast<uint32_t>(trained);
    result.window = static_cast<uint64_t>(std::floor(static_cast<double>(trained) * extension.factor));
  }
  if (own.scaling != RopeScaling::kNone || !own.frequency_divisors.empty())
    result.remarks.push_back(
        fmt::format("the model's own rotary scaling, {}, is set aside", scaling_text(own)));
  validate(result.rope);
  return result;
}

}  // namespace longscroll
