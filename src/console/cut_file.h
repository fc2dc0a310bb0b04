// A mapped file, of a model or a corpus, that another program cuts short while it is in use.
#pragma once

namespace longscroll {

// The kernel tells of it by SIGBUS in the middle of the computation, from where nothing can be thrown:
// one line on standard error, and the program ends with exit code 1.
void install_cut_file_handler();

}  // namespace longscroll
