#include "apps/answer.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"

namespace longscroll {

Answer answer_prompt(Session& session, std::span<const TokenId> prompt, const GenerateOptions& options,
                     Stream stream) {
  const Tokenizer* tokenizer = session.model().tokenizer.get();
  std::optional<StreamDecoder> decoder;
  if (tokenizer != nullptr) decoder.emplace(*tokenizer);
  const bool prints = stream == Stream::kText && decoder;
  const bool on_terminal = ::isatty(STDOUT_FILENO) != 0;
  ProgressBar bar("Reading");
  Answer answer;
  const auto emit = [&](const std::string& piece) {
    answer.text += piece;
    if (prints && !piece.empty()) write_out(on_terminal ? printable(piece) : piece);
  };
  const auto on_token = [&](TokenId id) {
    bar.clear();
    if (decoder) emit(decoder->push(id));
  };
  PrefillProgress reached;
  const auto on_progress = [&](const PrefillProgress& progress) {
    reached = progress;
    bar.update(progress.done, progress.total);
  };
  try {
    answer.result = generate(session, prompt, options, on_token, on_progress, &interrupted());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCancelled) throw;
    bar.clear();
    throw Error(ErrorKind::kCancelled, "Ctrl-C",
                fmt::format("stopped while reading, after {} of {} tokens", reached.done,
                            reached.total > 0 ? reached.total : prompt.size()));
  }
  bar.clear();
  if (decoder) emit(decoder->flush());
  if (prints) write_out("\n");
  return answer;
}

namespace {

Json describe_speculation(const SpeculationCounts& counts) {
  const double rate =
      counts.drafted == 0 ? 0 : static_cast<double>(counts.accepted) / static_cast<double>(counts.drafted);
  return {{"drafted", counts.drafted},
          {"accepted", counts.accepted},
          {"hit_rate", rate},
          {"batches", counts.batches}};
}

}  // namespace

Json describe_timing(const GenerateOptions& options, const GenerateResult& result) {
  const size_t computed = result.prompt_tokens - result.reused_tokens;
  return {{"prompt_tokens", result.prompt_tokens},
          {"reused_tokens", result.reused_tokens},
          {"prefill_seconds", result.prefill_seconds},
          {"decode_seconds", result.decode_seconds},
          {"prompt_tokens_per_second", tokens_per_second(computed, result.prefill_seconds)},
          {"tokens_per_second", tokens_per_second(result.ids.size(), result.decode_seconds)},
          {"speculation", options.speculation ? describe_speculation(result.speculation) : Json(nullptr)}};
}

std::string timing_line(const GenerateResult& result) {
  const size_t computed = result.prompt_tokens - result.reused_tokens;
  std::string line =
      fmt::format("read {} tokens in {} ({})", format_count(computed),
                  format_duration(result.prefill_seconds), reading_rate(computed, result.prefill_seconds));
  if (result.reused_tokens > 0) line += fmt::format(", {} were known", format_count(result.reused_tokens));
  line += fmt::format("; wrote {} in {} ({})", result.ids.size(), format_duration(result.decode_seconds),
                      reading_rate(result.ids.size(), result.decode_seconds));
  if (result.speculation.accepted > 0) line += fmt::format(", {} guessed", result.speculation.accepted);
  return fmt::format("{}, {}", line, to_string(result.stop_reason));
}

}  // namespace longscroll
