#include "doctor/needles.h"

#include <array>
#include <string>

#include <fmt/format.h>

#include "engine/generate.h"

namespace longscroll::doctor {
namespace {

constexpr size_t kShortest = 512;
constexpr size_t kAnswerTokens = 12;
constexpr std::array<int, kNeedlesOfALength> kNumbers = {71432, 28695};

void append(std::vector<TokenId>& ids, std::span<const TokenId> more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

}  // namespace

std::vector<size_t> needle_lengths(size_t longest) {
  std::vector<size_t> lengths;
  for (size_t length = kShortest; length < longest; length *= 2) lengths.push_back(length);
  if (longest >= kShortest) lengths.push_back(longest);
  return lengths;
}

size_t find_needles(const std::shared_ptr<const Model>& model, const SessionOptions& options,
                    std::span<const TokenId> text, const std::function<void(size_t done)>& on_progress,
                    const std::atomic<bool>* cancel) {
  const Tokenizer& tokenizer = *model->tokenizer;
  const std::vector<TokenId> question = tokenizer.encode("\n\nThe pass key is", {.add_special = false});
  size_t found = 0;
  for (size_t i = 0; i < kNeedlesOfALength; ++i) {
    const std::string number = std::to_string(kNumbers[i]);
    const std::vector<TokenId> needle = tokenizer.encode(
        fmt::format("\n\nThe pass key is {0}. Remember it: {0} is the pass key.\n\n", number),
        {.add_special = false});
    const size_t room = options.max_length - needle.size() - question.size() - kAnswerTokens;
    const size_t before = room * (2 * i + 1) / (2 * kNeedlesOfALength);
    std::vector<TokenId> prompt(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(before));
    append(prompt, needle);
    append(prompt, text.subspan(before, room - before));
    append(prompt, question);
    Session session(model, options);
    GenerateOptions generate_options;
    generate_options.max_new_tokens = kAnswerTokens;
    const size_t done = i * options.max_length;
    const GenerateResult answer = generate(
        session, prompt, generate_options, {}, [&](const PrefillProgress& p) { on_progress(done + p.done); },
        cancel);
    if (tokenizer.decode(answer.ids).find(number) != std::string::npos) ++found;
  }
  return found;
}

}  // namespace longscroll::doctor
