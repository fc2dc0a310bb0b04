#include "train/communicator.h"

#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~ScopedVariable() { ::unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
};

TEST(Communicator, ReadsTheNumberOfProcessesFromTheLauncher) {
  EXPECT_EQ(launched_processes(), 1);
  {
    const ScopedVariable size("OMPI_COMM_WORLD_SIZE", "4");
    EXPECT_EQ(launched_processes(), 4);
  }
  {
    const ScopedVariable size("PMI_SIZE", "4x");
    EXPECT_EQ(launched_processes(), 1);
  }
  {
    // A batch script with room for 8 tasks that starts one program itself.
    const ScopedVariable tasks("SLURM_STEP_NUM_TASKS", "8");
    EXPECT_EQ(launched_processes(), 1);
    const ScopedVariable step("SLURM_STEP_ID", "0");
    const ScopedVariable number("SLURM_PROCID", "3");
    EXPECT_EQ(launched_processes(), 8);
  }
}

TEST(Communicator, AloneLeavesEverythingAsItIs) {
  const std::unique_ptr<Communicator> alone = make_communicator();
  EXPECT_EQ(alone->size(), 1);
  std::vector<double> values = {1.5, 2.5};
  alone->sum(std::span(values));
  EXPECT_EQ(values, (std::vector<double>{1.5, 2.5}));
  std::vector<float> flat = {1, 2};
  alone->reduce_to_shards(flat.data(), 2);
  alone->gather_shards(flat.data(), 2);
  EXPECT_EQ(flat, (std::vector<float>{1, 2}));
}

TEST(Communicator, HandsOnWhatWorkThrewWhenAlone) {
  Communicator alone;
  EXPECT_THROW(together(alone, [] { throw Error(ErrorKind::kFile, "x", "y"); }), Error);
  EXPECT_NO_THROW(together(alone, [] {}));
}

}  // namespace
}  // namespace longscroll::train
