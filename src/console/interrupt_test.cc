#include "console/interrupt.h"

#include <csignal>

#include <gtest/gtest.h>

namespace longscroll {
namespace {

TEST(Interrupt, SigtermAsksHoweverOftenItComes) {
  EXPECT_EXIT(
      {
        install_stop_handlers();
        std::raise(SIGTERM);
        std::raise(SIGTERM);
        std::_Exit(interrupted() ? interrupted_exit_code() : 0);
      },
      testing::ExitedWithCode(143), "");
}

TEST(Interrupt, TheSecondCtrlCEndsTheProgram) {
  EXPECT_EXIT(
      {
        install_stop_handlers();
        std::raise(SIGINT);
        if (!interrupted()) std::_Exit(1);
        std::raise(SIGINT);
        std::_Exit(0);
      },
      testing::ExitedWithCode(kExitInterrupted), "");
}

}  // namespace
}  // namespace longscroll
