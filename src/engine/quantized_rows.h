// Room for rows of activations in bytes, for the packed weights' kernels.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/packed.h"

namespace longscroll {

class QuantizedBuffer {
 public:
  QuantizedBuffer(size_t rows, size_t widest)
      : codes_(rows * widest),
        scales_(groups(rows, widest)),
        sums_(groups(rows, widest)),
        biases_(groups(rows, widest)),
        half_biases_(2 * groups(rows, widest)) {}

  // The same room, for rows of `cols` values.
  QuantizedRows rows_of(size_t cols) {
    return {codes_.data(), scales_.data(), sums_.data(), biases_.data(), half_biases_.data(), cols};
  }

  static uint64_t bytes_for(size_t rows, size_t widest) {
    return rows * widest + groups(rows, widest) * (2 * sizeof(float) + 3 * sizeof(int32_t));
  }

 private:
  static size_t groups(size_t rows, size_t widest) { return rows * ((widest + kGroup - 1) / kGroup); }

  std::vector<int8_t> codes_;
  std::vector<float> scales_, sums_;
  std::vector<int32_t> biases_, half_biases_;
};

}  // namespace longscroll
