// Where a run computes, and how fast that multiplies matrices.
#pragma once

#include <cstdint>
#include <string>

#include <c10/core/Device.h>

#include "train/communicator.h"
#include "train/model_options.h"
#include "train/plan.h"

namespace longscroll::train {

// "cpu", or "cuda:N" with the device of this process of this machine. `wanted`: "auto", "cpu" or "cuda".
// Throws Error(kUnsupported) when CUDA is wanted and not there.
std::string choose_device(const std::string& wanted);

// Threads for this process: OMP_NUM_THREADS, else the cores that it may run on, shared with the machine's
// other processes where the launcher did not bind each to its own.
int threads_for_process();

// Operations a second of a product of two square random matrices in `compute`, the best of some tries: half a
// second.
double measure_matmul_rate(const std::string& device, Compute compute);

// The most bytes so far, of this process: of the computer's memory on the CPU; on CUDA of the device's that
// tensors took (torch keeps freed pieces for later, and gives them back before it is short of memory).
uint64_t peak_memory_of(const at::Device& device);

// Waits until the device has done what it was given.
void wait_for_device(const at::Device& device);

// The machine at hand as the planner sees it. Not collective: every process measures while the others do.
Machine this_machine(const Communicator& communicator, const std::string& device, Compute compute);

}  // namespace longscroll::train
