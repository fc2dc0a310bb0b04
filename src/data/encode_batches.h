// Reads items one after the other, encodes them on several threads, and hands the results on in order: the
// same result for any number of threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"

namespace longscroll::data {

inline constexpr size_t kBatchItems = 256;
inline constexpr size_t kBatchBytes = size_t{4} << 20;

// `next()` gives optional<Item>, `bytes(item)` about how large it is, `encode(item)` a result; `sink(item,
// result)`.
template <class Next, class Bytes, class Encode, class Sink>
void encode_batches(int threads, const Next& next, const Bytes& bytes, const Encode& encode, const Sink& sink,
                    const std::atomic<bool>* cancel) {
  using Item = typename decltype(next())::value_type;
  using Result = decltype(encode(std::declval<const Item&>()));
  ThreadPool pool(threads);
  for (bool more = true; more;) {
    if (cancel != nullptr && *cancel) throw Error(ErrorKind::kCancelled, "packing", "stopped");
    std::vector<Item> items;
    for (size_t size = 0; more && items.size() < kBatchItems && size < kBatchBytes;) {
      std::optional<Item> item = next();
      more = item.has_value();
      if (!more) break;
      size += bytes(*item);
      items.push_back(std::move(*item));
    }
    std::vector<Result> results(items.size());
    pool.run(items.size(), [&](size_t index, int /*thread*/) { results[index] = encode(items[index]); });
    for (size_t i = 0; i < items.size(); ++i) sink(items[i], std::move(results[i]));
  }
}

}  // namespace longscroll::data
