// Room for rows of activations in bytes, for the packed weights' kernels, and for what the rounding to bytes
// left.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace longscroll {

class QuantizedBuffer {
 public:
  QuantizedBuffer(size_t rows, size_t widest)
      : rows_(rows),
        codes_(2 * rows * widest),
        scales_(groups(2 * rows, widest)),
        sums_(groups(2 * rows, widest)),
        biases_(groups(2 * rows, widest)),
        half_biases_(2 * groups(2 * rows, widest)),
        refined_(groups(kFewTokens, widest)),
        errors_(groups(1, widest)) {}

  // The same room, for rows of `cols` values.
  QuantizedRows rows_of(size_t cols) {
    return {codes_.data(), scales_.data(), sums_.data(), biases_.data(), half_biases_.data(), cols};
  }

  // Decides which groups of rows [row, row + count) need 16 bits: those whose outliers make a rounding error
  // well above the average; false: none. Many rows decide together, each of a few for itself, since its
  // products may not depend on the others (kFewTokens).
  bool choose_refined(size_t row, size_t count, size_t cols);
  // As PackedMatmulArgs wants it.
  const uint8_t* refined() const { return any_refined_ ? refined_.data() : nullptr; }
  size_t rest() const { return rows_; }  // rows from a row to what it left

  static uint64_t bytes_for(size_t rows, size_t widest) {
    return 2 * (rows * widest + groups(rows, widest) * (2 * sizeof(float) + 3 * sizeof(int32_t)));
  }

 private:
  static size_t groups(size_t rows, size_t widest) { return rows * ((widest + kGroup - 1) / kGroup); }

  size_t rows_;
  std::vector<int8_t> codes_;
  std::vector<float> scales_, sums_;
  std::vector<int32_t> biases_, half_biases_;
  std::vector<uint8_t> refined_;
  bool any_refined_ = false;
  std::vector<float> errors_;  // [G] sums of squares of scales
};

}  // namespace longscroll
