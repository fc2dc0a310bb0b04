#include "model/tensor_places.h"

namespace longscroll {
namespace {

using enum TensorRole;

// W and L are const or not, together.
template <typename W, typename L>
auto find_matrix(TensorRole role, W& weights, L* layer) -> decltype(&weights.embedding) {
  switch (role) {
    case kEmbedding:
      return &weights.embedding;
    case kHead:
      return &weights.head;
    case kQuery:
      return &layer->query;
    case kKey:
      return &layer->key;
    case kValue:
      return &layer->value;
    case kOutput:
      return &layer->output;
    case kGate:
      return &layer->gate;
    case kUp:
      return &layer->up;
    case kDown:
      return &layer->down;
    default:
      return nullptr;
  }
}

template <typename W, typename L>
auto find_vector(TensorRole role, W& weights, L* layer) -> decltype(&weights.final_norm) {
  switch (role) {
    case kFinalNorm:
      return &weights.final_norm;
    case kAttentionNorm:
      return &layer->attention_norm;
    case kPostAttentionNorm:
      return &layer->post_attention_norm;
    case kFfnNorm:
      return &layer->ffn_norm;
    case kPostFfnNorm:
      return &layer->post_ffn_norm;
    case kQueryBias:
      return &layer->query_bias;
    case kKeyBias:
      return &layer->key_bias;
    case kValueBias:
      return &layer->value_bias;
    case kOutputBias:
      return &layer->output_bias;
    case kQueryNorm:
      return &layer->query_norm;
    case kKeyNorm:
      return &layer->key_norm;
    default:
      return nullptr;
  }
}

}  // namespace

Matrix* matrix_place(TensorRole role, Weights& weights, LayerWeights* layer) {
  return find_matrix(role, weights, layer);
}

std::vector<float>* vector_place(TensorRole role, Weights& weights, LayerWeights* layer) {
  return find_vector(role, weights, layer);
}

const Matrix* matrix_place(TensorRole role, const Weights& weights, const LayerWeights* layer) {
  return find_matrix(role, weights, layer);
}

const std::vector<float>* vector_place(TensorRole role, const Weights& weights, const LayerWeights* layer) {
  return find_vector(role, weights, layer);
}

bool is_bias(TensorRole role) {
  return role == kQueryBias || role == kKeyBias || role == kValueBias || role == kOutputBias;
}

bool is_norm(TensorRole role) {
  switch (role) {
    case kFinalNorm:
    case kAttentionNorm:
    case kPostAttentionNorm:
    case kFfnNorm:
    case kPostFfnNorm:
    case kQueryNorm:
    case kKeyNorm:
      return true;
    default:
      return false;
  }
}

}  // namespace longscroll
