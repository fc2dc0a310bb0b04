#include "apps/npy.h"

#include <unistd.h>

#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {

static_assert(std::endian::native == std::endian::little, "the header says little-endian");

std::string npy_header(size_t rows, size_t cols) {
  constexpr size_t kPrefix = 10;  // magic (6), version (2), length of the dictionary (2)
  std::string dictionary =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, cols);
  while ((kPrefix + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string header = "\x93NUMPY";
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(dictionary.size() & 0xFF);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

NpyWriter::NpyWriter(std::filesystem::path path, size_t rows, size_t cols)
    : path_(std::move(path)), partial_(path_), rows_left_(rows), cols_(cols) {
  partial_ += fmt::format(".{}.part", ::getpid());
  file_ = std::fopen(partial_.c_str(), "wbe");
  if (file_ == nullptr) {
    throw Error(ErrorKind::kFile, path_.string(),
                fmt::format("must be writable, found: {}", std::strerror(errno)));
  }
  const std::string header = npy_header(rows, cols);
  write(header.data(), header.size());
}

NpyWriter::~NpyWriter() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
}

void NpyWriter::write(const void* data, size_t bytes) {
  if (std::fwrite(data, 1, bytes, file_) == bytes) return;
  throw Error(ErrorKind::kResource, path_.string(),
              fmt::format("must take all of the array, found: {}", std::strerror(errno)));
}

void NpyWriter::write_rows(const float* rows_RC, size_t count) {
  assert(count <= rows_left_);
  write(rows_RC, count * cols_ * sizeof(float));
  rows_left_ -= count;
}

void NpyWriter::finish() {
  assert(rows_left_ == 0);
  const bool flushed = std::fflush(file_) == 0;
  const int error = errno;
  std::fclose(file_);
  file_ = nullptr;
  std::error_code failure;
  if (flushed) std::filesystem::rename(partial_, path_, failure);
  if (flushed && !failure) return;
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
  throw Error(ErrorKind::kResource, path_.string(),
              fmt::format("must take all of the array, found: {}",
                          flushed ? failure.message() : std::strerror(error)));
}

}  // namespace longscroll
