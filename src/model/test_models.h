// Small models written to a temporary folder, for the tests of this layer and of those above it.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/test_folder.h"
#include "formats/gguf.h"
#include "formats/tensor.h"
#include "kernels/quantize.h"

namespace longscroll::test {

// A float32 tensor whose values count up from `first` in steps of 1/64, wrapped to stay small.
inline TensorToWrite counting_tensor(std::string name, std::vector<uint64_t> shape, float first = 0.0f) {
  const size_t count = *checked_product(shape);
  auto produce = [count, first](const auto& sink) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i % 97) / 64.0f;
    sink(std::as_bytes(std::span(values)));
  };
  return {std::move(name), DType::kF32, std::move(shape), std::move(produce)};
}

inline std::vector<float> floats_of(const std::byte* data, size_t count) {
  std::vector<float> values(count);
  std::memcpy(values.data(), data, count * sizeof(float));
  return values;
}

// "" when `call` throws nothing; fails the test when the kind is another.
inline std::string error_of(ErrorKind kind, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "";
}

// A GGUF file of float32 again, with the tensors of that name, in every layer, as q8_0.
inline void quantize_some(const std::filesystem::path& from, const std::filesystem::path& to,
                          const std::string& name) {
  const GgufFile file(from);
  std::vector<TensorToWrite> tensors;
  for (const TensorView& tensor : file.tensors()) {
    const bool chosen = tensor.name == name || tensor.name.ends_with("." + name);
    tensors.push_back({tensor.name, chosen ? DType::kQ8_0 : *tensor.dtype, tensor.shape,
                       [&tensor, chosen](const auto& sink) {
                         if (!chosen) return sink(tensor.data);
                         std::vector<float> values(tensor.data.size() / sizeof(float));
                         std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
                         std::vector<std::byte> codes(*dtype_bytes(DType::kQ8_0, values.size()));
                         quantize(DType::kQ8_0, values.data(), codes.data(), values.size());
                         sink(codes);
                       }});
  }
  write_gguf(to, file.metadata(), tensors);
}

}  // namespace longscroll::test
