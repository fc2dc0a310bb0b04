#include "train/communicator_mpi.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <mpi.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

// Floats of one message: 64 MiB, far below the int that MPI counts with.
constexpr uint64_t kPiece = uint64_t{1} << 24;

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(ErrorKind::kResource, fmt::format("MPI {}", what),
              fmt::format("must reach every process, found: {}",
                          std::string_view(text.data(), static_cast<size_t>(length))),
              "a process of the run was lost; start again with --resume");
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    // Other threads make packs and write files; none of them speaks to other processes.
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "start");
    if (provided < MPI_THREAD_FUNNELED) {
      throw Error(ErrorKind::kUnsupported, "MPI",
                  "must allow threads beside the one that calls it, does not");
    }
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "start");
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "start");
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "start");
  }
  ~MpiCommunicator() override { MPI_Finalize(); }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void reduce_to_shards(float* flat, uint64_t shard) override {
    for_each_piece(shard, [&](int owner, uint64_t offset, int count) {
      float* data = flat + static_cast<uint64_t>(owner) * shard + offset;
      const void* from = owner == rank_ ? MPI_IN_PLACE : data;
      void* to = owner == rank_ ? data : nullptr;
      check(MPI_Reduce(from, to, count, MPI_FLOAT, MPI_SUM, owner, MPI_COMM_WORLD), "reduce");
    });
  }

  void gather_shards(float* flat, uint64_t shard) override {
    for_each_piece(shard, [&](int owner, uint64_t offset, int count) {
      float* data = flat + static_cast<uint64_t>(owner) * shard + offset;
      check(MPI_Bcast(data, count, MPI_FLOAT, owner, MPI_COMM_WORLD), "gather");
    });
  }

  void sum(std::span<double> values) override { sum_in_place(values.data(), values.size(), MPI_DOUBLE); }
  void sum(std::span<uint64_t> values) override { sum_in_place(values.data(), values.size(), MPI_UINT64_T); }

  void broadcast(std::string& text) override {
    uint64_t length = text.size();
    check(MPI_Bcast(&length, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), "broadcast");
    if (length > static_cast<uint64_t>(std::numeric_limits<int>::max())) {
      throw Error(ErrorKind::kArgument, "MPI broadcast",
                  fmt::format("must be below 2 GiB, is {} bytes", length));
    }
    text.resize(length);
    check(MPI_Bcast(text.data(), static_cast<int>(length), MPI_CHAR, 0, MPI_COMM_WORLD), "broadcast");
  }

  void barrier() override { check(MPI_Barrier(MPI_COMM_WORLD), "barrier"); }

  void abort(int exit_code) override { MPI_Abort(MPI_COMM_WORLD, exit_code); }

 private:
  template <class Body>
  void for_each_piece(uint64_t shard, const Body& body) const {
    for (int owner = 0; owner < size_; ++owner) {
      for (uint64_t offset = 0; offset < shard; offset += kPiece) {
        body(owner, offset, static_cast<int>(std::min(kPiece, shard - offset)));
      }
    }
  }

  static void sum_in_place(void* data, size_t count, MPI_Datatype type) {
    check(MPI_Allreduce(MPI_IN_PLACE, data, static_cast<int>(count), type, MPI_SUM, MPI_COMM_WORLD), "sum");
  }

  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator() {
  return std::make_unique<MpiCommunicator>();
}

}  // namespace longscroll::train
