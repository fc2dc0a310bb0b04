#include "formats/torch_objects.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/checked_math.h"
#include "formats/file_faults.h"
#include "formats/unpickler.h"

namespace longscroll {
namespace {

using pickle::Dict;
using pickle::Heap;
using pickle::HostObject;
using pickle::Ref;
using pickle::Tuple;
using pickle::Value;

constexpr size_t kMostDims = 8;
constexpr std::string_view kUntyped = "UntypedStorage";

// Classes of torch; module "torch".
constexpr TorchElement kStorageClasses[] = {
    {"FloatStorage", 4, DType::kF32},
    {"HalfStorage", 2, DType::kF16},
    {"BFloat16Storage", 2, DType::kBF16},
    {"DoubleStorage", 8, std::nullopt},
    {"LongStorage", 8, std::nullopt},
    {"IntStorage", 4, std::nullopt},
    {"ShortStorage", 2, std::nullopt},
    {"CharStorage", 1, std::nullopt},
    {"ByteStorage", 1, std::nullopt},
    {"BoolStorage", 1, std::nullopt},
    {"ComplexFloatStorage", 8, std::nullopt},
    {"ComplexDoubleStorage", 16, std::nullopt},
    {kUntyped, 1, std::nullopt},  // the tensor brings the type
};

// torch.dtype objects, given beside an untyped storage.
constexpr TorchElement kDtypes[] = {
    {"float32", 4, DType::kF32},    {"float16", 2, DType::kF16},        {"bfloat16", 2, DType::kBF16},
    {"float64", 8, std::nullopt},   {"int64", 8, std::nullopt},         {"int32", 4, std::nullopt},
    {"int16", 2, std::nullopt},     {"int8", 1, std::nullopt},          {"uint8", 1, std::nullopt},
    {"uint16", 2, std::nullopt},    {"uint32", 4, std::nullopt},        {"uint64", 8, std::nullopt},
    {"bool", 1, std::nullopt},      {"float8_e4m3fn", 1, std::nullopt}, {"float8_e5m2", 1, std::nullopt},
    {"complex64", 8, std::nullopt}, {"complex128", 16, std::nullopt},
};

enum Kind : uint32_t {
  kOrderedDict,
  kRebuildTensorV2,
  kRebuildTensorV3,
  kRebuildParameter,
  kStorageClass,  // index into kStorageClasses
  kDtype,         // index into kDtypes
  kStorage,       // index into storages_
  kTensor,        // index into tensors_
};

struct Function {
  std::string_view module;
  std::string_view name;
  Kind kind;
};

constexpr Function kFunctions[] = {
    {"collections", "OrderedDict", kOrderedDict},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", kRebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter},
};

struct Storage {
  const TorchElement* element;
  std::string_view key;
  uint64_t count;
};

template <size_t N>
std::optional<uint32_t> position_of(const TorchElement (&table)[N], std::string_view name) {
  const auto* found = std::ranges::find(table, name, &TorchElement::name);
  if (found == std::end(table)) return std::nullopt;
  return static_cast<uint32_t>(found - std::begin(table));
}

bool is_kind(const Value& value, Kind kind) {
  const auto* object = std::get_if<HostObject>(&value);
  return object != nullptr && object->kind == kind;
}

class TorchHost : public pickle::Host {
 public:
  explicit TorchHost(const std::filesystem::path& path) : path_(path) {}

  Value global(std::string_view module, std::string_view name) override;
  Value call(const Value& callee, const Value& arguments, const Heap& heap) override;
  Value persistent(const Value& id, const Heap& heap) override;

  // Null when the value is no tensor.
  const TorchTensor* tensor_of(const Value& value) const {
    return is_kind(value, kTensor) ? &tensors_[std::get<HostObject>(value).index] : nullptr;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw_bad_file(path_, fmt::format("the pickle must {}, found something else", what));
  }
  uint64_t size_of(const Value& value) const;
  std::vector<uint64_t> sizes_of(const Value& value, const Heap& heap) const;
  Value rebuild_tensor(const std::vector<Ref>& arguments, const Heap& heap, bool brings_dtype);

  const std::filesystem::path& path_;
  std::vector<Storage> storages_;
  std::vector<TorchTensor> tensors_;
};

Value TorchHost::global(std::string_view module, std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.module == module && function.name == name) return HostObject{function.kind, 0};
  }
  if (module == "torch" || (module == "torch.storage" && name == kUntyped)) {
    if (const auto index = position_of(kStorageClasses, name)) return HostObject{kStorageClass, *index};
  }
  if (module == "torch") {
    if (const auto index = position_of(kDtypes, name)) return HostObject{kDtype, *index};
  }
  throw_bad_file(path_,
                 fmt::format("the pickle must use only what a state dict needs, found {}",
                             shown_name(std::string(module) + "." + std::string(name))),
                 "nothing of it was run; ask the publisher for a safetensors file");
}

uint64_t TorchHost::size_of(const Value& value) const {
  const auto* number = std::get_if<int64_t>(&value);
  if (number == nullptr || *number < 0) fail("give sizes as whole numbers from 0 up");
  return static_cast<uint64_t>(*number);
}

std::vector<uint64_t> TorchHost::sizes_of(const Value& value, const Heap& heap) const {
  const auto* tuple = std::get_if<Tuple>(&value);
  if (tuple == nullptr) fail("give shapes and strides as tuples");
  // A pickle can name one tuple again and again: without a bound, each tensor could copy a huge one.
  if (tuple->items.size() > kMostDims) fail(fmt::format("hold tensors of at most {} dimensions", kMostDims));
  std::vector<uint64_t> sizes;
  for (Ref item : tuple->items) sizes.push_back(size_of(heap[item]));
  return sizes;
}

