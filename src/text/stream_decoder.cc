#include "base/utf8.h"
#include "text/tokenizer.h"

namespace longscroll {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(&tokenizer), skip_special_(skip_special) {}

std::string StreamDecoder::push(TokenId id) {
  std::string bytes = tokenizer_->token_bytes(id, skip_special_);
  if (bytes.empty()) return {};
  if (at_start_ && tokenizer_->drops_leading_space(id, dropped_)) {
    bytes.erase(0, 1);
    ++dropped_;
  }
  at_start_ = at_start_ && bytes.empty();
  held_ += bytes;
  const size_t whole = held_.size() - incomplete_utf8_suffix(held_);
  std::string text = tokenizer_->show_bytes(std::string_view(held_).substr(0, whole));
  held_.erase(0, whole);
  return text;
}

std::string StreamDecoder::flush() {
  std::string text = tokenizer_->show_bytes(held_);
  held_.clear();
  return text;
}

}  // namespace longscroll
