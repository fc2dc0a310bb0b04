#include "apps/extend_corpus.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/cpu_features.h"
#include "base/error.h"
#include "base/hasher.h"
#include "data/corpus_packer.h"
#include "formats/atomic_directory.h"
#include "formats/atomic_file.h"
#include "formats/record_fields.h"
#include "formats/strict_json.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNeedlesFile = "needles.jsonl";
constexpr const char* kHaystackFile = "haystack.jsonl";
constexpr size_t kHexOf64Bits = 16;
constexpr int kAnswerTokens = 12;
constexpr size_t kSpareTokens = 8;    // of joining texts, in a prompt that must not be cut
constexpr size_t kLeastHaystack = 4;  // times what is not haystack

// Numbers that no text has by chance, asked for as a text goes on: a base model can answer too.
constexpr std::pair<const char*, const char*> kNeedles[] = {
    {"Mila", "3894"}, {"Oskar", "7215"}, {"Vera", "6043"},  {"Ivan", "9582"},
    {"Lena", "1367"}, {"Pavel", "4709"}, {"Nadia", "8156"}, {"Tomas", "2930"}};

uint64_t document_hash(std::string_view text) {
  const std::string hex = sha256_hex(text).substr(0, kHexOf64Bits);
  uint64_t hash = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), hash, 16);
  return hash;
}

std::string needle_of(const char* person, const char* number) {
  return fmt::format("The pass key of {} is {}.", person, number);
}

std::string question_of(const char* person) {
  return fmt::format("The pass key of {} is", person);
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The documents with the lowest hashes among those that are longer than the window.
class LongTexts {
 public:
  LongTexts(const Tokenizer& tokenizer, uint64_t window, size_t wanted)
      : tokenizer_(tokenizer), window_(window), wanted_(wanted) {}

  void consider(uint64_t hash, const std::string& text) {
    if (text.size() <= window_ || found_.contains(hash)) return;  // a token has a byte or more
    if (found_.size() > wanted_ && hash > found_.rbegin()->first) return;
    const size_t tokens = tokenizer_.encode(text, {.add_special = false, .parse_special = false}).size();
    longest_ = std::max(longest_, tokens);
    if (tokens <= window_) return;
    found_.emplace(hash, text);
    if (found_.size() > wanted_ + 1) found_.erase(std::prev(found_.end()));
  }

  // One more than is wanted must be there: it is left for training.
  std::map<uint64_t, std::string> taken(const ExtendSettings& settings) && {
    if (found_.size() <= wanted_) {
      throw Error(
          ErrorKind::kArgument, "--corpus",
          fmt::format("must hold {} documents of more than {} tokens, {} to measure perplexity on and "
                      "one to train on, found {} (the longest has {})",
                      wanted_ + 1, settings.window, wanted_, found_.size(), longest_),
          "a smaller --window, fewer --texts, or longer documents: nothing is learnt of positions that "
          "no document has");
    }
    found_.erase(std::prev(found_.end()));
    return std::move(found_);
  }

 private:
  const Tokenizer& tokenizer_;
  uint64_t window_;
  size_t wanted_;
  size_t longest_ = 0;
  std::map<uint64_t, std::string> found_;  // the wanted ones and one more
};

void write_needles(const fs::path& folder, const std::map<uint64_t, std::string>& texts) {
  std::string needles, haystack;
  for (const auto& [person, number] : kNeedles) {
    needles += dumped({{"needle", needle_of(person, number)},
                       {"retrieval_question", question_of(person)},
                       {"arg2", number},
                       {"language", "English"}}) +
               "\n";
  }
  for (const auto& [hash, text] : texts) haystack += dumped({{"text", text}}) + "\n";
  write_file(folder / kNeedlesFile, needles);
  write_file(folder / kHaystackFile, haystack);
}

// docs/formats/suites.md
void write_suite(const fs::path& folder, const ExtendPlan& plan, const Tokenizer& tokenizer) {
  size_t question = 0, needle = 0;
  for (const auto& [person, number] : kNeedles) {
    question = std::max(question, tokenizer.encode("\n\n" + question_of(person), {}).size());
    needle = std::max(needle, tokenizer.encode("\n" + needle_of(person, number) + "\n", {}).size());
  }
  const size_t buffer = question + kSpareTokens;
  const std::vector<uint64_t> lengths =
      needle_lengths(plan.old_window, plan.settings.window, kLeastHaystack * (buffer + needle));
  const Json language = {{"name", "English"},
                         {"buffer", buffer},
                         {"haystack", {{"file", kHaystackFile}}},
                         {"turns", {{{"role", "user"}, {"text", "{context}\n\n{question}"}}}}};
  const Json suite = {{"format", 1},
                      {"name", "extend-needle"},
                      {"version", "1"},
                      {"title", "Needle in held-out texts"},
                      {"builder", "needle"},
                      {"source", "longscroll extend"},
                      {"folders", {""}},
                      {"defaults",
                       {{"bare", true},
                        {"metric", "needle.v1"},
                        {"max_new_tokens", kAnswerTokens},
                        {"needles", kNeedlesFile},
                        {"lengths", lengths},
                        {"depths", {0, 25, 50, 75, 100}},
                        {"repeats", std::max<size_t>(1, plan.settings.needle_repeats)},
                        {"languages", {{"en", language}}}}},
                      {"tasks", {{{"name", "single"}, {"title", "Single needle"}}}}};
  write_file(folder / kSuiteFile, suite.dump(1) + "\n");
}

void write_corpus_folder(const ExtendPlan& plan, const CorpusSplit& split,
                         const std::map<uint64_t, std::string>& texts, const Tokenizer& tokenizer) {
  AtomicDirectory directory(plan.out() / kCorpusStage);
  const fs::path& folder = directory.temporary();
  size_t number = 0;
  for (const auto& [hash, text] : texts) write_file(folder / fmt::format("text-{}.txt", number++), text);
  write_needles(folder, texts);
  write_suite(folder, plan, tokenizer);
  const Json file = {{"bound", split.bound},
                     {"texts", split.texts},
                     {"documents", split.documents},
                     {"kept_apart", split.kept_apart}};
  write_file(folder / kSplitFile, file.dump(1) + "\n");
  directory.commit();
}

std::vector<fs::path> inputs_of(const ExtendPlan& plan) {
  return {plan.settings.corpus.begin(), plan.settings.corpus.end()};
}

}  // namespace

