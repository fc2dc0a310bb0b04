#include "model/tensor_export.h"

#include <cassert>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/float16.h"
#include "kernels/quantize.h"
#include "model/row_order.h"
#include "model/tensor_places.h"
#include "rope/rope_forms.h"

namespace longscroll {
namespace {

using enum TensorRole;
using Sink = std::function<void(std::span<const std::byte>)>;

// Beyond this half the last step, rounding to float16 gives infinity.
constexpr float kLargestF16 = 65520.0f;

// The largest magnitude whose block scale or value still fits.
float largest_value(DType type) {
  switch (type) {
    case DType::kF16:
      return kLargestF16;
    case DType::kQ8_0:
      return kLargestF16 * 127.0f;
    case DType::kQ4_0:
      return kLargestF16 * 8.0f;
    default:
      return INFINITY;
  }
}

void check_values(std::span<const float> values, DType type, const std::string& name) {
  const bool blocks = dtype_info(type).block_elems > 1;
  const float largest = largest_value(type);
  for (const float value : values) {
    const bool fits = std::isfinite(value) ? std::fabs(value) < largest : !blocks;
    if (fits) continue;
    throw Error(ErrorKind::kFile, name,
                fmt::format("values must fit {}, found {}", dtype_info(type).name, value),
                "convert to bf16 or f32");
  }
}

// Whether every value of `from` is one of `to`.
bool holds_exactly(DType to, DType from) {
  return to == DType::kF32 || to == from;  // block values are short products: float32 has them all
}

bool holds_exactly(DType to, std::span<const float> values) {
  const auto same = [to](float value) {
    if (to == DType::kF16) return f16_to_float(float_to_f16(value)) == value;
    if (to == DType::kBF16) return bf16_to_float(float_to_bf16(value)) == value;
    return true;
  };
  return std::all_of(values.begin(), values.end(), same);
}

// Writes one matrix, row by row.
class MatrixProducer {
 public:
  MatrixProducer(std::string name, const Matrix& matrix, DType type, RowOrder order,
                 const std::vector<float>* row_scale)
      : name_(std::move(name)), matrix_(matrix), type_(type), order_(order), row_scale_(row_scale) {}

  void operator()(const Sink& sink) const {
    if (matrix_.dtype == type_ && row_scale_ == nullptr) return copy(sink);
    std::vector<float> values(matrix_.cols);
    std::vector<std::byte> stored(*dtype_bytes(type_, matrix_.cols));
    for (size_t row = 0; row < matrix_.rows; ++row) {
      const size_t source = order_.source_of(row);
      read_row(matrix_, source, values);
      if (row_scale_ != nullptr) {
        for (float& value : values) value *= (*row_scale_)[source];
      }
      check_values(values, type_, name_);
      quantize(type_, values.data(), stored.data(), values.size());
      sink(stored);
    }
  }

 private:
  void copy(const Sink& sink) const {
    for (size_t row = 0; row < matrix_.rows; ++row) {
      sink({matrix_.data + order_.source_of(row) * matrix_.row_bytes, matrix_.row_bytes});
    }
  }

  std::string name_;
  Matrix matrix_;
  DType type_;
  RowOrder order_;
  const std::vector<float>* row_scale_;
};

class Exporter {
 public:
  Exporter(const Model& model, const ExportTarget& target, Remarks& remarks)
      : model_(model),
        config_(model.config),
        target_(target),
        gguf_(target.form == ModelForm::kGguf),
        remarks_(remarks) {
    for (const LayerWeights& layer : model.weights.layers) {
      for (const auto* bias : {&layer.query_bias, &layer.key_bias, &layer.value_bias, &layer.output_bias}) {
        any_bias_ = any_bias_ || !bias->empty();
      }
    }
  }

  std::vector<TensorToWrite> run() {
    for (const TensorName& name : target_.architecture->tensors) {
      const size_t count = name.per_layer() ? model_.weights.layers.size() : 1;
      for (size_t i = 0; i < count; ++i) {
        add(name, i, name.per_layer() ? &model_.weights.layers[i] : nullptr);
      }
    }
    add_remarks();
    return std::move(tensors_);
  }

 private:
  void add(const TensorName& name, size_t number, const LayerWeights* layer) {
    const std::string in_file = tensor_name(gguf_ ? name.gguf : name.hf, number);
    if (in_file.empty()) return;
    if (name.role == kRopeDivisors) return add_divisors(in_file);
    if (name.role == kHead && target_.tied_head(config_)) return;
    if (const Matrix* matrix = matrix_place(name.role, model_.weights, layer)) {
      if (!matrix->empty()) add_matrix(name.role, in_file, *matrix);
      return;
    }
    const std::vector<float>* vector = vector_place(name.role, model_.weights, layer);
    assert(vector != nullptr);
    if (!vector->empty()) {
      add_vector(name.role, in_file, *vector);
    } else if (!gguf_ && any_bias_ && is_bias(name.role)) {
      // transformers' one switch gives all four projections a bias.
      add_vector(name.role, in_file, std::vector<float>(tensor_shape(name.role, config_)[0]));
      ++zero_biases_;
    }
  }

