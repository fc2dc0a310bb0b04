// NumPy's .npy format, version 1.0: one float32 matrix, written row by row.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>

namespace longscroll {

// The bytes before the data: magic, version, length, and a Python dictionary, padded to 64 bytes.
std::string npy_header(size_t rows, size_t cols);

// Writes beside the path and moves the file into place on finish(), so that a stopped run leaves nothing
// that looks whole. Throws Error(kFile | kResource).
class NpyWriter {
 public:
  NpyWriter(std::filesystem::path path, size_t rows, size_t cols);
  ~NpyWriter();
  NpyWriter(const NpyWriter&) = delete;
  NpyWriter& operator=(const NpyWriter&) = delete;

  void write_rows(const float* rows_RC, size_t count);
  void finish();  // asserts that all rows were written

 private:
  void write(const void* data, size_t bytes);

  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::FILE* file_ = nullptr;
  size_t rows_left_;
  size_t cols_;
};

}  // namespace longscroll
