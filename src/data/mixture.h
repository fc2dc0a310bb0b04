// From sets of documents to the stream that is trained on: what is chosen, in which shares, in which packs.
//
// There are three ways, and one mixture goes one of them:
//  - as they are (nothing given): all documents together; an epoch has each once.
//  - by weight: each part's share of the packs, and so of the tokens; parts repeat on their own, without an
//    epoch of the whole (ProLong, arXiv 2410.02660, mixes its long and short sources so).
//  - by count or by ratio: documents of each part in an epoch, drawn once from the seed and then fixed;
//    together, so that a pack may hold long and general instructions side by side (the Index report: 30k
//    long, 50k general).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/document_set.h"
#include "data/packed_documents.h"

namespace longscroll::data {

struct MixturePart {
  std::string name;
  Documents documents;
  double weight = 0;   // above 0: by weight
  uint64_t count = 0;  // above 0: by count; a part without one gives all that it has
  double ratio = 0;    // above 0: by ratio; as many of each as the scarcest part allows without repeating any
};

// Documents of `from` tokens and more, up to the next bucket's `from`, and their share of the packs.
struct LengthBucket {
  uint64_t from = 0;
  double weight = 0;  // above 0; of the sum of all
};

enum class TooLong { kRefuse, kLeaveOut };  // what may not be split and is longer than the window

struct MixtureSettings {
  PackSettings packs;
  // By rising `from`; empty: lengths as they come. Within each part where parts have weights, else over all.
  std::vector<LengthBucket> buckets;
  TooLong too_long = TooLong::kRefuse;
};

struct Mixture {
  std::unique_ptr<PackSource> packs;
  std::vector<std::string> remarks;  // what was left out
};

// Throws Error(kArgument), naming the part: settings that contradict each other, more documents asked for
// than there are, a bucket without a document; and as PackedDocuments and MixedPacks do.
Mixture make_mixture(std::vector<MixturePart> parts, const MixtureSettings& settings);

}  // namespace longscroll::data
