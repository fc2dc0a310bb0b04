// T tokens of the pack, L tokens of a document, N query heads, K heads of keys and values, G = N / K, H head
// dimension. A kernel's own order is [batch, heads, L, H].
#include "train/attention.h"

#include <memory>
#include <utility>

#include <ATen/core/ivalue.h>
#include <ATen/ops/_cudnn_attention_backward.h>
#include <ATen/ops/_cudnn_attention_forward.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Call {
  DocumentBounds documents;
  double scale = 1.0;
};

struct Gradients {
  Tensor q, k, v;
};

// Query heads of one document. With G = 1 the heads are the kernel's heads; otherwise a head of keys is a
// batch, and the queries that share it are its heads.
Tensor query_view(const Tensor& x_TNH, const DocumentBounds& documents, int64_t d, int64_t group) {
  const Tensor own = x_TNH.narrow(0, documents.begin(d), documents.length(d));
  if (group == 1) return own.transpose(0, 1).unsqueeze(0);
  return own.view({own.size(0), own.size(1) / group, group, own.size(2)}).permute({1, 2, 0, 3});
}

// Keys or values, repeated for the group without a copy: the repeated dimension has stride 0.
Tensor key_view(const Tensor& x_TKH, const DocumentBounds& documents, int64_t d, int64_t group) {
  const Tensor own = x_TKH.narrow(0, documents.begin(d), documents.length(d)).transpose(0, 1);
  if (group == 1) return own.unsqueeze(0);
  return own.unsqueeze(1).expand({own.size(0), group, own.size(1), own.size(2)});
}

Tensor sums_view(const Tensor& sums_TN, const DocumentBounds& documents, int64_t d, int64_t group) {
  const Tensor own = sums_TN.narrow(0, documents.begin(d), documents.length(d));
  if (group == 1) return own.transpose(0, 1).unsqueeze(0);
  return own.view({own.size(0), own.size(1) / group, group}).permute({1, 2, 0});
}

// The gradient of a head of keys is the sum over the queries that share it.
void store_key_gradient(const Tensor& grad, const DocumentBounds& documents, int64_t d, int64_t group,
                        const Tensor& out_TKH) {
  const Tensor own = out_TKH.narrow(0, documents.begin(d), documents.length(d)).transpose(0, 1);
  own.copy_(group == 1 ? grad.squeeze(0) : grad.sum(1));
}

// {out, sums}
variable_list forward_cpu(const Tensor& q, const Tensor& k, const Tensor& v, const Call& call) {
  const DocumentBounds& documents = call.documents;
  const int64_t group = q.size(1) / k.size(1);
  const Tensor out = at::empty_like(q);
  const Tensor sums = at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat));
  for (int64_t d = 0; d < documents.count(); ++d) {
    const auto [own_out, own_sums] = at::_scaled_dot_product_flash_attention_for_cpu(
        query_view(q, documents, d, group), key_view(k, documents, d, group),
        key_view(v, documents, d, group), /*dropout_p=*/0.0, /*is_causal=*/true, /*attn_mask=*/{},
        call.scale);
    query_view(out, documents, d, group).copy_(own_out);
    sums_view(sums, documents, d, group).copy_(own_sums);
  }
  return {out, sums};
}

Gradients backward_cpu(const Tensor& grad_out, const Tensor& q, const Tensor& k, const Tensor& v,
                       const variable_list& kept, const Call& call) {
  const DocumentBounds& documents = call.documents;
  const int64_t group = q.size(1) / k.size(1);
  Gradients grads{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  for (int64_t d = 0; d < documents.count(); ++d) {
    const auto [grad_q, grad_k, grad_v] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        query_view(grad_out, documents, d, group), query_view(q, documents, d, group),
        key_view(k, documents, d, group), key_view(v, documents, d, group),
        query_view(kept[0], documents, d, group), sums_view(kept[1], documents, d, group),
        /*dropout_p=*/0.0, /*is_causal=*/true, /*attn_mask=*/{}, call.scale);
    query_view(grads.q, documents, d, group).copy_(grad_q);
    store_key_gradient(grad_k, documents, d, group, grads.k);
    store_key_gradient(grad_v, documents, d, group, grads.v);
  }
  return grads;
}

// cuDNN builds a program for each shape that it meets, which takes it tens of milliseconds: for a whole pack
// of one document that shape comes back with every pack, and its time is what a step's is made of.
bool for_cudnn(const Tensor& q, const Tensor& k, const Call& call) {
  constexpr int64_t kWorthIt = 16384, kLargestHead = 128, kHeadStep = 8;
  return call.documents.count() == 1 && call.documents.longest() >= kWorthIt && q.size(1) == k.size(1) &&
         q.size(2) <= kLargestHead && q.size(2) % kHeadStep == 0;
}

// Of a pack that is one document.
Tensor heads_first(const Tensor& x_TNH) {
  return x_TNH.transpose(0, 1).unsqueeze(0);
}
Tensor tokens_first(const Tensor& x_1NTH) {
  return x_1NTH.squeeze(0).transpose(0, 1).contiguous();
}

