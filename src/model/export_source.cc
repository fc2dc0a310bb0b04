#include "model/export_target.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

std::string name_of(const fs::path& in) {
  const fs::path path = fs::weakly_canonical(in);
  return fs::is_directory(path) ? path.filename().string() : path.stem().string();
}

}  // namespace

ConversionSource open_conversion_source(const fs::path& in) {
  ConversionSource source;
  source.model = load_model(in);
  source.architecture = architecture_by_name(source.model->config.architecture);
  source.name = name_of(in);
  const uint32_t vocab_size = source.model->config.vocab_size;
  if (fs::is_directory(in)) {
    source.directory = in;
    source.tokenizer = tokenizer_source_from_hf(in, vocab_size);
  } else {
    source.gguf.emplace(in);
    source.tokenizer = tokenizer_source_from_gguf(*source.gguf, vocab_size);
  }
  return source;
}

}  // namespace longscroll
