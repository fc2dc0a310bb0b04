#include "formats/torch_bin.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checked_math.h"
#include "formats/file_faults.h"
#include "formats/torch_objects.h"
#include "formats/zip_directory.h"

namespace longscroll {
namespace {

// A pickle describes tensors in some 150 bytes each, and its objects cost us a few times their bytes.
constexpr uint64_t kMaxPickleBytes = uint64_t{16} << 20;
constexpr std::string_view kPickleName = "data.pkl";
// The first pickle of a file by torch before 1.6: its magic number, in protocol 2.
constexpr std::string_view kLegacyMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class BinReader {
 public:
  BinReader(std::span<const std::byte> bytes, const std::filesystem::path& path) : path_(path) {
    check_kind(bytes);
    entries_ = read_stored_zip(bytes, path);
    find_folder();
  }

  std::vector<TensorView> read_tensors() const;

 private:
  void check_kind(std::span<const std::byte> bytes) const;
  void find_folder();
  void check_byte_order() const;
  TensorView view_of(const TorchTensor& tensor) const;
  std::span<const std::byte> storage_of(const TorchTensor& tensor) const;
  void check_contiguous(const TorchTensor& tensor) const;

  const std::filesystem::path& path_;
  ZipEntries entries_;
  std::string folder_;  // "archive/"
};

void BinReader::check_kind(std::span<const std::byte> bytes) const {
  if (looks_like_zip(bytes)) return;
  if (text_of(bytes).starts_with(kLegacyMagic)) {
    throw_unsupported_file(path_,
                           "a PyTorch file must be a zip archive, found the format used before torch 1.6",
                           "load it in torch and save it again, best as safetensors");
  }
  throw_bad_file(path_, "a PyTorch file must be a zip archive, found something else");
}

// Every entry lies in one folder, named when the file was saved.
void BinReader::find_folder() {
  for (const auto& [name, data] : entries_) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos || name.substr(slash + 1) != kPickleName) continue;
    if (!folder_.empty()) throw_bad_file(path_, "the archive must hold one data.pkl, found two");
    folder_ = name.substr(0, slash + 1);
  }
  if (folder_.empty()) throw_bad_file(path_, "the archive must hold a data.pkl, found none");
}

void BinReader::check_byte_order() const {
  const auto order = entries_.find(folder_ + "byteorder");
  if (order != entries_.end() && text_of(order->second) != "little") {
    throw_unsupported_file(
        path_, fmt::format("the byte order must be little, found {}", shown_name(text_of(order->second))));
  }
}

std::span<const std::byte> BinReader::storage_of(const TorchTensor& tensor) const {
  const auto found = entries_.find(folder_ + "data/" + std::string(tensor.storage_key));
  if (found == entries_.end()) {
    throw_bad_file(path_, fmt::format("tensor {} must have its storage data/{} in the archive, found none",
                                      shown_name(tensor.name), shown_name(tensor.storage_key)));
  }
  if (found->second.size() != tensor.storage_bytes) {
    throw_bad_file(
        path_, fmt::format("the storage of tensor {} must have the {} bytes that the pickle says, found {}",
                           shown_name(tensor.name), tensor.storage_bytes, found->second.size()));
  }
  return found->second;
}

void BinReader::check_contiguous(const TorchTensor& tensor) const {
  uint64_t expected = 1;  // cannot overflow: the product of the shape was checked
  for (size_t i = tensor.shape.size(); i > 0; --i) {
    if (tensor.shape[i - 1] != 1 && tensor.strides[i - 1] != expected) {
      throw_unsupported_file(path_,
                             fmt::format("tensor {} must be contiguous, found shape [{}] with strides [{}]",
                                         shown_name(tensor.name), fmt::join(tensor.shape, ", "),
                                         fmt::join(tensor.strides, ", ")),
                             "save it again after .contiguous()");
    }
    expected *= tensor.shape[i - 1];
  }
}

TensorView BinReader::view_of(const TorchTensor& tensor) const {
  const auto storage = storage_of(tensor);
  const auto elements = checked_product(tensor.shape);
  const auto size = elements ? checked_mul(*elements, tensor.element->bytes) : std::nullopt;
  const auto begin = checked_mul(tensor.offset, tensor.element->bytes);
  const auto end = size && begin ? checked_add(*begin, *size) : std::nullopt;
  if (!end || *end > storage.size()) {
    throw_bad_file(
        path_,
        fmt::format("tensor {} must lie inside its storage of {} bytes, found [{}] at element {}",
                    shown_name(tensor.name), storage.size(), fmt::join(tensor.shape, ", "), tensor.offset));
  }
  if (*elements > 0) check_contiguous(tensor);
  TensorView view{tensor.name, std::string(tensor.element->name), tensor.element->dtype, tensor.shape, {}};
  if (view.dtype) view.data = storage.subspan(*begin, *size);
  return view;
}

std::vector<TensorView> BinReader::read_tensors() const {
  check_byte_order();
  const auto pickle = entries_.find(folder_ + std::string(kPickleName))->second;
  if (pickle.size() > kMaxPickleBytes) {
    throw_bad_file(
        path_, fmt::format("data.pkl must have at most {} bytes, found {}", kMaxPickleBytes, pickle.size()));
  }
  std::vector<TensorView> views;
  for (const TorchTensor& tensor : read_state_dict(text_of(pickle), path_)) views.push_back(view_of(tensor));
  return views;
}

}  // namespace

TorchBinFile::TorchBinFile(const std::filesystem::path& path)
    : file_(path), tensors_(BinReader(file_.bytes(), file_.path()).read_tensors()) {}

}  // namespace longscroll
