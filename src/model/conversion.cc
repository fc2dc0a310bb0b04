#include "model/conversion.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/atomic_directory.h"
#include "formats/atomic_file.h"
#include "kernels/quantize.h"
#include "model/gguf_export.h"
#include "model/hf_export.h"
#include "model/tensor_export.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& where, const std::string& what, const std::string& hint = {}) {
  throw Error(ErrorKind::kArgument, where.string(), what, hint);
}

bool lies_within(const fs::path& inner, const fs::path& outer) {
  const fs::path relative = fs::weakly_canonical(inner).lexically_relative(fs::weakly_canonical(outer));
  return !relative.empty() && *relative.begin() != "..";
}

void check_type(const ConvertOptions& options) {
  const std::string_view name = dtype_info(options.type).name;
  if (!can_quantize(options.type)) {
    refuse("--type", fmt::format("must be f32, bf16, f16, q8_0 or q4_0, is {}", name));
  }
  if (options.to == ModelForm::kHuggingFace && dtype_info(options.type).block_elems > 1) {
    refuse("--type", fmt::format("must be f32, bf16 or f16 for a Hugging Face directory, is {}", name),
           "block formats are GGUF's");
  }
}

// Nothing is ever replaced that is not plainly a model of the same form.
void check_output(const fs::path& in, const fs::path& out, const ConvertOptions& options) {
  if (!fs::exists(fs::symlink_status(out))) return;
  std::error_code missing;
  if (fs::equivalent(in, out, missing)) refuse(out, "the output must not be the input, is");
  if (fs::is_directory(out) && lies_within(in, out)) {
    refuse(out, "the output must not hold the input, does");
  }
  if (options.to == ModelForm::kGguf) {
    if (!fs::is_regular_file(out)) refuse(out, "must be a file, or not exist, is something else");
  } else if (!fs::is_directory(out)) {
    refuse(out, "must be a directory, or not exist, is something else");
  } else if (!fs::is_empty(out) && !fs::exists(out / "config.json")) {
    refuse(out, "must be empty or a model's directory to be replaced, is neither");
  }
  const bool empty_directory = fs::is_directory(out) && fs::is_empty(out);
  if (!options.force && !empty_directory) refuse(out, "must not exist, does", "--force replaces it");
}

ExportTarget choose_target(const ConversionSource& source, const ConvertOptions& options) {
  ExportTarget target;
  target.form = options.to;
  target.type = options.type;
  target.architecture = source.architecture;
  if (options.as_llama && !source.architecture->norm_head && source.architecture->name != "llama") {
    throw Error(ErrorKind::kUnsupported, source.model->path.string(),
                fmt::format("--as llama: the architecture must be index, is {}", source.architecture->name));
  }
  if (source.architecture->norm_head && (options.as_llama || options.to == ModelForm::kGguf)) {
    target.architecture = architecture_by_name("llama");
    target.bake_norm_head = source.model->config.norm_head;
  }
  return target;
}

// Gemma's embedding is scaled by sqrt(hidden), which readers round to the type that they find.
void remark_on_embedding_scale(const ConversionSource& source, const ExportTarget& target, Remarks& remarks) {
  if (!source.architecture->scaled_embedding) return;
  const DType stored = source.model->weights.embedding.dtype;
  const auto kind = [](DType type) {
    return type == DType::kF32 || type == DType::kF16 ? type : DType::kBF16;
  };
  if (kind(stored) == kind(target.type)) return;
  remarks.push_back(
      fmt::format("the embedding's scale was rounded to {} ({}) and will be to {}: this and other "
                  "programs take that from the type of the embedding",
                  dtype_info(kind(stored)).name, source.model->config.embedding_scale,
                  dtype_info(kind(target.type)).name));
}

// An Index that no longer says so keeps its chat form as a template.
void keep_chat_form(ConversionSource& source, const ExportTarget& target, Remarks& remarks) {
  if (source.architecture == target.architecture || source.tokenizer.chat_template) return;
  source.tokenizer.chat_template = index_chat_template(source.tokenizer);
  if (source.tokenizer.chat_template) remarks.emplace_back("chat template of Index added");
}

