// Zeroed memory straight from the system, in huge pages where it gives them: address space is taken at once,
// memory only where it is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace longscroll {

class AnonymousMemory {
 public:
  AnonymousMemory() = default;
  // `what` names its use in the Error(kResource) that is thrown when it cannot be had.
  AnonymousMemory(size_t bytes, const std::string& what, const std::string& hint = {});
  ~AnonymousMemory();
  AnonymousMemory(AnonymousMemory&& other) noexcept;
  AnonymousMemory& operator=(AnonymousMemory&& other) noexcept;
  AnonymousMemory(const AnonymousMemory&) = delete;
  AnonymousMemory& operator=(const AnonymousMemory&) = delete;

  uint8_t* data() const { return data_; }  // aligned to 64 bytes or more; null when empty
  size_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Lets the system take back what of these bytes of a mapped file is in memory: the next use reads the file
// again. Only for memory that is mapped from a file.
void release_mapped(const std::byte* data, size_t bytes);

}  // namespace longscroll
