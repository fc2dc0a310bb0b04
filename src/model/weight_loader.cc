#include "model/weight_loader.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/float16.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "model/norm_head.h"
#include "model/tensor_places.h"

namespace longscroll {
namespace {

using enum TensorRole;

constexpr size_t kNamesInRemark = 3;
constexpr size_t kPackedAtOnce = 8u << 20;  // stored bytes

class Loader {
 public:
  Loader(const TensorSource& source, const ParsedConfig& parsed, const LoadOptions& options, Model& model,
         WeightBuffers& buffers)
      : source_(source), parsed_(parsed), options_(options), model_(model), buffers_(buffers) {
    for (const TensorView& tensor : *source.tensors) index_.emplace(tensor.name, &tensor);
    // A bare Gemma3TextModel is stored without the "model." of the language model around it.
    if (!source.gguf && !index_.contains("model.embed_tokens.weight") &&
        index_.contains("embed_tokens.weight")) {
      dropped_prefix_ = "model.";
    }
  }

  void load() {
    model_.weights.layers.resize(model_.config.num_layers);
    for (const TensorName& name : parsed_.architecture->tensors) {
      if (!name.per_layer()) {
        load_tensor(name, 0, nullptr);
        continue;
      }
      for (size_t i = 0; i < model_.weights.layers.size(); ++i)
        load_tensor(name, i, &model_.weights.layers[i]);
    }
    model_.config.key_bias = !model_.weights.layers.front().key_bias.empty();
    settle_head();
    settle_embedding_scale();
    // Rows of an embedding that is not the head too are read from the file, and do not stay in memory.
    const Matrix& embedding = model_.weights.embedding;
    if (embedding.mapped && !model_.config.tied_head)
      model_.weight_bytes -= embedding.rows * embedding.row_bytes;
    if (options_.packing != Packing::kNone && !options_.weights_as_f32) pack();
    summarise();
  }

 private:
  // Empty when this form of file has no such tensor.
  std::string name_in_file(const TensorName& name, size_t layer) const {
    std::string_view pattern = source_.gguf ? name.gguf : name.hf;
    if (!dropped_prefix_.empty() && pattern.starts_with(dropped_prefix_))
      pattern.remove_prefix(dropped_prefix_.size());
    return tensor_name(pattern, layer);
  }

  bool wanted(const TensorName& name) const {
    if (name.role == kRopeDivisors) return false;  // the configuration has read them
    if (name.role == kHead) return !model_.config.tied_head;
    // transformers ignores biases that the configuration does not announce; GGUF announces nothing.
    if (is_bias(name.role) && !name.required) return source_.gguf || parsed_.attention_bias;
    return true;
  }

  bool needed(const TensorName& name) const {
    return name.required || name.role == kHead || (is_bias(name.role) && parsed_.attention_bias);
  }

  void load_tensor(const TensorName& name, size_t layer, LayerWeights* place) {
    const std::string in_file = name_in_file(name, layer);
    if (in_file.empty()) return;
    if (name.role == kRopeDivisors) used_.insert(in_file);
    if (!wanted(name)) return;
    const auto found = index_.find(in_file);
    if (found == index_.end()) {
      if (needed(name)) fail(in_file, "must be there, is missing");
      return;
    }
    const TensorView& tensor = *found->second;
    used_.insert(in_file);
    check(tensor, tensor_shape(name.role, model_.config));
    if (Matrix* matrix = matrix_place(name.role, model_.weights, place)) {
      *matrix = make_matrix(tensor);
      count(tensor, matrix->rows * matrix->row_bytes);
      return;
    }
    std::vector<float>* vector = vector_place(name.role, model_.weights, place);
    assert(vector != nullptr);
    *vector = make_vector(tensor);
    if (model_.config.norm_plus_one && is_norm(name.role)) {
      for (float& value : *vector) value += 1.0f;
    }
    count(tensor, vector->size() * sizeof(float));
  }

  void check(const TensorView& tensor, const std::vector<uint64_t>& shape) const {
    if (tensor.shape != shape) {
      fail(tensor.name, fmt::format("must have shape [{}], has [{}]", fmt::join(shape, ", "),
                                    fmt::join(tensor.shape, ", ")));
    }
    if (!tensor.dtype) {
      throw Error(
          ErrorKind::kUnsupported, source_.where,
          fmt::format("{}: must be of a type that we compute with, is {}", tensor.name, tensor.type_name));
    }
    const auto row_bytes = dtype_bytes(*tensor.dtype, shape.back());
    const auto bytes = row_bytes ? checked_mul(*row_bytes, shape.size() == 2 ? shape[0] : 1) : std::nullopt;
    if (!bytes || *bytes != tensor.data.size()) {
      fail(tensor.name,
           fmt::format("must be whole rows of {}, has {} bytes", tensor.type_name, tensor.data.size()));
    }
  }

  Matrix make_matrix(const TensorView& tensor) {
    const size_t rows = tensor.shape[0];
    const size_t cols = tensor.shape[1];
    Matrix matrix{tensor.data.data(), *tensor.dtype, rows, cols, tensor.data.size() / rows, true, nullptr};
    if (!options_.weights_as_f32 || matrix.dtype == DType::kF32) return matrix;
    // rows * cols values lie in the file at half a byte each or more, so the product cannot overflow.
    float* floats = allocate_floats(rows * cols, tensor.name);
    for (size_t row = 0; row < rows; ++row) {
      kernels().dequantize(matrix.dtype, matrix.data + row * matrix.row_bytes, floats + row * cols, cols);
    }
    return {reinterpret_cast<const std::byte*>(floats),
            DType::kF32,
            rows,
            cols,
            cols * sizeof(float),
            false,
            nullptr};
  }

