// What a mix wants and what there is, by source and length.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "corpus/mix.h"
#include "corpus/text_document.h"

namespace longscroll::corpus {

struct MixCell {
  std::string source;  // empty: any
  uint64_t from = 0;   // tokens: from <= length < up_to
  uint64_t up_to = 0;  // 0: no end
  uint64_t documents = 0;
  uint64_t tokens = 0;  // that there are
  double wanted = 0;    // tokens
  double rate = 0;      // how often a document is taken, on average
  bool is_capped = false;
};

// Documents and tokens by source and bucket.
class MixCounts {
 public:
  explicit MixCounts(const MixSettings& settings);

  struct Count {
    uint64_t documents = 0;
    uint64_t tokens = 0;
  };

  void add(const std::string& source, uint64_t tokens);
  Count of(const MixCell& cell) const;

  Json to_json() const;
  void merge_json(const Json& json);

 private:
  friend class MixCells;
  using Key = std::pair<std::string, size_t>;  // source, bucket
  const MixSettings& settings_;
  std::map<Key, Count> counts_;
};

class MixCells {
 public:
  // `settings` must outlive it. Throws Error(kArgument) as mix_corpus says.
  MixCells(const MixSettings& settings, const MixCounts& counts);

  const MixSettings& settings() const { return settings_; }
  const std::vector<MixCell>& cells() const { return cells_; }
  // The cell of a document; nullptr: its source or length is not wanted.
  const MixCell* find(const std::string& source, uint64_t tokens) const;
  // How often the document is taken.
  uint64_t times(const MixCell& cell, const std::string& id) const;

 private:
  void add_cell(const MixSource* source, size_t bucket, double source_share, double bucket_share,
                const MixCounts& counts);

  const MixSettings& settings_;
  std::vector<MixCell> cells_;
  std::map<std::pair<std::string, size_t>, size_t> places_;  // in cells_
};

// Throws Error(kArgument) as mix_corpus says, as far as that is to be told without documents.
void validate(const MixSettings& settings);

// The bucket of a length: the last that begins at or below it; settings.buckets.size() when there is none.
// Without buckets, 0.
size_t bucket_of(const MixSettings& settings, uint64_t tokens);

}  // namespace longscroll::corpus
