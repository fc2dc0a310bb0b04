// What a training run is to do, as a TOML file says it (docs/formats/recipe.md). One table of fields reads,
// overrides, checks, writes and documents it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll::train {

// Whose loss: next tokens of documents, answers to instructions, preferences.
enum class Stage { kPretrain, kInstruct, kPrefer };

const char* to_string(Stage stage);  // as the command line spells them: "pt", "sft", "dpo"

// A set of documents, and how much of it is read (data/mixture.h says how the three ways differ). All sources
// of a recipe go one way; none given: all documents of all sources, once an epoch.
struct SourceRecipe {
  std::string
      path;  // pt: token shards; sft: shards, .jsonl or .json; dpo: .jsonl or .json; or folders of them
  double weight = 0;   // share of the tokens
  uint64_t count = 0;  // documents of an epoch
  double ratio = 0;    // of the documents of an epoch
};

// Documents of `from` tokens and more, up to the next bucket's `from`.
struct BucketRecipe {
  uint64_t from = 0;
  double weight = 0;  // share of the tokens
};

struct ModelRecipe {
  std::string path;              // a model's directory, a .gguf file or a catalogue's name
  std::string compute = "bf16";  // "bf16" or "f32": what forward and backward multiply in
  double rope_base = 0;          // 0: the model's own
  uint64_t window = 0;           // positions; 0: the model's own
  bool checkpointing = true;     // keep each layer's input alone, compute the rest again in backward
  bool keep_attention = true;    // with checkpointing: what attention gave stays too
  uint64_t loss_chunk = 1024;    // tokens whose logits exist at a time
  uint64_t ffn_chunk = 4096;     // with checkpointing: tokens whose feed-forward activations exist at a time
  std::string device = "auto";   // "cpu", "cuda", "auto": cuda where there is one
};

struct LoraRecipe {
  uint64_t rank = 0;  // 0: no LoRA, every weight is trained
  double alpha = 32;  // the product of both matrices is scaled by alpha / rank
  std::vector<std::string> targets = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                      "gate_proj", "up_proj", "down_proj"};
  bool train_embeddings = false;  // and the head
  bool train_norms = false;
};

struct DataRecipe {
  std::vector<SourceRecipe> sources;
  std::vector<BucketRecipe> buckets;  // by rising `from`; none: lengths as they come
  std::string packing = "best-fit";   // or "padded"; pt: or "concatenate"
  bool document_mask = true;          // each document sees itself alone; false: all of the pack before it
  std::string too_long = "refuse";    // what may not be split and is longer than a pack: or "leave-out"
  uint64_t sequence_length = 0;       // positions of a pack
  uint64_t seed = 0;
  std::string chat = "auto";  // sft, dpo: the chat form; "auto": the model's own
  std::string form = "auto";  // sft: how records are written; "auto": told from each
  std::string reference;      // dpo: file of the reference's log-probabilities; empty: beside the run
};

struct BatchRecipe {
  uint64_t tokens = 0;  // of one step, over all processes
  uint64_t micro_tokens =
      0;  // pt, sft: positions that a process computes at once, in whole packs; 0: one pack
};

// Exactly one is given.
struct LengthRecipe {
  uint64_t steps = 0;
  uint64_t tokens = 0;
  double epochs = 0;
};

struct OptimizerRecipe {
  double learning_rate = 0;        // the peak
  double final_learning_rate = 0;  // where the cosine ends
  uint64_t warmup_steps = 0;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // of matrices
  double clip_norm = 1.0;     // 0: no clipping
};

struct PreferenceRecipe {
  double beta = 0.1;
  double label_smoothing = 0;
};

struct EvaluationRecipe {
  std::string path;        // held-out shards or JSONL of the same kind as the training data; empty: none
  uint64_t every = 0;      // steps; 0: at the end alone
  uint64_t packs = 16;     // of the held-out data
  uint64_t bucket = 4096;  // tokens: width of a length bucket
  std::vector<std::string> command;  // run on each checkpoint; "{checkpoint}" becomes its path
};

struct RunRecipe {
  std::string out;                 // folder of the run
  uint64_t checkpoint_every = 0;   // steps; 0: at the end alone
  uint64_t keep = 3;               // checkpoints; older ones are removed
  std::string save_type = "bf16";  // of the exported weights: "bf16", "f32", "f16"
  double spike_factor = 3;         // a loss so many times the recent median stops the run; 0: never
  uint64_t spike_window = 50;      // steps that the median is over
};

struct Recipe {
  ModelRecipe model;
  LoraRecipe lora;
  DataRecipe data;
  BatchRecipe batch;
  LengthRecipe length;
  OptimizerRecipe optimizer;
  PreferenceRecipe preference;
  EvaluationRecipe evaluation;
  RunRecipe run;
};

// Relative paths in a recipe are relative to the folder that the program runs in, as on a command line.
// Throws Error(kFile) for a file that is missing, over 1 MiB or no TOML, and Error(kArgument), with the line
// and the nearest valid key, for a key that is unknown or has a value of the wrong kind.
Recipe read_recipe(const std::filesystem::path& path);

// The same for text at hand; `where` names it in messages.
Recipe parse_recipe(std::string_view text, const std::string& where);

// "optimizer.learning_rate=1e-5", "data.sources.0.path=x"; the value is TOML, or bare text where a text is
// wanted. Throws Error(kArgument).
void set_field(Recipe& recipe, std::string_view assignment);

// Checks what one field alone cannot tell. Throws Error(kArgument) naming the field.
void validate(const Recipe& recipe, Stage stage);

// The whole recipe as TOML, defaults included: reading it again gives an equal one.
std::string write_recipe(const Recipe& recipe);

// What differs between two recipes that would change the weights they come to ("optimizer.beta1 was 0.9, is
// 0.8"); empty if nothing does. Where a run writes, what it shows, and how it saves memory may differ.
std::string course_difference(const Recipe& before, const Recipe& now);

// For docs and messages: every key, in order.
std::vector<std::string> recipe_keys();

// Packs of one step.
uint64_t packs_per_batch(const Recipe& recipe);

// Packs that a process computes at once, at most.
uint64_t packs_at_once(const Recipe& recipe);

// Steps of the whole run. `packs_per_epoch` is 0 where it is not known; then epochs throw Error(kArgument).
uint64_t total_steps(const Recipe& recipe, uint64_t packs_per_epoch);

}  // namespace longscroll::train
