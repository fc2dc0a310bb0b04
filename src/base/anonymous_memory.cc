#include "base/anonymous_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"

namespace longscroll {

AnonymousMemory::AnonymousMemory(size_t bytes, const std::string& what, const std::string& hint)
    : size_(bytes) {
  if (bytes == 0) return;
  void* mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    throw Error(ErrorKind::kResource, what,
                "there must be room for " + std::to_string(bytes >> 20) + " MiB, it could not be had", hint);
  }
  ::madvise(mapped, bytes, MADV_HUGEPAGE);  // without them it is slower, no more
  data_ = static_cast<uint8_t*>(mapped);
}

AnonymousMemory::~AnonymousMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

AnonymousMemory::AnonymousMemory(AnonymousMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AnonymousMemory& AnonymousMemory::operator=(AnonymousMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void release_mapped(const std::byte* data, size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t before = reinterpret_cast<uintptr_t>(data) % page;  // bytes of its first page
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): madvise() takes what it only reads as void*
  ::madvise(const_cast<std::byte*>(data) - before, before + bytes, MADV_DONTNEED);
}

}  // namespace longscroll
