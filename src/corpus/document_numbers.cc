#include "corpus/document_numbers.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll::corpus {

DocumentNumbers::DocumentNumbers(const std::vector<Json>& reports) : first_(1, 0) {
  uint64_t sum = 0;
  for (const Json& report : reports) {
    sum += report.at("documents").get<uint64_t>();
    if (sum >= std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kUnsupported, "documents",
                  fmt::format("must be fewer than {}, found more", std::numeric_limits<uint32_t>::max()));
    }
    first_.push_back(static_cast<uint32_t>(sum));
  }
}

DocumentNumbers::Place DocumentNumbers::place(uint32_t document) const {
  const auto next = std::upper_bound(first_.begin(), first_.end(), document);
  const auto shard = static_cast<size_t>(next - first_.begin()) - 1;
  return {shard, document - first_[shard]};
}

}  // namespace longscroll::corpus