  float* allocate_floats(size_t count, const std::string& name) {
    try {
      buffers_.floats.push_back(std::make_unique_for_overwrite<float[]>(count));
    } catch (const std::bad_alloc&) {
      throw Error(ErrorKind::kResource, name,
                  fmt::format("must fit in memory as {} float32 values, does not", count));
    }
    return buffers_.floats.back().get();
  }

  std::vector<float> make_vector(const TensorView& tensor) const {
    std::vector<float> values(tensor.shape[0]);
    kernels().dequantize(*tensor.dtype, tensor.data.data(), values.data(), values.size());
    return values;
  }

  void count(const TensorView& tensor, uint64_t bytes) {
    model_.weight_bytes += bytes;
    model_.parameter_count += *checked_product(tensor.shape);
  }

  void settle_head() {
    Weights& weights = model_.weights;
    if (model_.config.tied_head) weights.head = weights.embedding;
    if (!model_.config.norm_head) return;
    weights.head_row_scale = inverse_row_norms(weights.head);
    model_.weight_bytes += weights.head_row_scale.size() * sizeof(float);
  }

  // The published scale is rounded to the type that the model was published in: bfloat16, also for
  // what was quantised from it. A float32 checkpoint has it in full.
  void settle_embedding_scale() {
    if (!parsed_.architecture->scaled_embedding) return;
    const float exact = std::sqrt(static_cast<float>(model_.config.hidden_size));
    const auto embedding =
        index_.find(name_in_file({kEmbedding, "model.embed_tokens.weight", "token_embd.weight", true}, 0));
    assert(embedding != index_.end());
    const DType stored = *embedding->second->dtype;
    if (stored == DType::kF16) {
      model_.config.embedding_scale = f16_to_float(float_to_f16(exact));
    } else if (stored != DType::kF32) {
      model_.config.embedding_scale = bf16_to_float(float_to_bf16(exact));
    }
  }

  void pack() {
    ThreadPool pool(options_.threads);
    for (LayerWeights& layer : model_.weights.layers)
      for_each_matrix(layer, [&](Matrix& matrix) { pack_matrix(matrix, pool); });
    pack_matrix(model_.weights.head, pool);
  }

  // The packed copy takes the stored one's place in memory; rows of a tied head are still embedded from the
  // file.
  void pack_matrix(Matrix& matrix, ThreadPool& pool) {
    const std::optional<PackedFormat> format = packed_format(matrix.dtype, matrix.cols);
    if (!format) return;
    const size_t panel_bytes = packed_panel_bytes(*format, matrix.cols), panels = packed_panels(matrix.rows);
    const size_t stored_bytes = matrix.rows * matrix.row_bytes;
    model_.weight_bytes += panels * panel_bytes - stored_bytes;
    if (options_.packing == Packing::kMeasure) return;
    AnonymousMemory memory(panels * panel_bytes, source_.where);
    // Piece by piece, so that only a piece is in memory in both forms.
    const size_t piece = std::max<size_t>(1, kPackedAtOnce / (kPanelRows * matrix.row_bytes));
    for (size_t first = 0; first < panels; first += piece) {
      const size_t count = std::min(piece, panels - first);
      pool.run(count, [&](size_t i, int) {
        pack_panel(matrix.dtype, matrix.data, matrix.row_bytes, matrix.rows, matrix.cols, first + i,
                   memory.data() + (first + i) * panel_bytes);
      });
      const size_t begin = first * kPanelRows, rows = std::min(matrix.rows - begin, count * kPanelRows);
      release_mapped(matrix.data + begin * matrix.row_bytes, rows * matrix.row_bytes);
    }
    matrix.panels = memory.data();
    buffers_.panels.push_back(std::move(memory));
  }

  void summarise() {
    std::vector<std::string_view> ignored;
    for (const TensorView& tensor : *source_.tensors) {
      model_.tensors.push_back({tensor.name, tensor.type_name, tensor.shape, tensor.data.size()});
      if (!used_.contains(tensor.name)) ignored.push_back(tensor.name);
    }
    if (ignored.empty()) return;
    const size_t shown = std::min(ignored.size(), kNamesInRemark);
    model_.remarks.push_back(fmt::format("{} tensors ignored: {}{}", ignored.size(),
                                         fmt::join(ignored.begin(), ignored.begin() + shown, ", "),
                                         ignored.size() > shown ? ", …" : ""));
  }

  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    throw Error(ErrorKind::kFile, source_.where, fmt::format("{}: {}", tensor, what));
  }

  const TensorSource& source_;
  const ParsedConfig& parsed_;
  const LoadOptions& options_;
  Model& model_;
  WeightBuffers& buffers_;
  std::map<std::string_view, const TensorView*> index_;
  std::set<std::string, std::less<>> used_;
  std::string_view dropped_prefix_;
};

}  // namespace

void load_weights(const TensorSource& source, const ParsedConfig& parsed, const LoadOptions& options,
                  Model& model, WeightBuffers& buffers) {
  Loader(source, parsed, options, model, buffers).load();
}

}  // namespace longscroll
