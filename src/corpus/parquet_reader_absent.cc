// Stands for parquet_reader.cc in a build without Arrow.
#include "corpus/parquet_reader.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {

void require_parquet(const std::filesystem::path& path) {
  throw_unsupported_file(path, "must be of a kind that this build reads, found Parquet",
                         "build with -DLONGSCROLL_PARQUET=ON, after scripts/setup_parquet.sh");
}

void read_parquet(const std::filesystem::path& path, const std::string&, const ParquetEvents&) {
  require_parquet(path);
}

}  // namespace longscroll::corpus
