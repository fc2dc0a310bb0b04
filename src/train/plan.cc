#include "train/plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/token_id.h"

namespace longscroll::train {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

// Makers' figures: dense bf16 with float32 sums, and memory less what the driver takes. The share is the
// least that this project asks of itself on a GPU (published runs of 8B models: 0.33 to 0.58); links are
// NVLink within a machine of 8, and one 400 Gb/s adapter a GPU between machines.
struct Gpu {
  std::string_view name;
  double rate;
  double memory;
};
constexpr std::array kGpus = {Gpu{"a100", 312e12, 78 * kGiB}, Gpu{"h100", 989e12, 78 * kGiB},
                              Gpu{"h200", 989e12, 139 * kGiB}};
constexpr double kGpuShare = 0.45;
constexpr double kLinkWithin = 300e9;
constexpr double kLinkBetween = 50e9;
constexpr uint64_t kGpusOfMachine = 8;

// Code, libraries and small buffers of LibTorch itself.
constexpr double kProgramCpu = 0.35 * kGiB;
constexpr double kProgramCuda = 1.0 * kGiB;

struct Sizes {
  double D, Q, K, F, V, L, N;

  explicit Sizes(const ModelConfig& c)
      : D(c.hidden_size),
        Q(c.query_size()),
        K(c.kv_size()),
        F(c.ffn_size),
        V(c.vocab_size),
        L(c.num_layers),
        N(c.num_heads) {}

