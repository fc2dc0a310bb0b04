#include "train/communicator.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#ifdef LONGSCROLL_MPI
#include "train/communicator_mpi.h"
#endif

namespace longscroll::train {

namespace {

// The first of the variables that holds a number of at least `least`.
std::optional<int> number_in(std::initializer_list<const char*> variables, int least) {
  for (const char* name : variables) {
    const char* value = std::getenv(name);
    if (value == nullptr) continue;
    const std::string_view text = value;
    int number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc() && end == text.data() + text.size() && number >= least) return number;
  }
  return std::nullopt;
}

// SLURM_NTASKS is also set in a batch script that starts nothing: a process of a step has a number in it.
bool in_slurm_step() {
  return std::getenv("SLURM_STEP_ID") != nullptr && std::getenv("SLURM_PROCID") != nullptr;
}

}  // namespace

// Open MPI, MPICH and Intel MPI, Slurm: each sets its own for the processes that it starts.
int launched_processes() {
  if (const auto count = number_in({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 1)) return *count;
  return in_slurm_step() ? number_in({"SLURM_STEP_NUM_TASKS"}, 1).value_or(1) : 1;
}

int launched_local_rank() {
  if (const auto rank = number_in({"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"}, 0)) return *rank;
  return in_slurm_step() ? number_in({"SLURM_LOCALID"}, 0).value_or(0) : 0;
}

int launched_local_processes() {
  if (const auto count = number_in({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}, 1)) return *count;
  return in_slurm_step() ? number_in({"SLURM_STEP_TASKS_PER_NODE"}, 1).value_or(1) : 1;
}

std::unique_ptr<Communicator> make_communicator() {
  const int launched = launched_processes();
  if (launched == 1) return std::make_unique<Communicator>();
#ifdef LONGSCROLL_MPI
  return make_mpi_communicator();
#else
  throw Error(ErrorKind::kUnsupported, "MPI",
              fmt::format("must be built in for the {} processes that were started, is not", launched),
              "install libopenmpi-dev and build again, or start one process");
#endif
}

namespace detail {

std::string describe_failure() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an unknown failure";
  }
}

void rethrow_together(Communicator& communicator, const std::string& failure) {
  std::vector<uint64_t> failed(static_cast<size_t>(communicator.size()), 0);
  failed[static_cast<size_t>(communicator.rank())] = failure.empty() ? 0 : 1;
  communicator.sum(std::span(failed));
  const auto first = std::find(failed.begin(), failed.end(), uint64_t{1});
  if (first == failed.end()) return;
  const auto rank = static_cast<int>(first - failed.begin());
  if (!failure.empty()) {
    throw Error(ErrorKind::kResource, fmt::format("process {}", communicator.rank()), failure);
  }
  throw Error(ErrorKind::kResource, fmt::format("process {}", communicator.rank()),
              fmt::format("needs every other process, process {} failed", rank));
}

}  // namespace detail
}  // namespace longscroll::train
