// Ctrl-C: the first asks the work to stop at its next good place, the second ends the program at once.
#pragma once

#include <atomic>

namespace longscroll {

inline constexpr int kExitInterrupted = 130;  // 128 + SIGINT, as shells count

// Ctrl-C alone; waiting for a line of input ends.
void install_interrupt_handler();

// Ctrl-C, and what batch queues send before a job's time is over: SIGTERM, or SIGUSR1, which mpirun hands on.
// Those only ever ask. Calls of the system go on, so that what is being written is finished.
void install_stop_handlers();

// Set by the signal; handed to whatever works as its cancel flag.
const std::atomic<bool>& interrupted();
void clear_interrupt();

// 128 + the signal that asked; kExitInterrupted while none did.
int interrupted_exit_code();

void throw_if_interrupted();  // Error(kCancelled)

}  // namespace longscroll
