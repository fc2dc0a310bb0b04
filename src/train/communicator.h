// What the processes of one run say to each other. One process alone is a communicator too.
//
// Every call but rank(), size() and abort() is collective: all processes make it, in the same order. One
// thread at a time. Throws Error(kResource) when another process is lost.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace longscroll::train {

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }

  // `flat` is size() shards of `shard` floats. Afterwards the shard of this process holds the sum over all
  // processes; what the others hold is not defined. Memory of the device that the run computes on. The order
  // of adding depends on size() alone.
  virtual void reduce_to_shards(float* /*flat*/, uint64_t /*shard*/) {}

  // Afterwards every process has every shard as its owner had it.
  virtual void gather_shards(float* /*flat*/, uint64_t /*shard*/) {}

  // Element by element, over all processes.
  virtual void sum(std::span<double> /*values*/) {}
  virtual void sum(std::span<uint64_t> /*values*/) {}

  // Process 0's text becomes everyone's.
  virtual void broadcast(std::string& /*text*/) {}

  virtual void barrier() {}

  // Ends every process of the run, this one too, after a fault that the others cannot know of. Alone: does
  // nothing, the caller ends as any program does.
  virtual void abort(int /*exit_code*/) {}
};

// How many processes the launcher (mpirun, Slurm) says it started; 1 where nothing says so.
int launched_processes();

// Of this machine's processes, which one this is and how many there are; 0 and 1 where nothing says so.
int launched_local_rank();
int launched_local_processes();

// For tensors in the computer's memory: MPI where the launcher started several and the program was built with
// it. Call once, before anything else is done with it. Throws Error(kUnsupported) when several were started
// and there is no MPI.
std::unique_ptr<Communicator> make_communicator();

// Runs `work` on this process, and throws on all when it threw on any: without it the others would wait for
// one that has gone. A process whose own work was done says which one failed.
template <class Work>
void together(Communicator& communicator, const Work& work);

namespace detail {
void rethrow_together(Communicator& communicator, const std::string& failure);
std::string describe_failure();  // of the exception being handled
}  // namespace detail

template <class Work>
void together(Communicator& communicator, const Work& work) {
  std::string failure;
  try {
    work();
  } catch (...) {
    if (communicator.size() == 1) throw;
    failure = detail::describe_failure();
  }
  if (communicator.size() > 1) detail::rethrow_together(communicator, failure);
}

}  // namespace longscroll::train
