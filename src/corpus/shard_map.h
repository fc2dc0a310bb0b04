// The task that most steps have: a shard of documents in, a shard of those that stay out.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "corpus/step_folder.h"
#include "corpus/step_report.h"
#include "corpus/text_document.h"

namespace longscroll::corpus {

// Why a document is left out; an empty reason: it stays.
struct Verdict {
  std::string reason;
  std::string detail;  // what was measured, for the sample
};

// May change the document, and note in the report what it changed. `number` counts the documents that the
// reader gave of this shard, from 0.
using Rule = std::function<Verdict(TextDocument& document, uint64_t number, StepReport& report)>;

// Reads `input`, applies the rule, writes `output`; a document whose text the rule emptied is dropped as
// "empty". A shard that cannot be read gives a fault and an output without documents. Throws
// Error(kCancelled) soon after `cancel` is set, and as DocumentWriter does.
StepReport map_shard(const std::filesystem::path& input, const std::filesystem::path& output,
                     const Rule& rule, const std::atomic<bool>* cancel);

// A step that is this task alone, from find_documents() to the manifest. `make_rule` is called for each
// shard, from many threads, with the shard's number.
Json run_map_step(const StepRequest& request, const std::string& step, const Json& settings,
                  const std::function<Rule(size_t shard)>& make_rule, const Json& extra,
                  const data::ReadEvents& events);

}  // namespace longscroll::corpus
