#include "eval/run_order.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

std::optional<size_t> whole_number(std::string_view text) {
  size_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

struct RankVariables {
  const char* rank;
  const char* size;
};
constexpr RankVariables kRankVariables[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                            {"PMI_RANK", "PMI_SIZE"},
                                            {"SLURM_PROCID", "SLURM_NTASKS"}};

}  // namespace

Shard parse_shard(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto index = whole_number(text.substr(0, slash)), count = whole_number(text.substr(slash + 1));
    if (index && count && *index < *count) return {*index, *count};
  }
  throw Error(ErrorKind::kArgument, "--shard",
              fmt::format("must be i/n with i from 0 to n - 1, as 0/4, found \"{}\"", text));
}

Ranked shard_from_environment() {
  for (const RankVariables& names : kRankVariables) {
    const char *rank = std::getenv(names.rank), *size = std::getenv(names.size);
    if (rank == nullptr || size == nullptr) continue;
    const auto index = whole_number(rank), count = whole_number(size);
    if (!index || !count || *index >= *count) {
      throw Error(ErrorKind::kArgument, names.rank,
                  fmt::format("must be a rank below {}, found \"{}\" and \"{}\"", names.size, rank, size));
    }
    if (*count > 1) return {{*index, *count}, names.rank};
  }
  return {};
}

std::vector<PlannedItem> plan_run(std::span<const EvalItem> items, const Shard& shard) {
  std::vector<std::vector<size_t>> documents;
  std::unordered_map<std::string, size_t> known;
  for (size_t i = 0; i < items.size(); ++i) {
    // The later part of a pair stays behind the earlier one, whatever their documents are.
    if (!items[i].join_after.empty() && i > 0) {
      const std::string& earlier = items[i - 1].document;
      documents[earlier.empty() ? documents.size() - 1 : known.at(earlier)].push_back(i);
      continue;
    }
    if (items[i].document.empty()) {
      documents.push_back({i});
      continue;
    }
    const auto [at, is_new] = known.emplace(items[i].document, documents.size());
    if (is_new) documents.emplace_back();
    documents[at->second].push_back(i);
  }
  std::vector<PlannedItem> plan;
  size_t index = 0;
  for (size_t document = 0; document < documents.size(); ++document) {
    bool begins = true;
    for (const size_t item : documents[document]) {
      if (document % shard.count == shard.index) plan.push_back({item, index, begins});
      ++index;
      begins = false;
    }
  }
  return plan;
}

}  // namespace longscroll
