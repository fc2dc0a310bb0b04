// One Unicode code point is one token: lengths without any model, and the tokenizer of NeedleBench's golden
// prompts.
#pragma once

#include <memory>

#include "text/tokenizer.h"

namespace longscroll {

// Immutable; safe to share between threads. Invalid UTF-8 becomes U+FFFD.
std::shared_ptr<const Tokenizer> make_code_point_tokenizer();

}  // namespace longscroll