// {out, sums, state of the random generator, its offset}: the kernels want the last two back, dropout or not.
variable_list forward_cudnn(const Tensor& q, const Tensor& k, const Tensor& v, const Call& call) {
  const int64_t tokens = q.size(0);
  const auto result =
      at::_cudnn_attention_forward(heads_first(q), heads_first(k), heads_first(v), /*attn_bias=*/{},
                                   /*cum_seq_q=*/{}, /*cum_seq_k=*/{}, tokens, tokens,
                                   /*compute_log_sumexp=*/true, /*dropout_p=*/0.0, /*is_causal=*/true,
                                   /*return_debug_mask=*/false, call.scale);
  return {tokens_first(std::get<0>(result)), std::get<1>(result), std::get<6>(result), std::get<7>(result)};
}

Gradients backward_cudnn(const Tensor& grad_out, const Tensor& q, const Tensor& k, const Tensor& v,
                         const variable_list& kept, const Call& call) {
  const int64_t tokens = q.size(0);
  const auto [grad_q, grad_k, grad_v] = at::_cudnn_attention_backward(
      heads_first(grad_out), heads_first(q), heads_first(k), heads_first(v), heads_first(kept[0]), kept[1],
      kept[2], kept[3], /*attn_bias=*/Tensor(), /*cum_seq_q=*/Tensor(), /*cum_seq_k=*/Tensor(), tokens,
      tokens, /*dropout_p=*/0.0, /*is_causal=*/true, call.scale);
  return {tokens_first(grad_q), tokens_first(grad_k), tokens_first(grad_v)};
}

// As forward_cudnn.
variable_list forward_cuda(const Tensor& q, const Tensor& k, const Tensor& v, const Call& call) {
  if (q.scalar_type() != at::kBFloat16) {
    throw Error(ErrorKind::kUnsupported, "attention",
                "must compute in bf16 on CUDA, was asked for another type", "compute = \"bf16\"");
  }
  if (for_cudnn(q, k, call)) return forward_cudnn(q, k, v, call);
  const Tensor& edges = call.documents.device_edges;
  const int64_t longest = call.documents.longest();
  const auto [out, sums, state, unused, mask] =
      at::_flash_attention_forward(q, k, v, edges, edges, longest, longest, /*dropout_p=*/0.0,
                                   /*is_causal=*/true, /*return_debug_mask=*/false, call.scale);
  return {out, sums, state, unused};
}

Gradients backward_cuda(const Tensor& grad_out, const Tensor& q, const Tensor& k, const Tensor& v,
                        const variable_list& kept, const Call& call) {
  if (for_cudnn(q, k, call)) return backward_cudnn(grad_out, q, k, v, kept, call);
  const Tensor& edges = call.documents.device_edges;
  const int64_t longest = call.documents.longest();
  auto [grad_q, grad_k, grad_v] = at::_flash_attention_backward(
      grad_out, q, k, v, kept[0], kept[1], edges, edges, longest, longest, /*dropout_p=*/0.0,
      /*is_causal=*/true, kept[2], kept[3], call.scale);
  return {std::move(grad_q), std::move(grad_k), std::move(grad_v)};
}

class DocumentAttention : public torch::autograd::Function<DocumentAttention> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                        const std::shared_ptr<const Call>& call, AttentionMemory* memory) {
    variable_list kept;
    if (memory != nullptr && !memory->kept.empty()) {
      kept = memory->kept;
    } else {
      kept = q.is_cuda() ? forward_cuda(q, k, v, *call) : forward_cpu(q, k, v, *call);
      if (memory != nullptr) memory->kept = kept;
    }
    // The same values as a tensor of its own: what is kept must not become part of this graph.
    const Tensor out = kept[0].detach();
    variable_list saved = {q, k, v};
    saved.insert(saved.end(), kept.begin(), kept.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["call"] = at::IValue::make_capsule(c10::make_intrusive<Holder>(call));
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["call"].toCapsule();
    const Call& call = *static_cast<const Holder&>(*capsule).call;
    const Tensor grad_out = grads[0].contiguous();
    const variable_list kept(saved.begin() + 3, saved.end());
    const Gradients result = grad_out.is_cuda()
                                 ? backward_cuda(grad_out, saved[0], saved[1], saved[2], kept, call)
                                 : backward_cpu(grad_out, saved[0], saved[1], saved[2], kept, call);
    return {result.q, result.k, result.v, Tensor(), Tensor()};
  }

 private:
  struct Holder : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<const Call> held) : call(std::move(held)) {}
    std::shared_ptr<const Call> call;
  };
};

}  // namespace

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const DocumentBounds& documents,
              double scale, AttentionMemory* memory) {
  auto call = std::make_shared<const Call>(Call{documents, scale});
  return DocumentAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(), call, memory);
}

}  // namespace longscroll::train
