// Processes that mpirun or Slurm started, over MPI, for tensors in the computer's memory.
#pragma once

#include <memory>

#include "train/communicator.h"

namespace longscroll::train {

// Starts MPI, which ends with the object.
std::unique_ptr<Communicator> make_mpi_communicator();

}  // namespace longscroll::train
