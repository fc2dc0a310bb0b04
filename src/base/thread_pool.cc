#include "base/thread_pool.h"

#include <cassert>

namespace longscroll {
namespace {

constexpr size_t kSpins = 4000;  // about 50 microseconds

// Waits a little; gives the core away now and then, for machines with more threads than cores.
void pause(size_t spins) {
  if (spins % 256 == 255) {
    std::this_thread::yield();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  assert(threads >= 1);
  workers_.reserve(static_cast<size_t>(threads) - 1);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { worker(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  start_.notify_all();
  for (std::thread& thread : workers_) thread.join();
}

void ThreadPool::run_loop(size_t count, Loop loop) {
  if (count == 0) return;
  if (workers_.empty() || count == 1) {
    for (size_t i = 0; i < count; ++i) loop.call(loop.body, i, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    loop_ = loop;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    failure_ = nullptr;
    running_ = workers_.size();
    ++generation_;
  }
  start_.notify_all();
  work(0);
  for (size_t spins = 0; running_ != 0; ++spins) pause(spins);
  loop_ = {};
  if (failure_) std::rethrow_exception(failure_);
}

void ThreadPool::worker(int thread) {
  for (size_t seen = 0;; ++seen) {
    for (size_t spins = 0; generation_ == seen && !stopping_ && spins < kSpins; ++spins) pause(spins);
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
    }
    work(thread);
    --running_;
  }
}

void ThreadPool::work(int thread) {
  try {
    for (size_t i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) loop_.call(loop_.body, i, thread);
  } catch (...) {
    next_.store(count_);  // the others stop at their next index
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace longscroll
