// Ctrl-C: the first asks the work to stop at its next good place, the second ends the program at once.
#pragma once

#include <atomic>

namespace longscroll {

inline constexpr int kExitInterrupted = 130;  // 128 + SIGINT, as shells count

void install_interrupt_handler();

// Set by Ctrl-C; handed to the engine and the hub as their cancel flag.
const std::atomic<bool>& interrupted();
void clear_interrupt();

void throw_if_interrupted();  // Error(kCancelled)

}  // namespace longscroll
