#include "corpus/document_writer.h"

#include <zstd.h>

#include <new>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll::corpus {
namespace {

constexpr int kLevel = 3;  // Zstandard's own default: text to about a third at some 300 MB/s
constexpr size_t kPackBytes = size_t{1} << 20;

}  // namespace

void DocumentWriter::Free::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

DocumentWriter::DocumentWriter(std::filesystem::path path)
    : file_(std::move(path)), context_(ZSTD_createCCtx()), packed_(ZSTD_CStreamOutSize()) {
  if (!context_) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

void DocumentWriter::add(const TextDocument& document) {
  lines_ += "{\"id\":";
  append_json_string(lines_, document.id);
  lines_ += ",\"source\":";
  append_json_string(lines_, document.source);
  lines_ += ",\"text\":";
  append_json_string(lines_, document.text);
  lines_ += ",\"meta\":";
  lines_ += document.meta;
  lines_ += "}\n";
  ++documents_;
  text_bytes_ += document.text.size();
  if (lines_.size() >= kPackBytes) pack(Flush::kNo);
}

void DocumentWriter::pack(Flush flush) {
  ZSTD_inBuffer input = {lines_.data(), lines_.size(), 0};
  const ZSTD_EndDirective directive = flush == Flush::kEnd ? ZSTD_e_end : ZSTD_e_continue;
  for (bool done = false; !done;) {
    ZSTD_outBuffer output = {packed_.data(), packed_.size(), 0};
    const size_t left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
    if (ZSTD_isError(left)) {
      throw Error(ErrorKind::kResource, "zstd",
                  fmt::format("must pack a shard, found: {}", ZSTD_getErrorName(left)));
    }
    file_.write(std::string_view(packed_.data(), output.pos));
    done = flush == Flush::kEnd ? left == 0 : input.pos == input.size;
  }
  lines_.clear();
}

void DocumentWriter::commit() {
  pack(Flush::kEnd);
  file_.commit();
}

}  // namespace longscroll::corpus