bool CorpusSplit::keeps_apart(std::string_view text) const {
  const uint64_t hash = document_hash(text);
  return hash < bound || std::ranges::find(texts, hash) != texts.end();
}

CorpusSplit split_corpus(const ExtendPlan& plan, const Tokenizer& tokenizer, const data::ReadEvents& events) {
  const ExtendSettings& settings = plan.settings;
  const data::CorpusFiles files = data::find_corpus_files(inputs_of(plan));
  data::CorpusReader reader(files.paths, settings.text_field);
  LongTexts longs(tokenizer, settings.window, settings.texts);
  CorpusSplit split;
  split.bound = static_cast<uint64_t>(settings.held_out * 0x1p64);
  uint64_t below = 0;
  while (const std::optional<data::CorpusText> document = reader.next()) {
    if (events.cancel != nullptr && *events.cancel)
      throw Error(ErrorKind::kCancelled, "the corpus", "stopped");
    const uint64_t hash = document_hash(document->text);
    ++split.documents;
    below += hash < split.bound ? 1 : 0;
    longs.consider(hash, document->text);
    if (events.progress) events.progress(reader.position(), files.bytes);
  }
  const std::map<uint64_t, std::string> texts = std::move(longs).taken(settings);
  for (const auto& [hash, text] : texts) {
    split.texts.push_back(hash);
    below += hash < split.bound ? 0 : 1;
  }
  split.kept_apart = below;
  write_corpus_folder(plan, split, texts, tokenizer);
  return split;
}

CorpusSplit read_split(const ExtendPlan& plan) {
  const fs::path path = plan.out() / kCorpusStage / kSplitFile;
  constexpr int kDepth = 3;
  const nlohmann::json json = parse_strict_json(read_file_bytes(path).bytes, path, "split", kDepth);
  const RecordFields fields(json, path, "split");
  const auto is_hash = [](const nlohmann::json& value) { return value.is_number_unsigned(); };
  if (!is_hash(fields.at("bound")) || !std::ranges::all_of(fields.list("texts"), is_hash))
    fields.fail("must have hashes as 'bound' and 'texts'");
  return {fields.at("bound").get<uint64_t>(), fields.list("texts").get<std::vector<uint64_t>>(),
          fields.count("documents"), fields.count("kept_apart")};
}

std::vector<std::string> pack_split(const ExtendPlan& plan, const CorpusSplit& split,
                                    const Tokenizer& tokenizer, const data::ReadEvents& events) {
  data::PackRequest request;
  request.inputs = inputs_of(plan);
  request.replace = true;  // what a run that was stopped left
  request.model = fs::path(plan.settings.model).filename().string();
  request.text_field = plan.settings.text_field;
  request.threads = plan.settings.threads > 0 ? plan.settings.threads : available_cores();
  request.bos = data::leading_id(tokenizer);
  request.eos = tokenizer.eos();
  std::vector<std::string> remarks;
  if (!request.eos) remarks.emplace_back("the model's files name no EOS: documents end without one");
  fs::create_directories(plan.out() / kShardsStage);
  for (const bool apart : {true, false}) {
    request.out = plan.out() / kShardsStage / (apart ? "held-out" : "train");
    request.keep = [&split, apart](const data::CorpusText& document) {
      return split.keeps_apart(document.text) == apart;
    };
    const data::PackReport report = data::pack_corpus(request, tokenizer, events);
    remarks.push_back(fmt::format("{}: {} documents, {} tokens", apart ? "kept apart" : "to train on",
                                  report.lengths.documents, report.lengths.tokens));
    if (!apart) remarks.insert(remarks.end(), report.remarks.begin(), report.remarks.end());
  }
  return remarks;
}

}  // namespace longscroll
