#include "train/communicator_nccl.h"

#include <cstring>

#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/format.h>
#include <nccl.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

void check(ncclResult_t code, const char* what) {
  if (code == ncclSuccess) return;
  throw Error(ErrorKind::kResource, fmt::format("NCCL {}", what),
              fmt::format("must reach every process, found: {}", ncclGetErrorString(code)),
              "a process of the run was lost, or its device; start again with --resume");
}

// Calls are queued on PyTorch's current stream, behind the backward pass and before the optimiser's step, so
// nothing waits here.
class NcclCommunicator final : public Communicator {
 public:
  explicit NcclCommunicator(Communicator& control) : control_(control) {
    c10::cuda::set_device(static_cast<c10::DeviceIndex>(launched_local_rank()));
    ncclUniqueId id{};
    if (control.rank() == 0) check(ncclGetUniqueId(&id), "start");
    std::string bytes(id.internal, sizeof(id.internal));
    control.broadcast(bytes);
    if (bytes.size() != sizeof(id.internal)) {
      throw Error(ErrorKind::kResource, "NCCL start", "must get process 0's id, got another number of bytes");
    }
    std::memcpy(id.internal, bytes.data(), sizeof(id.internal));
    check(ncclCommInitRank(&nccl_, control.size(), id, control.rank()), "start");
  }
  ~NcclCommunicator() override { ncclCommDestroy(nccl_); }
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  int rank() const override { return control_.rank(); }
  int size() const override { return control_.size(); }

  void reduce_to_shards(float* flat, uint64_t shard) override {
    check(ncclReduceScatter(flat, own(flat, shard), shard, ncclFloat32, ncclSum, nccl_, stream()), "reduce");
  }
  void gather_shards(float* flat, uint64_t shard) override {
    check(ncclAllGather(own(flat, shard), flat, shard, ncclFloat32, nccl_, stream()), "gather");
  }

  void sum(std::span<double> values) override { control_.sum(values); }
  void sum(std::span<uint64_t> values) override { control_.sum(values); }
  void broadcast(std::string& text) override { control_.broadcast(text); }
  void barrier() override { control_.barrier(); }
  void abort(int exit_code) override { control_.abort(exit_code); }

 private:
  float* own(float* flat, uint64_t shard) const { return flat + static_cast<uint64_t>(rank()) * shard; }
  static cudaStream_t stream() { return c10::cuda::getCurrentCUDAStream().stream(); }

  Communicator& control_;
  ncclComm_t nccl_ = nullptr;
};

}  // namespace

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& control) {
  return std::make_unique<NcclCommunicator>(control);
}

}  // namespace longscroll::train