  double layer_matrices() const { return 2 * D * Q + 2 * D * K + 3 * D * F; }
  double head() const { return V * D; }
};

double matrix_size(const Sizes& s, std::string_view target) {
  if (target == "q_proj" || target == "o_proj") return s.D + s.Q;
  if (target == "k_proj" || target == "v_proj") return s.D + s.K;
  return s.D + s.F;  // what LoRA adds, for each unit of rank: an input and an output width
}

double norm_parameters(const ModelConfig& config, const Sizes& s) {
  return s.L * (2 * s.D + (config.qk_norm ? 2.0 * config.head_dim : 0) +
                (config.key_bias ? s.Q + 2 * s.K : 0)) +
         s.D;
}

double all_parameters(const ModelConfig& config, const Sizes& s) {
  return s.L * s.layer_matrices() + s.head() * (config.tied_head ? 1 : 2) + norm_parameters(config, s);
}

double trained_parameters(const ModelConfig& config, const ModelOptions& options, const Sizes& s) {
  const LoraOptions& lora = options.lora;
  if (lora.rank == 0) return all_parameters(config, s);
  double trained = 0;
  for (const std::string& target : lora.targets) trained += s.L * lora.rank * matrix_size(s, target);
  if (lora.train_embeddings) trained += s.head() * (config.tied_head ? 1 : 2);
  if (lora.train_norms) trained += norm_parameters(config, s);
  return trained;
}

double width_of(const ModelOptions& options) {
  return options.compute == Compute::kBF16 ? 2 : 4;
}

bool head_learns(const ModelOptions& options) {
  return options.lora.rank == 0 || options.lora.train_embeddings;
}

double sum_of(const std::vector<MemoryItem>& items) {
  double sum = 0;
  for (const MemoryItem& item : items) sum += item.bytes;
  return sum;
}

// What stays from a layer's forward pass until its backward pass.
std::vector<MemoryItem> kept_items(const ModelOptions& options, const Sizes& s, double T) {
  const double width = width_of(options);
  if (!options.checkpoint_layers) {
    return {
        {"activations of all layers", s.L * T * (width * (5 * s.D + 4 * s.Q + 4 * s.K + 4 * s.F) + s.N * 4)},
        {"weights of all layers in bf16", width < 4 ? s.L * s.layer_matrices() * width : 0}};
  }
  std::vector<MemoryItem> items = {{"inputs of the layers", s.L * T * s.D * width}};
  if (options.keep_attention) items.push_back({"what attention gave", s.L * T * (s.Q * width + s.N * 4)});
  return items;
}

// One layer's backward pass, at the dearer of its two halves. Feed-forward: its input, the layer's, both
// their gradients, attention's graph, and a chunk's five vectors of width F and their gradients. Attention:
// its graph, and the gradients on their way through it.
std::vector<MemoryItem> layer_items(const ModelConfig& config, const ModelOptions& options, const Sizes& s,
                                    double T) {
  const double width = width_of(options);
  const double chunk = options.checkpoint_layers ? std::min<double>(T, options.ffn_chunk) : T;
  const double ffn = T * width * (5 * s.D + s.Q + 2 * s.K) + chunk * width * (6 * s.F + 3 * s.D);
  const double attention = T * width * (6 * s.D + 3 * s.Q + 4 * s.K);
  std::vector<MemoryItem> items = {{"a layer's backward: activations", std::max(ffn, attention)}};
  // In the type of the products, and their gradients in float32 before they are added to the others.
  const double weights = options.lora.rank == 0 ? s.layer_matrices() * ((width < 4 ? width : 0) + 4) : 0;
  items.push_back({"a layer's backward: weights", weights});
  if (config.tied_head && head_learns(options)) items.push_back({"the head's gradient", 4 * s.head()});
  return items;
}

// The last of the backward pass. A tied head's gradient has waited for the embedding's.
std::vector<MemoryItem> embedding_items(const ModelConfig& config, const ModelOptions& options,
                                        const Sizes& s, double T) {
  if (!head_learns(options)) return {};
  return {{"the embedding's gradient", (config.tied_head ? 8 : 4) * s.head() + T * s.D * width_of(options)}};
}

// The head's pass, forward and backward at once.
std::vector<MemoryItem> head_items(const ModelConfig& config, const ModelOptions& options, const Sizes& s,
                                   double T) {
  const double width = width_of(options);
  const double chunk = std::min<double>(T, options.loss_chunk);
  std::vector<MemoryItem> items = {{"the head: logits of a chunk", chunk * s.V * (4 + width)},
                                   {"the head: its input and gradient", 2 * T * s.D * width}};
  // Rows in the type of the products (the normalised ones of a norm head), the gradient, and a chunk's part
  // of it.
  double rows = config.norm_head || width < 4 ? s.head() * width : 0;
  if (head_learns(options)) rows += s.head() * (4 + (width < 4 ? width : 0));
  items.push_back({"the head: rows and their gradient", rows});
  return items;
}

std::vector<MemoryItem> joined(std::vector<MemoryItem> first, const std::vector<MemoryItem>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// The dearest moment beside what is there all the time: in the head, in the last layer's backward pass, both
// with what all layers kept, or at the end.
std::vector<MemoryItem> passing_items(const ModelConfig& config, const ModelOptions& options, const Sizes& s,
                                      double T) {
  const std::vector<MemoryItem> kept = kept_items(options, s, T);
  std::vector<MemoryItem> dearest;
  for (std::vector<MemoryItem>& moment :
       std::array{joined(kept, head_items(config, options, s, T)),
                  joined(kept, layer_items(config, options, s, T)), embedding_items(config, options, s, T)}) {
    if (sum_of(moment) > sum_of(dearest)) dearest = std::move(moment);
  }
  return dearest;
}

}  // namespace

PackShape one_document(uint64_t length) {
  const auto l = static_cast<double>(length);
  return {l, l * l, l, 1};
}

PackShape shape_of(const data::Pack& pack) {
  PackShape shape;
  for (size_t d = 0; d < pack.starts.size(); ++d) {
    const size_t begin = pack.starts[d];
    const size_t end = d + 1 < pack.starts.size() ? pack.starts[d + 1] : pack.ids.size();
    const std::span<const TokenId> targets = std::span(pack.targets).subspan(begin, end - begin);
    if (std::all_of(targets.begin(), targets.end(), [](TokenId id) { return id == data::kIgnored; }))
      continue;
    const auto length = static_cast<double>(end - begin);
    shape.tokens += length;
    shape.squared += length * length;
    shape.longest = std::max(shape.longest, length);
    shape.documents += 1;
  }
  return shape;
}

PackShape mean_shape(const data::PackSource& source, uint64_t count) {
  PackShape mean;
  for (uint64_t index = 0; index < count; ++index) {
    const PackShape shape = shape_of(source.pack(index));
    mean.tokens += shape.tokens / static_cast<double>(count);
    mean.squared += shape.squared / static_cast<double>(count);
    mean.longest = std::max(mean.longest, shape.longest);
    mean.documents += shape.documents / static_cast<double>(count);
  }
  return mean;
}

Machine known_machine(const std::string& name) {
  const size_t times = name.find('x');
  const std::string_view kind = std::string_view(name).substr(0, times);
  uint64_t count = 1;
  bool counted = true;
  if (times != std::string::npos) {
    const char* end = name.data() + name.size();
    const auto [stop, failure] = std::from_chars(name.data() + times + 1, end, count);
    counted = failure == std::errc() && stop == end && count >= 1 && count <= 65536;
  }
  for (const Gpu& gpu : kGpus) {
    if (gpu.name != kind || !counted) continue;
    const double link = count <= kGpusOfMachine ? kLinkWithin : kLinkBetween;
    return {name, true, count, gpu.memory, gpu.rate, kGpuShare, count > 1 ? link : 0};
  }
  throw Error(ErrorKind::kArgument, "--machine",
              fmt::format("must be a100, h100 or h200, with xN for N of them, is {}", name),
              "for example h100x8");
}

ModelOptions model_options(const Recipe& recipe, const std::string& device) {
  ModelOptions options;
  options.compute = recipe.model.compute == "f32" ? Compute::kF32 : Compute::kBF16;
  options.checkpoint_layers = recipe.model.checkpointing;
  options.keep_attention = recipe.model.keep_attention;
  options.loss_chunk = static_cast<uint32_t>(recipe.model.loss_chunk);
  options.ffn_chunk = static_cast<uint32_t>(recipe.model.ffn_chunk);
  options.lora.rank = static_cast<uint32_t>(recipe.lora.rank);
  options.lora.alpha = recipe.lora.alpha;
  options.lora.targets = recipe.lora.targets;
  options.lora.train_embeddings = recipe.lora.train_embeddings;
  options.lora.train_norms = recipe.lora.train_norms;
  options.device = device;
  return options;
}

Work pack_work(const ModelConfig& config, const ModelOptions& options, const PackShape& shape) {
  const Sizes s(config);
  const double forward = 2 * shape.tokens * s.L * s.layer_matrices();
  const double head = 2 * shape.tokens * s.head();
  const double attention = 2 * s.Q * s.L * shape.squared;
  Work work;
  // With LoRA frozen matrices have no gradient of their own: backward costs what forward does.
  const double backward = options.lora.rank == 0 ? 2 : 1;
  const double head_backward = options.lora.rank == 0 || options.lora.train_embeddings ? 2 : 1;
  work.usual = forward * (1 + backward) + head * (1 + head_backward) + attention * 3;
  work.computed = forward * (1 + backward) + head * (1 + head_backward) + attention * 3.5;
  if (options.checkpoint_layers) {
    work.computed += forward + (options.keep_attention ? 0 : attention);
  }
  return work;
}

Forecast forecast(const Recipe& recipe, const ModelConfig& config, const Machine& machine,
                  const PackShape& shape, uint64_t steps) {
  const Sizes s(config);
  const ModelOptions options = model_options(recipe, machine.cuda ? "cuda" : "cpu");
  const auto processes = static_cast<double>(machine.processes);
  const auto T = static_cast<double>(recipe.data.sequence_length * packs_at_once(recipe));
  Forecast plan;
  plan.parameters = all_parameters(config, s);
  plan.trained = trained_parameters(config, options, s);
  const double learning_head = options.lora.train_embeddings ? s.head() * (config.tied_head ? 1 : 2) : 0;
  const double frozen = options.lora.rank == 0 ? 0 : plan.parameters - learning_head;
  plan.memory = {{"weights that learn, float32", 4 * plan.trained},
                 {"weights that do not", width_of(options) * frozen},
                 {"gradients, float32", 4 * plan.trained},
                 {"moments of AdamW, float32", 8 * plan.trained / processes},
                 {"program", machine.cuda ? kProgramCuda : kProgramCpu}};
  for (MemoryItem& item : passing_items(config, options, s, T)) plan.memory.push_back(std::move(item));
  std::erase_if(plan.memory, [](const MemoryItem& item) { return item.bytes <= 0; });
  plan.peak_bytes = sum_of(plan.memory);

  const auto packs = static_cast<double>(packs_per_batch(recipe));
  const Work pack = pack_work(config, options, shape);
  plan.step = {pack.usual * packs, pack.computed * packs};
  plan.steps = steps;
  // The process with the most packs is waited for.
  const double most_packs = std::ceil(packs / processes);
  const double computing = most_packs * pack.computed / (machine.matmul_rate * machine.expected_share);
  const double sending =
      machine.link_rate > 0 ? 2 * 4 * plan.trained * (processes - 1) / processes / machine.link_rate : 0;
  plan.step_seconds = computing + sending;
  plan.run_seconds = plan.step_seconds * static_cast<double>(steps);
  plan.tokens_per_second = packs * shape.tokens / plan.step_seconds;
  plan.checkpoint_bytes = 12 * plan.trained + 2 * (recipe.lora.rank == 0 ? plan.parameters : plan.trained);
  return plan;
}

namespace {

struct Remedy {
  std::string text;
  std::function<void(Recipe&, Machine&)> apply;
};

// In the order of what they cost: memory for nothing, for time, for machines, for the result itself.
std::vector<Remedy> remedies(const Recipe& recipe) {
  std::vector<Remedy> all;
  all.push_back({"model.checkpointing = true", [](Recipe& r, Machine&) { r.model.checkpointing = true; }});
  if (packs_at_once(recipe) > 1) {
    all.push_back({"batch.micro_tokens = 0", [](Recipe& r, Machine&) { r.batch.micro_tokens = 0; }});
  }
  all.push_back({"model.loss_chunk = 256", [](Recipe& r, Machine&) { r.model.loss_chunk = 256; }});
  all.push_back({"model.ffn_chunk = 1024", [](Recipe& r, Machine&) { r.model.ffn_chunk = 1024; }});
  all.push_back({"model.compute = \"bf16\"", [](Recipe& r, Machine&) { r.model.compute = "bf16"; }});
  all.push_back(
      {"model.keep_attention = false", [](Recipe& r, Machine&) { r.model.keep_attention = false; }});
  for (const uint64_t processes : {2u, 4u, 8u}) {
    all.push_back({fmt::format("{} processes on {} machines or devices", processes, processes),
                   [processes](Recipe&, Machine& m) { m.processes = std::max(m.processes, processes); }});
  }
  if (recipe.lora.rank == 0) all.push_back({"lora.rank = 16", [](Recipe& r, Machine&) { r.lora.rank = 16; }});
  for (uint64_t length = recipe.data.sequence_length / 2; length >= 1024; length /= 2) {
    all.push_back({fmt::format("data.sequence_length = {}", length),
                   [length](Recipe& r, Machine&) { r.data.sequence_length = length; }});
  }
  return all;
}

// The first remedy that is enough alone or together with those before it that help.
std::string what_would_fit(const Recipe& recipe, const ModelConfig& config, const Machine& machine,
                           const PackShape& shape, double needed) {
  const auto peak_with = [&](const Recipe& r, const Machine& m) {
    return forecast(r, config, m, shape, 1).peak_bytes;
  };
  Recipe changed = recipe;
  Machine larger = machine;
  std::string changes;
  for (const Remedy& remedy : remedies(recipe)) {
    Recipe alone = recipe;
    Machine alone_on = machine;
    remedy.apply(alone, alone_on);
    const double peak = peak_with(alone, alone_on);
    if (peak <= machine.memory_bytes) return fmt::format("{} would make it fit", remedy.text);
    if (peak >= needed) continue;
    remedy.apply(changed, larger);
    changes += (changes.empty() ? "" : " with ") + remedy.text;
    if (peak_with(changed, larger) <= machine.memory_bytes)
      return fmt::format("{} would make it fit", changes);
  }
  return "no setting of this recipe would make it fit: take a smaller model";
}

}  // namespace

void require_fit(const Recipe& recipe, const ModelConfig& config, const Machine& machine,
                 const PackShape& shape) {
  const double needed = forecast(recipe, config, machine, shape, 1).peak_bytes;
  if (needed <= machine.memory_bytes) return;
  throw Error(ErrorKind::kResource, fmt::format("{}, memory", machine.name),
              fmt::format("must hold the {:.1f} GiB that a process needs at its peak, has {:.1f} GiB",
                          needed / kGiB, machine.memory_bytes / kGiB),
              what_would_fit(recipe, config, machine, shape, needed));
}

}  // namespace longscroll::train
