// A number hidden in a text and asked for: the smallest test of whether a model finds what it has read.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/session.h"

namespace longscroll::doctor {

inline constexpr size_t kNeedlesOfALength = 2;  // at a quarter and at three quarters of the text

// 512, 1024, … up to `longest`, and `longest` itself.
std::vector<size_t> needle_lengths(size_t longest);

// How many of kNeedlesOfALength a model with a tokenizer finds in prompts of options.max_length tokens with
// their answers, filled from `text`. Plain text, no chat form: what is asked is to go on. Throws as Session
// does.
size_t find_needles(const std::shared_ptr<const Model>& model, const SessionOptions& options,
                    std::span<const TokenId> text, const std::function<void(size_t done)>& on_progress,
                    const std::atomic<bool>* cancel);

}  // namespace longscroll::doctor
