#include "train/device.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#ifdef LONGSCROLL_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#endif

#include "base/cpu_features.h"
#include "base/error.h"

namespace longscroll::train {
namespace {

using Clock = std::chrono::steady_clock;

// Of the rate of one large product, what a step reaches: docs/benchmarks/2026-11-26-training.md.
constexpr double kCpuShare = 0.55;
constexpr double kCudaShare = 0.59;
// The system's and the drivers' own.
constexpr double kUsableMemory = 0.95;
constexpr double kLoopbackRate = 2e9;  // bytes a second between processes of one machine, through memory

double device_memory_bytes(const std::string& device) {
#ifdef LONGSCROLL_CUDA
  if (device != "cpu") {
    size_t free = 0, total = 0;
    if (cudaMemGetInfo(&free, &total) == cudaSuccess) return static_cast<double>(free);
  }
#else
  (void)device;
#endif
  return static_cast<double>(physical_memory_bytes()) / launched_local_processes();
}

}  // namespace

std::string choose_device(const std::string& wanted) {
  if (wanted == "cpu" || (wanted == "auto" && !at::hasCUDA())) return "cpu";
  if (!at::hasCUDA()) {
    throw Error(ErrorKind::kUnsupported, "recipe, model.device", "must be there, no CUDA device is",
                "model.device = \"cpu\" would compute here; CUDA needs a LibTorch built with it");
  }
  return fmt::format("cuda:{}", launched_local_rank());
}

int threads_for_process() {
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return at::get_num_threads();  // torch has read it
  const int cores = available_cores();
  const bool bound = cores < static_cast<int>(std::thread::hardware_concurrency());
  return bound ? cores : std::max(1, cores / launched_local_processes());
}

double measure_matmul_rate(const std::string& device, Compute compute) {
  const at::NoGradGuard no_grad;
  const at::Device place(device);
  const int64_t size = place.is_cpu() ? 2048 : 8192;
  constexpr double kSeconds = 0.5;
  const auto options =
      at::TensorOptions().device(place).dtype(compute == Compute::kBF16 ? at::kBFloat16 : at::kFloat);
  const at::Tensor a = at::randn({size, size}, options);  // zeros and ones are multiplied faster on a GPU
  const at::Tensor b = at::randn({size, size}, options);
  (void)at::mm(a, b);  // loads what has to be loaded
  wait_for_device(place);
  const auto start = Clock::now();
  double best = 0;
  while (std::chrono::duration<double>(Clock::now() - start).count() < kSeconds) {
    const auto before = Clock::now();
    (void)at::mm(a, b);
    wait_for_device(place);
    const double seconds = std::chrono::duration<double>(Clock::now() - before).count();
    best = std::max(best, 2.0 * std::pow(static_cast<double>(size), 3) / seconds);
  }
  return best;
}

uint64_t peak_memory_of(const at::Device& device) {
#ifdef LONGSCROLL_CUDA
  if (device.is_cuda()) {
    const auto index = device.has_index() ? device.index() : c10::cuda::current_device();
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index);
    constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return static_cast<uint64_t>(stats.allocated_bytes[kAll].peak);
  }
#endif
  return device.is_cpu() ? peak_memory_bytes() : 0;
}

void wait_for_device(const at::Device& device) {
#ifdef LONGSCROLL_CUDA
  if (device.is_cuda()) c10::cuda::device_synchronize();
#else
  (void)device;
#endif
}

Machine this_machine(const Communicator& communicator, const std::string& device, Compute compute) {
  Machine machine;
  machine.cuda = device != "cpu";
  machine.name = machine.cuda ? device : cpu_model_name();
  machine.processes = static_cast<uint64_t>(communicator.size());
  machine.memory_bytes = kUsableMemory * device_memory_bytes(device);
  machine.matmul_rate = measure_matmul_rate(device, compute);
  machine.expected_share = machine.cuda ? kCudaShare : kCpuShare;
  machine.link_rate = communicator.size() > 1 ? kLoopbackRate : 0;
  return machine;
}

}  // namespace longscroll::train
