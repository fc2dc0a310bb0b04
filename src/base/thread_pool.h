// A fixed team of threads that shares out the indices of one loop at a time.
//
// One caller at a time: run() is not reentrant. Which thread gets which index is not deterministic, so
// each index must write its own place and results must not depend on the thread number.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace longscroll {

class ThreadPool {
 public:
  // `threads` >= 1 counts the calling thread, which works too.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(size_t index, int thread) for each index in [0, count), thread in [0, size()); returns when
  // all are done. The first exception of a body is rethrown here, after the others have stopped. Allocates
  // nothing.
  template <class Body>
  void run(size_t count, const Body& body) {
    run_loop(count, {&body, [](const void* b, size_t index, int thread) {
                       (*static_cast<const Body*>(b))(index, thread);
                     }});
  }

 private:
  // A body by reference: a std::function would copy its captures to the heap, a hundred times a token.
  struct Loop {
    const void* body = nullptr;
    void (*call)(const void* body, size_t index, int thread) = nullptr;
  };

  void run_loop(size_t count, Loop loop);
  void worker(int thread);
  void work(int thread);

  std::vector<std::thread> workers_;
  // Loops follow each other within microseconds while a token is made: workers look for the next one for a
  // while before they sleep. What a loop is, is written before generation_ rises and read after.
  std::mutex mutex_;
  std::condition_variable start_;
  Loop loop_;
  std::atomic<size_t> next_{0};
  size_t count_ = 0;
  std::atomic<size_t> generation_{0};
  std::atomic<size_t> running_{0};
  std::atomic<bool> stopping_{false};
  std::exception_ptr failure_;
};

}  // namespace longscroll