  RowOrder row_order(TensorRole role) const {
    const bool interleaved = gguf_ && target_.architecture->gguf_interleaved;
    return row_order_of(role, config_, interleaved ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit);
  }

  void add_matrix(TensorRole role, const std::string& name, const Matrix& matrix) {
    DType type = target_.type;
    if (matrix.cols % dtype_info(type).block_elems != 0) {
      type = DType::kF16;
      uneven_.push_back(name);
    }
    const bool bake = role == kHead && target_.bake_norm_head;
    if (!bake && !holds_exactly(type, matrix.dtype)) ++lowered_[{matrix.dtype, type}];
    const auto* row_scale = bake ? &model_.weights.head_row_scale : nullptr;
    tensors_.push_back({name,
                        type,
                        {matrix.rows, matrix.cols},
                        MatrixProducer(name, matrix, type, row_order(role), row_scale)});
  }

  void add_vector(TensorRole role, const std::string& name, const std::vector<float>& source) {
    const RowOrder order = row_order(role);
    std::vector<float> values(source.size());
    for (size_t i = 0; i < values.size(); ++i) values[i] = source[order.source_of(i)];
    // In memory a norm is what is multiplied by, whatever its file holds.
    if (!gguf_ && target_.architecture->hf_norm_plus_one && is_norm(role)) {
      for (float& value : values) value -= 1.0f;
    }
    const DType type = gguf_ ? DType::kF32 : target_.type;
    if (type != target_.type) ++kept_f32_;
    if (!holds_exactly(type, values)) ++lowered_[{DType::kF32, type}];
    add_values(name, type, std::move(values));
  }

  void add_divisors(const std::string& name) {
    const RopeConfig& rope = config_.rope;
    std::vector<float> divisors =
        rope.scaling == RopeScaling::kLlama3 ? llama3_divisors(rope) : rope.frequency_divisors;
    if (!divisors.empty()) add_values(name, DType::kF32, std::move(divisors));
  }

  void add_values(const std::string& name, DType type, std::vector<float> values) {
    const uint64_t count = values.size();
    auto produce = [name, type, values = std::move(values)](const Sink& sink) {
      check_values(values, type, name);
      std::vector<std::byte> stored(*dtype_bytes(type, values.size()));
      quantize(type, values.data(), stored.data(), values.size());
      sink(stored);
    };
    tensors_.push_back({name, type, {count}, std::move(produce)});
  }

  void add_remarks() {
    for (const auto& [types, count] : lowered_) {
      remarks_.push_back(fmt::format("precision lowered: {} tensors from {} to {}", count,
                                     dtype_info(types.first).name, dtype_info(types.second).name));
    }
    if (!uneven_.empty()) {
      remarks_.push_back(fmt::format("{} tensors are f16: their rows are not whole blocks of {} ({}{})",
                                     uneven_.size(), dtype_info(target_.type).name, uneven_.front(),
                                     uneven_.size() > 1 ? ", …" : ""));
    }
    if (kept_f32_ > 0) {
      remarks_.push_back(fmt::format("{} norms and biases are f32, as llama.cpp needs them", kept_f32_));
    }
    if (zero_biases_ > 0) {
      remarks_.push_back(
          fmt::format("{} biases of zeros added: transformers has a bias in every projection "
                      "or in none",
                      zero_biases_));
    }
    if (target_.bake_norm_head) {
      remarks_.push_back(fmt::format("norm head baked in: each row of the head divided by its L2 norm{}",
                                     config_.tied_head ? ", the head no longer tied to the embedding" : ""));
    } else if (config_.tied_head) {
      remarks_.emplace_back("the head is tied: no tensor of its own, it is the embedding");
    }
  }

  const Model& model_;
  const ModelConfig& config_;
  const ExportTarget& target_;
  bool gguf_;
  bool any_bias_ = false;
  Remarks& remarks_;
  std::vector<TensorToWrite> tensors_;
  std::map<std::pair<DType, DType>, size_t> lowered_;
  std::vector<std::string> uneven_;
  size_t kept_f32_ = 0;
  size_t zero_biases_ = 0;
};

}  // namespace

uint64_t bytes_of(const TensorToWrite& tensor) {
  return *dtype_bytes(tensor.dtype, *checked_product(tensor.shape));
}

std::vector<TensorToWrite> export_tensors(const Model& model, const ExportTarget& target, Remarks& remarks) {
  return Exporter(model, target, remarks).run();
}

}  // namespace longscroll
