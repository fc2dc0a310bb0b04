#include "apps/roof.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/anonymous_memory.h"
#include "base/thread_pool.h"
#include "engine/kv_cache.h"
#include "kernels/kernels.h"

namespace longscroll {
namespace {

constexpr size_t kRounds = 4'000'000;      // some 10 ms
constexpr size_t kReadBytes = 256u << 20;  // far more than any cache holds
constexpr int kRepeats = 7;

using Clock = std::chrono::steady_clock;

// The fastest of some runs on all threads at once: a roof is what the machine can do undisturbed.
template <class Body>
double best_rate(ThreadPool& pool, Body body) {
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    std::vector<double> work(static_cast<size_t>(pool.size()));
    const auto start = Clock::now();
    pool.run(work.size(), [&](size_t i, int) { work[i] = body(i); });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double sum = 0;
    for (const double part : work) sum += part;
    best = std::max(best, sum / seconds);
  }
  return best;
}

double matrix_bytes(const Matrix& matrix) {
  if (matrix.panels == nullptr) return static_cast<double>(matrix.rows * matrix.row_bytes);
  const PackedFormat format = *packed_format(matrix.dtype, matrix.cols);
  return static_cast<double>(packed_panels(matrix.rows) * packed_panel_bytes(format, matrix.cols));
}

size_t visible_keys(const ModelConfig& config, size_t layer, size_t position) {
  const bool local = !config.layer_local.empty() && config.layer_local[layer] != 0;
  return local ? std::min<size_t>(position + 1, config.sliding_window) : position + 1;
}

}  // namespace

MachineRoof measure_roof(int threads) {
  const KernelSet& set = kernels();
  ThreadPool pool(threads);
  MachineRoof roof;
  roof.f32_flops = best_rate(pool, [&](size_t) { return set.roof_floats(kRounds); });
  roof.int8_ops = best_rate(pool, [&](size_t) { return set.roof_bytes(kRounds); });
  if (set.roof_bf16 != nullptr)
    roof.bf16_flops = best_rate(pool, [&](size_t) { return set.roof_bf16(kRounds); });
  const AnonymousMemory memory(kReadBytes, "bench --machine");
  std::fill_n(memory.data(), memory.size(), uint8_t{1});  // pages that were never written are all one
  const auto* floats = reinterpret_cast<const float*>(memory.data());
  const size_t share = kReadBytes / sizeof(float) / static_cast<size_t>(threads);
  roof.read_bytes = best_rate(pool, [&](size_t i) {
    set.read_through(floats + i * share, share);
    return static_cast<double>(share * sizeof(float));
  });
  return roof;
}

Json describe_roof(const MachineRoof& roof) {
  return {{"f32_gflops", roof.f32_flops / 1e9},
          {"bf16_gflops", roof.bf16_flops ? Json(*roof.bf16_flops / 1e9) : Json(nullptr)},
          {"int8_gops", roof.int8_ops / 1e9},
          {"read_gb_per_second", roof.read_bytes / 1e9}};
}

double prefill_operations(const Model& model, size_t length) {
  const ModelConfig& config = model.config;
  double operations = 2.0 * static_cast<double>(model.weights.head.rows) * config.hidden_size;
  for (size_t layer = 0; layer < config.num_layers; ++layer) {
    double weights = 0, pairs = 0;
    for_each_matrix(model.weights.layers[layer], [&](const Matrix& m) {
      weights += static_cast<double>(m.rows) * static_cast<double>(m.cols);
    });
    for (size_t t = 0; t < length; ++t) pairs += static_cast<double>(visible_keys(config, layer, t));
    operations += 2.0 * weights * static_cast<double>(length) + 4.0 * config.query_size() * pairs;
  }
  return operations;
}

double decode_bytes(const Model& model, KvType kv_type, size_t depth) {
  const ModelConfig& config = model.config;
  const double head_page = static_cast<double>(kv_format(kv_type, config).bytes());
  double bytes = matrix_bytes(model.weights.head);
  for (size_t layer = 0; layer < config.num_layers; ++layer) {
    for_each_matrix(model.weights.layers[layer], [&](const Matrix& m) { bytes += matrix_bytes(m); });
    const auto keys = static_cast<double>(visible_keys(config, layer, depth));
    bytes += keys / kPageKeys * head_page * config.num_kv_heads;
  }
  return bytes;
}

}  // namespace longscroll
