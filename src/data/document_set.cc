#include "data/document_set.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/file_faults.h"

namespace longscroll::data {
namespace {

namespace fs = std::filesystem;

// Which of several parts, and which document of it, has a number counted through all.
class Numbering {
 public:
  void add(uint64_t size, const std::string& where) {
    const uint64_t end = (ends_.empty() ? 0 : ends_.back()) + size;
    if (end > std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kUnsupported, where,
                  fmt::format("must bring the documents to less than 2^32, found {}", end),
                  "train on a part of the corpus at a time");
    }
    ends_.push_back(static_cast<uint32_t>(end));
  }
  uint32_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  std::pair<size_t, uint32_t> find(uint32_t document) const {
    assert(document < size());
    const auto part = std::upper_bound(ends_.begin(), ends_.end(), document);
    return {static_cast<size_t>(part - ends_.begin()), document - (part == ends_.begin() ? 0 : *(part - 1))};
  }

 private:
  std::vector<uint32_t> ends_;
};

class ShardDocuments final : public DocumentSet {
 public:
  explicit ShardDocuments(std::vector<TokenShard> shards) : shards_(std::move(shards)) {
    for (const TokenShard& shard : shards_) numbers_.add(shard.documents(), shard.path().string());
  }

  uint32_t size() const override { return numbers_.size(); }
  uint64_t positions(uint32_t document) const override {
    const auto [shard, inside] = numbers_.find(document);
    return shards_[shard].length(inside) - 1;
  }
  bool may_split() const override { return !shards_.front().has_answers(); }
  void append(uint32_t document, uint64_t from, uint64_t count, Pack& pack) const override {
    const auto [shard, inside] = numbers_.find(document);
    append_positions(shards_[shard].read(inside, from, count + 1), pack);
  }
  std::string name(uint32_t document) const override {
    const auto [shard, inside] = numbers_.find(document);
    const fs::path& path = shards_[shard].path();
    return fmt::format("{} document {}", (path.parent_path().filename() / path.filename()).string(), inside);
  }

 private:
  std::vector<TokenShard> shards_;
  Numbering numbers_;
};

class HeldInstructions final : public DocumentSet {
 public:
  explicit HeldInstructions(std::vector<NamedDocument> documents) : documents_(std::move(documents)) {
    Numbering().add(documents_.size(), "instructions");
  }

  uint32_t size() const override { return static_cast<uint32_t>(documents_.size()); }
  uint64_t positions(uint32_t document) const override {
    return documents_[document].document.ids.size() - 1;
  }
  bool may_split() const override { return false; }
  void append(uint32_t document, [[maybe_unused]] uint64_t from, [[maybe_unused]] uint64_t count,
              Pack& pack) const override {
    assert(from == 0 && count == positions(document));
    append_positions(documents_[document].document, pack);
  }
  std::string name(uint32_t document) const override { return documents_[document].name; }

 private:
  std::vector<NamedDocument> documents_;
};

class ChosenDocuments final : public DocumentSet {
 public:
  ChosenDocuments(Documents of, std::vector<uint32_t> chosen)
      : of_(std::move(of)), chosen_(std::move(chosen)) {}

  uint32_t size() const override { return static_cast<uint32_t>(chosen_.size()); }
  uint64_t positions(uint32_t document) const override { return of_->positions(chosen_[document]); }
  bool may_split() const override { return of_->may_split(); }
  void append(uint32_t document, uint64_t from, uint64_t count, Pack& pack) const override {
    of_->append(chosen_[document], from, count, pack);
  }
  std::string name(uint32_t document) const override { return of_->name(chosen_[document]); }

 private:
  Documents of_;
  std::vector<uint32_t> chosen_;
};

class JoinedDocuments final : public DocumentSet {
 public:
  explicit JoinedDocuments(std::vector<Documents> parts) : parts_(std::move(parts)) {
    for (const Documents& part : parts_) numbers_.add(part->size(), "corpus");
  }

  uint32_t size() const override { return numbers_.size(); }
  uint64_t positions(uint32_t document) const override {
    const auto [part, inside] = numbers_.find(document);
    return parts_[part]->positions(inside);
  }
  bool may_split() const override { return parts_.front()->may_split(); }
  void append(uint32_t document, uint64_t from, uint64_t count, Pack& pack) const override {
    const auto [part, inside] = numbers_.find(document);
    parts_[part]->append(inside, from, count, pack);
  }
  std::string name(uint32_t document) const override {
    const auto [part, inside] = numbers_.find(document);
    return parts_[part]->name(inside);
  }

 private:
  std::vector<Documents> parts_;
  Numbering numbers_;
};

}  // namespace

void append_positions(const TokenDocument& document, Pack& pack) {
  const std::vector<TokenId>& ids = document.ids;
  assert(ids.size() >= 2);
  pack.starts.push_back(static_cast<uint32_t>(pack.ids.size()));
  pack.ids.insert(pack.ids.end(), ids.begin(), ids.end() - 1);
  for (size_t i = 1; i < ids.size(); ++i) {
    const bool learnt = document.learnt.empty() || document.learnt[i] != 0;
    pack.targets.push_back(learnt ? ids[i] : kIgnored);
  }
}

Documents open_shards(const std::vector<fs::path>& paths, const TokenizerIdentity& tokenizer) {
  assert(!paths.empty());
  std::vector<TokenShard> shards;
  for (const fs::path& path : paths) {
    TokenShard shard(path);
    if (!shard.tokenizer().same_ids(tokenizer)) {
      throw_bad_file(path,
                     fmt::format("must hold ids of the model's tokenizer, {}; found those of {}",
                                 tokenizer.text(), shown_name(shard.tokenizer().text())),
                     "pack the corpus again with this model: longscroll data pack MODEL CORPUS --out DIR");
    }
    if (!shards.empty() && shard.has_answers() != shards.front().has_answers()) {
      throw_bad_file(path, fmt::format("must hold {} like {}, found {}",
                                       shards.front().has_answers() ? "instructions" : "plain text",
                                       shards.front().path().string(),
                                       shard.has_answers() ? "instructions" : "plain text"));
    }
    shards.push_back(std::move(shard));
  }
  return std::make_shared<ShardDocuments>(std::move(shards));
}

Documents hold_instructions(std::vector<NamedDocument> documents) {
  return std::make_shared<HeldInstructions>(std::move(documents));
}

Documents choose(Documents of, std::vector<uint32_t> chosen) {
  return std::make_shared<ChosenDocuments>(std::move(of), std::move(chosen));
}

Documents join(std::vector<Documents> parts) {
  assert(!parts.empty());
  if (parts.size() == 1) return std::move(parts.front());
  return std::make_shared<JoinedDocuments>(std::move(parts));
}

}  // namespace longscroll::data
