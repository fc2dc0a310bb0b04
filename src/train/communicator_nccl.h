// Processes with a CUDA device each: gradients and weights travel by NCCL, counts and texts by the
// communicator that started them.
#pragma once

#include <memory>

#include "train/communicator.h"

namespace longscroll::train {

// One process a device: process r of a machine takes its device number r, as choose_device() says. `control`
// must outlive the result. Throws Error(kResource) when NCCL cannot be started.
std::unique_ptr<Communicator> make_nccl_communicator(Communicator& control);

}  // namespace longscroll::train
