// bench: seconds to read a prompt, milliseconds a token at a depth.
#include <algorithm>
#include <chrono>
#include <optional>
#include <random>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/roof.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"

namespace longscroll {
namespace {

struct BenchOptions {
  ModelOptions model;
  std::vector<size_t> lengths;
  std::vector<size_t> depths;
  size_t repeats = 3;
  size_t decode_tokens = 16;
  uint64_t seed = 1;
  bool machine = false;
  bool json = false;
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<TokenId> random_ids(size_t count, uint32_t vocab_size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<TokenId> ids(count);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % vocab_size);
  return ids;
}

double time_prefill(Session& session, std::span<const TokenId> ids, const std::string& label) {
  session.truncate(0);
  ProgressBar bar(label);
  const auto start = Clock::now();
  session.prefill(ids, [&bar](const PrefillProgress& p) { bar.update(p.done, p.total); }, &interrupted());
  return seconds_since(start);
}

// ms a token, of `count` tokens after the `depth` that the session holds; leaves it at that depth.
double time_decode(Session& session, std::span<const TokenId> ids, size_t depth, size_t count) {
  const auto start = Clock::now();
  for (size_t i = 0; i < count; ++i) {
    session.step(ids[depth + i]);
    throw_if_interrupted();
  }
  const double seconds = seconds_since(start);
  session.truncate(depth);
  return seconds * 1e3 / static_cast<double>(count);
}

// A rate, and its share of the machine's; roof is 0 when that was not measured.
Json described_rate(const char* name, double rate, double roof, const char* share_name) {
  Json json = {{name, rate / 1e9}};
  if (roof > 0) json[share_name] = rate / roof;
  return json;
}

std::string shown_share(double roof, double rate, const char* of) {
  return roof > 0 ? fmt::format("  {:.0f}% of {}", 100 * rate / roof, of) : "";
}

Json bench_prefill(const BenchOptions& options, Session& session, const std::vector<TokenId>& ids,
                   const std::optional<MachineRoof>& roof) {
  Json rows = Json::array();
  for (const size_t length : options.lengths) {
    std::vector<double> seconds;
    for (size_t repeat = 0; repeat < options.repeats; ++repeat) {
      seconds.push_back(
          time_prefill(session, std::span(ids).first(length), fmt::format("Prefill {}", length)));
    }
    const double middle = median(seconds);
    const double rate = prefill_operations(session.model(), length) / middle;
    const double int8 = roof ? roof->int8_ops : 0;
    Json row = {{"length", length},
                {"seconds", middle},
                {"tokens_per_second", tokens_per_second(length, middle)},
                {"repeats", seconds}};
    row.update(described_rate("gflops", rate, int8, "share_of_int8"));
    rows.push_back(std::move(row));
    fmt::print(stderr, "prefill {:>7} tokens  {:>9.3f} s  {:>12}  {:>6.0f} GFLOP/s{}\n", length, middle,
               reading_rate(length, middle), rate / 1e9, shown_share(int8, rate, "int8"));
  }
  return rows;
}

Json bench_decode(const BenchOptions& options, Session& session, const std::vector<TokenId>& ids,
                  KvType kv_type, const std::optional<MachineRoof>& roof) {
  std::vector<Json> rows;
  // The deepest first: what was read before are the first of the same ids, and is not read again.
  for (auto at = options.depths.rbegin(); at != options.depths.rend(); ++at) {
    const size_t depth = *at;
    if (depth == 0) {
      session.truncate(0);
    } else {
      ProgressBar bar(fmt::format("Filling to {}", depth));
      session.prefill(
          std::span(ids).first(depth), [&bar](const PrefillProgress& p) { bar.update(p.done, p.total); },
          &interrupted());
    }
    std::vector<double> milliseconds;
    for (size_t repeat = 0; repeat < options.repeats; ++repeat) {
      milliseconds.push_back(time_decode(session, ids, depth, options.decode_tokens));
    }
    const double middle = median(milliseconds);
    const double rate = decode_bytes(session.model(), kv_type, depth) / middle * 1e3;
    const double read = roof ? roof->read_bytes : 0;
    Json row = {{"depth", depth}, {"ms_per_token", middle}, {"repeats", milliseconds}};
    row.update(described_rate("gb_per_second", rate, read, "share_of_read"));
    rows.insert(rows.begin(), std::move(row));
    fmt::print(stderr, "decode at {:>7}  {:>9.2f} ms a token  {:>6.1f} GB/s{}\n", depth, middle, rate / 1e9,
               shown_share(read, rate, "reading"));
  }
  return rows;
}

size_t longest(const BenchOptions& options, const Model& model) {
  size_t needed = 1;
  for (const size_t length : options.lengths) needed = std::max(needed, length);
  for (const size_t depth : options.depths) needed = std::max(needed, depth + options.decode_tokens);
  if (needed > model.config.max_position) {
    throw Error(
        ErrorKind::kArgument, "bench",
        fmt::format("lengths, and depths with {} tokens more, must be within the window of {}, found {}",
                    options.decode_tokens, model.config.max_position, needed));
  }
  return needed;
}

std::optional<MachineRoof> bench_machine(int threads) {
  const MachineRoof roof = measure_roof(threads);
  fmt::print(
      stderr,
      "this machine, {} threads: float32 {:.0f} GFLOP/s, bf16 {}, int8 {:.0f} GOP/s, reading {:.1f} GB/s\n",
      threads, roof.f32_flops / 1e9,
      roof.bf16_flops ? fmt::format("{:.0f} GFLOP/s", *roof.bf16_flops / 1e9) : "none", roof.int8_ops / 1e9,
      roof.read_bytes / 1e9);
  return roof;
}

int bench(BenchOptions options) {
  std::sort(options.depths.begin(), options.depths.end());
  const std::shared_ptr<const Model> model = open_model(options.model, false);
  const size_t needed = longest(options, *model);
  const SessionOptions session_settings = session_options(options.model, *model, needed);
  const std::optional<MachineRoof> roof =
      options.machine ? bench_machine(session_settings.threads) : std::nullopt;
  Session session(model, session_settings);
  const std::vector<TokenId> ids = random_ids(needed, model->config.vocab_size, options.seed);
  Json json = describe_run(options.model, *model);
  json["processor"] = cpu_model_name();
  json["prefill"] = bench_prefill(options, session, ids, roof);
  json["decode"] = bench_decode(options, session, ids, session_settings.kv_type, roof);
  json["machine"] = roof ? describe_roof(*roof) : Json(nullptr);
  json["decode_tokens"] = options.decode_tokens;
  json["forecast"] = describe_memory(forecast_memory(*model, session_settings));
  json["peak_memory_bytes"] = peak_memory_bytes();
  fmt::print(stderr, "peak memory {}\n", format_bytes(peak_memory_bytes()));
  if (options.json) write_json(json);
  return 0;
}

}  // namespace

void add_bench_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = program.add_subcommand("bench", "Speed of reading and answering, and peak memory");
  add_model_argument(*command, options->model);
  command->add_option("--lengths", options->lengths, "Prompts to read, in tokens: 512,2048")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_option("--depths", options->depths, "Tokens in the cache when decoding is timed: 0,2048")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  command->add_option("--repeats", options->repeats, "Runs of each; the median counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--decode-tokens", options->decode_tokens, "Tokens that one decoding run makes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the random prompt")->capture_default_str();
  command->add_flag("--machine", options->machine,
                    "First measure what the machine can do; every figure also as a share of that");
  command->add_flag("--json", options->json, "One JSON object on standard output");
  add_compute_options(*command, options->model);
  command->footer(
      "Example:\n  longscroll bench smollm2-135m --lengths 512,2048 --depths 0,2048 --threads 2 --json");
  command->callback([&action, options] {
    if (options->lengths.empty() && options->depths.empty())
      throw CLI::RequiredError("--lengths or --depths");
    action = [options] { return bench(*options); };
  });
}

}  // namespace longscroll
