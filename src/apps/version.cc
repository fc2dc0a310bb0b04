#include <unicode/uversion.h>

#include <fmt/format.h>
#include <CLI/Version.hpp>

#include "apps/commands.h"
#include "base/cpu_features.h"
#include "kernels/kernels.h"

namespace longscroll {
namespace {

std::string fmt_version() {
  return fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
}

std::string kernel_set_names(bool only_available) {
  std::string names;
  for (const KernelSet* set : all_kernel_sets()) {
    if (only_available && !set->available()) continue;
    names += names.empty() ? "" : ", ";
    names += set->name;
  }
  return names;
}

}  // namespace

std::string version_text() {
  return fmt::format(
      "longscroll {}\n"
      "compiler:  {}\n"
      "build:     {}{}\n"
      "kernels:   built {}; available {}; used {}\n"
      "processor: {}, {} cores for this process\n"
      "libraries: CLI11 {}, curl {}, fmt {}, ICU {}, nlohmann-json {}.{}.{}, OpenSSL {}, PCRE2 {}, "
      "SentencePiece {}",
      LONGSCROLL_VERSION, LONGSCROLL_COMPILER, LONGSCROLL_BUILD_TYPE, LONGSCROLL_BUILD_NOTE,
      kernel_set_names(false), kernel_set_names(true), kernels().name, cpu_model_name(), available_cores(),
      CLI11_VERSION, LONGSCROLL_CURL_VERSION, fmt_version(), U_ICU_VERSION, NLOHMANN_JSON_VERSION_MAJOR,
      NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH, LONGSCROLL_OPENSSL_VERSION,
      LONGSCROLL_PCRE2_VERSION, LONGSCROLL_SENTENCEPIECE_VERSION);
}

}  // namespace longscroll