// ("storage", class, key, device, element count)
Value TorchHost::persistent(const Value& id, const Heap& heap) {
  const auto* tuple = std::get_if<Tuple>(&id);
  if (tuple == nullptr || tuple->items.size() != 5) fail("refer to storages by tuples of five");
  const auto item = [&](size_t i) -> const Value& { return heap[tuple->items[i]]; };
  const auto* tag = std::get_if<std::string_view>(&item(0));
  const auto* key = std::get_if<std::string_view>(&item(2));
  if (tag == nullptr || *tag != "storage" || key == nullptr || !is_kind(item(1), kStorageClass)) {
    fail("refer to storages by class and key");
  }
  storages_.push_back({&kStorageClasses[std::get<HostObject>(item(1)).index], *key, size_of(item(4))});
  return HostObject{kStorage, static_cast<uint32_t>(storages_.size() - 1)};
}

// v2: storage, offset, shape, strides, requires_grad, hooks[, lazy bits]
// v3: the same with a dtype before the lazy bits; its storage is untyped
Value TorchHost::rebuild_tensor(const std::vector<Ref>& arguments, const Heap& heap, bool brings_dtype) {
  const size_t fixed = brings_dtype ? 7 : 6;
  if (arguments.size() < fixed || arguments.size() > fixed + 1) {
    fail(fmt::format("rebuild tensors from {} or {} arguments", fixed, fixed + 1));
  }
  if (!is_kind(heap[arguments[0]], kStorage)) fail("rebuild tensors from storages");
  const Storage& storage = storages_[std::get<HostObject>(heap[arguments[0]]).index];
  TorchTensor tensor;
  tensor.element = storage.element;
  if (brings_dtype) {
    const Value& dtype = heap[arguments[6]];
    if (!is_kind(dtype, kDtype)) fail("give the dtype of a tensor over an untyped storage");
    tensor.element = &kDtypes[std::get<HostObject>(dtype).index];
  }
  if (brings_dtype != (storage.element->name == kUntyped)) fail("give each tensor one element type");
  if (arguments.size() > fixed) {
    const auto* bits = std::get_if<Dict>(&heap[arguments[fixed]]);
    if (bits == nullptr || !bits->items.empty()) fail("hold tensors without lazy conjugation or negation");
  }
  const auto bytes = checked_mul(storage.count, storage.element->bytes);
  if (!bytes) fail("hold storages whose size fits 64 bits");
  tensor.storage_key = storage.key;
  tensor.storage_bytes = *bytes;
  tensor.offset = size_of(heap[arguments[1]]);
  tensor.shape = sizes_of(heap[arguments[2]], heap);
  tensor.strides = sizes_of(heap[arguments[3]], heap);
  if (tensor.shape.size() != tensor.strides.size()) fail("give as many strides as dimensions");
  tensors_.push_back(std::move(tensor));
  return HostObject{kTensor, static_cast<uint32_t>(tensors_.size() - 1)};
}

Value TorchHost::call(const Value& callee, const Value& arguments, const Heap& heap) {
  const auto* function = std::get_if<HostObject>(&callee);
  const auto* tuple = std::get_if<Tuple>(&arguments);
  if (function == nullptr || tuple == nullptr) fail("call functions with tuples");
  switch (function->kind) {
    case kOrderedDict:
      if (!tuple->items.empty()) fail("make its ordered dicts empty");
      return Dict{};
    case kRebuildTensorV2:
      return rebuild_tensor(tuple->items, heap, false);
    case kRebuildTensorV3:
      return rebuild_tensor(tuple->items, heap, true);
    case kRebuildParameter:
      if (tuple->items.size() != 3 || !is_kind(heap[tuple->items[0]], kTensor))
        fail("make parameters of tensors");
      return heap[tuple->items[0]];
    default:
      fail("call only the functions that rebuild tensors");
  }
}

// The dict that holds the tensors: the root, or one level down.
const Dict& state_dict_in(const pickle::Result& result, const std::filesystem::path& path) {
  const auto* root = std::get_if<Dict>(&result.heap[result.root]);
  if (root == nullptr) throw_bad_file(path, "the pickle must hold a state dict, found another object");
  for (const auto& [key, value] : root->items) {
    const auto* name = std::get_if<std::string_view>(&result.heap[key]);
    const auto* inner = std::get_if<Dict>(&result.heap[value]);
    if (name != nullptr && inner != nullptr && (*name == "state_dict" || *name == "model")) return *inner;
  }
  return *root;
}

}  // namespace

std::vector<TorchTensor> read_state_dict(std::string_view pickle, const std::filesystem::path& path) {
  TorchHost host(path);
  const pickle::Result result = pickle::unpickle(pickle, path, host);
  std::vector<TorchTensor> tensors;
  std::set<std::string_view> names;
  for (const auto& [key, value] : state_dict_in(result, path).items) {
    const TorchTensor* tensor = host.tensor_of(result.heap[value]);
    if (tensor == nullptr) continue;
    const auto* name = std::get_if<std::string_view>(&result.heap[key]);
    if (name == nullptr)
      throw_bad_file(path, "the state dict must name tensors by strings, found another key");
    if (!names.insert(*name).second) {
      throw_bad_file(path, fmt::format("tensor {} must appear once, found it twice", shown_name(*name)));
    }
    tensors.push_back(*tensor);
    tensors.back().name = *name;
  }
  if (tensors.empty()) throw_bad_file(path, "the state dict must hold tensors, found none");
  return tensors;
}

}  // namespace longscroll