// Counts bytes and looks for Ctrl-C on the way to the file.
class Progress {
 public:
  Progress(const ConvertEvents& events, std::vector<TensorToWrite>& tensors) : events_(events) {
    for (TensorToWrite& tensor : tensors) {
      total_ += bytes_of(tensor);
      tensor.produce = [this, produce = std::move(tensor.produce)](const auto& sink) {
        produce([&](std::span<const std::byte> bytes) {
          sink(bytes);
          advance(bytes.size());
        });
      };
    }
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  static constexpr uint64_t kStep = uint64_t{1} << 20;

  void advance(uint64_t bytes) {
    done_ += bytes;
    if (done_ < next_ && done_ < total_) return;
    next_ = done_ + kStep;
    if (events_.cancel != nullptr && events_.cancel->load(std::memory_order_relaxed)) {
      throw Error(ErrorKind::kCancelled, "conversion", "was stopped; nothing was left behind");
    }
    if (events_.progress) events_.progress(done_, total_);
  }

  const ConvertEvents& events_;
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  uint64_t next_ = 0;
};

std::vector<std::string> write_directory(const ConversionSource& source, const ExportTarget& target,
                                         const fs::path& out, std::vector<TensorToWrite> tensors,
                                         uint64_t shard_bytes, Remarks& remarks) {
  AtomicDirectory directory(out);
  std::vector<std::string> files = {"config.json"};
  write_file(directory.temporary() / files.front(), hf_config(source, target, remarks).dump(2) + "\n");
  for (auto& name : write_hf_tokenizer(source, target, directory.temporary(), remarks)) files.push_back(name);
  for (auto& name : write_hf_weights(directory.temporary(), std::move(tensors), shard_bytes))
    files.push_back(name);
  directory.commit();
  return files;
}

std::string tokenizer_kind(const ConversionSource& source) {
  if (std::holds_alternative<BpeTables>(source.tokenizer.tables)) return "bpe";
  if (std::holds_alternative<SentencePieceSource>(source.tokenizer.tables)) return "sentencepiece";
  return "none";
}

ConvertReport convert(const fs::path& in, const fs::path& out, const ConvertOptions& options,
                      const ConvertEvents& events) {
  check_type(options);
  check_output(in, out, options);
  ConversionSource source = open_conversion_source(in);
  const ExportTarget target = choose_target(source, options);

  ConvertReport report;
  report.source_format = source.model->format;
  report.source_architecture = source.architecture->name;
  report.architecture = target.architecture->name;
  report.remarks = source.model->remarks;
  keep_chat_form(source, target, report.remarks);
  std::vector<TensorToWrite> tensors = export_tensors(*source.model, target, report.remarks);
  for (const TensorToWrite& tensor : tensors) {
    TypeCount& count = report.types[std::string(dtype_info(tensor.dtype).name)];
    ++count.tensors;
    count.bytes += bytes_of(tensor);
  }
  remark_on_embedding_scale(source, target, report.remarks);
  Progress progress(events, tensors);  // outlives the writing
  if (target.form == ModelForm::kGguf) {
    GgufMetadata metadata = gguf_config_metadata(source, target, report.remarks);
    add_gguf_tokenizer(source, metadata, report.remarks);
    const auto model = metadata.find("tokenizer.ggml.model");
    const bool left_out = model == metadata.end() || model->second == GgufValue(std::string("none"));
    report.tokenizer = left_out ? "none" : tokenizer_kind(source);
    write_gguf(out, metadata, tensors);
    report.files = {out.filename().string()};
  } else {
    report.tokenizer = tokenizer_kind(source);
    report.files =
        write_directory(source, target, out, std::move(tensors), options.shard_bytes, report.remarks);
  }
  return report;
}

}  // namespace

ConvertReport convert_model(const fs::path& in, const fs::path& out, const ConvertOptions& options,
                            const ConvertEvents& events) {
  try {
    return convert(in, out, options, events);
  } catch (const fs::filesystem_error& failure) {
    throw Error(ErrorKind::kFile, failure.path1().string(),
                fmt::format("must be readable, found: {}", failure.code().message()));
  }
}

}  // namespace longscroll
