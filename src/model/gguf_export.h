// A model's configuration and tokenizer as GGUF metadata, under the keys that llama.cpp's converter uses.
#pragma once

#include "formats/gguf.h"
#include "model/export_target.h"

namespace longscroll {

// Everything but the tokenizer. From a GGUF file of the same architecture: its own metadata with the type
// changed. Throws Error(kUnsupported) when GGUF cannot say which layers are local.
GgufMetadata gguf_config_metadata(const ConversionSource& source, const ExportTarget& target,
                                  Remarks& remarks);

// tokenizer.*. A tokenizer that GGUF has no name for is left out, with a remark.
void add_gguf_tokenizer(const ConversionSource& source, GgufMetadata& metadata, Remarks& remarks);

}  // namespace longscroll
