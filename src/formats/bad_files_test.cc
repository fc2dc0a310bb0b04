// Files that are damaged or lie about themselves, each named for its fault: one clear error, no crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "formats/test_archives.h"
#include "formats/torch_bin.h"

namespace longscroll {
namespace {

using namespace test;  // the builders are what this file is written in

struct BadFile {
  std::string fault;
  std::string bytes;
  std::string message;  // what the error must say
};

void PrintTo(const BadFile& file, std::ostream* out) {
  *out << file.fault;
}

std::string name_of(const testing::TestParamInfo<BadFile>& info) {
  return info.param.fault;
}

template <typename Open>
void expect_error(const Open& open, const std::string& message) {
  try {
    open();
    ADD_FAILURE() << "the file was accepted";
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::kFile || error.kind() == ErrorKind::kUnsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

// A good file with one thing changed.
template <typename Change>
std::string gguf(const Change& change) {
  GgufParts parts;
  change(parts);
  return parts.bytes();
}

std::string gguf_with_entry(const std::string& entry) {
  return gguf([&](GgufParts& parts) { parts.entries.push_back(entry); });
}

std::string gguf_with_tensor(const GgufTensor& tensor) {
  return gguf([&](GgufParts& parts) { parts.tensors[1] = tensor; });
}

std::string without_end(const std::string& bytes, size_t count) {
  return bytes.substr(0, bytes.size() - count);
}

// clang-format off
const BadFile kBadGguf[] = {
    {"Empty", "", "GGUF magic must lie inside the file"},
    {"CutInTheHeader", GgufParts{}.bytes().substr(0, 17), "metadata count must lie inside the file"},
    {"CutInTheMetadata", gguf([](auto& p) { p.tensors.clear(); }).substr(0, 60), "metadata 'general.architecture' must lie inside the file"},
    {"CutInTheTensorList", GgufParts{}.bytes().substr(0, 150), "tensor 'b' must lie inside the file"},
    {"CutInTheData", without_end(GgufParts{}.bytes(), 1), "tensor 'b' must end inside the file, found 34 bytes at offset 32 of 65"},
    {"CutBeforeTheData", without_end(gguf_with_entry(gguf_entry("k", 0, u8(1))), 67), "tensor data must begin inside the file"},
    {"WrongMagic", gguf([](auto& p) { p.magic = "GGML"; }), "must begin with 'GGUF', found 'GGML'"},
    {"BigEndian", gguf([](auto& p) { p.version = 0x03000000; }), "found a big-endian file"},
    {"Version0", gguf([](auto& p) { p.version = 0; }), "version must be 2 or 3, found 0"},
    {"Version1", gguf([](auto& p) { p.version = 1; }), "version must be 2 or 3, found 1"},
    {"Version4", gguf([](auto& p) { p.version = 4; }), "version must be 2 or 3, found 4"},
    {"MoreTensorsThanTheFileHolds", gguf([](auto& p) { p.tensor_count = 1000; }), "the number of tensors must fit the file, found 1000"},
    {"TensorCountNearTheLimitOfIntegers", gguf([](auto& p) { p.tensor_count = UINT64_MAX - 1; }), "the number of tensors must fit the file"},
    {"MoreMetadataThanTheFileHolds", gguf([](auto& p) { p.entry_count = 1ull << 40; }), "the number of metadata entries must fit the file"},
    {"OneTensorTooManyCounted", gguf([](auto& p) { p.tensor_count = 3; }), "name of a tensor must lie inside the file"},
    {"KeyLongerThanTheFile", gguf_with_entry(cat(u64(1ull << 62), "key", std::string(10, '\0'))), "key of metadata entry 2 must lie inside the file"},
    {"EmptyKey", gguf_with_entry(gguf_entry("", 4, u32(1))), "metadata entry 2 must have a key"},
    {"KeyTwice", gguf_with_entry(gguf_entry("n", 4, u32(1))), "metadata 'n' must appear once"},
    {"UnknownValueType", gguf_with_entry(gguf_entry("k", 13, u32(1))), "metadata 'k' must have a type from 0 to 12, found type 13"},
    {"BoolOf2", gguf_with_entry(gguf_entry("k", 7, u8(2))), "metadata 'k' must be the bool 0 or 1, found 2"},
    {"StringLongerThanTheFile", gguf_with_entry(gguf_entry("k", 8, u64(UINT64_MAX))), "metadata 'k' must lie inside the file"},
    {"ArrayOfArrays", gguf_with_entry(gguf_entry("k", 9, cat(u32(9), u64(1), u32(4), u64(0)))), "found an array of arrays"},
    {"ArrayOfUnknownType", gguf_with_entry(gguf_entry("k", 9, cat(u32(77), u64(1)))), "elements of type 0 to 12, found type 77"},
    {"ArrayLongerThanTheFile", gguf_with_entry(gguf_entry("k", 9, cat(u32(4), u64(1000)))), "the number of elements of metadata 'k' must fit the file, found 1000"},
    {"ArrayWhoseBytesOverflow", gguf_with_entry(gguf_entry("k", 9, cat(u32(10), u64((1ull << 61) + 1)))), "elements of metadata 'k' must fit the file"},
    {"StringArrayLongerThanTheFile", gguf_with_entry(gguf_entry("k", 9, cat(u32(8), u64(1ull << 58)))), "elements of metadata 'k' must fit the file"},
    {"BoolArrayLongerThanTheFile", gguf_with_entry(gguf_entry("k", 9, cat(u32(7), u64(1ull << 58)))), "elements of metadata 'k' must fit the file"},
    {"ArrayElementAbove63Bits", gguf_with_entry(gguf_entry("k", 9, cat(u32(10), u64(1), u64(1ull << 63)))), "must fit 63 bits"},
    {"AlignmentZero", gguf_with_entry(gguf_entry("general.alignment", 4, u32(0))), "general.alignment must be a power of two, found 0"},
    {"AlignmentNoPowerOfTwo", gguf_with_entry(gguf_entry("general.alignment", 4, u32(24))), "general.alignment must be a power of two, found 24"},
    {"AlignmentThatIsText", gguf_with_entry(gguf_entry("general.alignment", 8, gguf_string("32"))), "general.alignment must be a power of two, found another type"},
    {"AlignmentPastTheEnd", gguf_with_entry(gguf_entry("general.alignment", 10, u64(1ull << 63))), "tensor data must begin inside the file"},
    {"TensorWithoutName", gguf_with_tensor({"", {32}, 8, 32}), "every tensor must have a name"},
    {"TensorTwice", gguf_with_tensor({"a", {32}, 8, 32}), "tensor 'a' must appear once"},
    {"NoDimensions", gguf_with_tensor({"b", {}, 0, 32}), "tensor 'b' must have a dimension, found none"},
    {"FiveDimensions", gguf_with_tensor({"b", {1, 1, 1, 1, 1}, 0, 32}), "at most 4 dimensions, found 5"},
    {"DimensionOfSizeZero", gguf_with_tensor({"b", {4, 0}, 0, 32}), "no dimension of size 0, found [0, 4]"},
    {"ElementsOverflow", gguf_with_tensor({"b", {1ull << 32, 1ull << 32}, 0, 32}), "a size that fits 64 bits"},
    {"BytesOverflow", gguf_with_tensor({"b", {1ull << 62}, 0, 32}), "a size that fits 64 bits"},
    {"RemovedTensorType", gguf_with_tensor({"b", {32}, 4, 32}), "must have a known type, found type id 4"},
    {"UnknownTensorType", gguf_with_tensor({"b", {32}, 9999, 32}), "must have a known type, found type id 9999"},
    {"RowOfHalfABlock", gguf_with_tensor({"b", {16, 2}, 8, 32}), "rows of whole Q8_0 blocks of 32, found rows of 16"},
    {"OffsetNotAligned", gguf_with_tensor({"b", {1}, 0, 36}), "must begin at a multiple of 32, found offset 36"},
    {"OffsetPastTheEnd", gguf_with_tensor({"b", {1}, 0, 96}), "must end inside the file, found 4 bytes at offset 96 of 66"},
    {"OffsetThatOverflows", gguf_with_tensor({"b", {32}, 8, UINT64_MAX - 31}), "must end inside the file"},
    {"UnknownSizePastTheEnd", gguf_with_tensor({"b", {256}, 17, 96}), "must end inside the file"},
    {"LargerThanTheFile", gguf_with_tensor({"b", {1ull << 40}, 0, 32}), "must end inside the file"},
    {"OverlappingTensors", gguf_with_tensor({"b", {1}, 0, 0}), "tensors must not overlap, found 'b' and 'a'"},
    {"ControlCharactersInAName", gguf_with_tensor({"\x1b[31m\n\xff", {}, 0, 32}), "tensor '?[31m?\xef\xbf\xbd' must have a dimension"},
};

std::string one_tensor(std::string_view entry, size_t data = 8) {
  return safetensors_bytes(cat(R"({"t":)", entry, "}"), std::string(data, '\0'));
}

const BadFile kBadSafetensors[] = {
    {"Empty", "", "header length must lie inside the file"},
    {"CutInTheLength", std::string(7, '\0'), "header length must lie inside the file"},
    {"CutInTheHeader", without_end(safetensors_bytes("{}      ", ""), 3), "header must lie inside the file, found 8 bytes at 8 with 5 left"},
    {"CutInTheData", one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 7), "tensor 't' must end inside the file, found its end at 8 of 7"},
    {"HeaderAbove100Megabytes", cat(u64(100'000'001), "{}"), "at most 100000000 bytes"},
    {"HeaderLengthNearTheLimitOfIntegers", cat(u64(UINT64_MAX), "{}"), "at most 100000000 bytes"},
    {"EmptyHeader", safetensors_bytes("", ""), "the header must be JSON"},
    {"HeaderCutShort", safetensors_bytes(R"({"t":)", ""), "the header must be JSON"},
    {"HeaderThatIsNoObject", safetensors_bytes("[1]", ""), "must be a JSON object"},
    {"HeaderOfInvalidUtf8", safetensors_bytes("{\"\xff\":1}", ""), "the header must be JSON"},
    {"NumberOutOfRange", one_tensor(R"({"dtype":"F32","shape":[1e999],"data_offsets":[0,8]})"), "the header must be JSON"},
    {"NestingWithoutEnd", safetensors_bytes(std::string(100'000, '['), ""), "nest at most 3 levels"},
    {"TensorTwice", safetensors_bytes(R"({"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", ""), "the header must name 't' once"},
    {"KeyTwiceInATensor", one_tensor(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})"), "the header must name 'shape' once"},
    {"MetadataThatIsNoObject", safetensors_bytes(R"({"__metadata__":"x"})", ""), "__metadata__ must be an object"},
    {"MetadataThatIsNoText", safetensors_bytes(R"({"__metadata__":{"k":1}})", ""), "__metadata__ must hold strings, found something else at 'k'"},
    {"TensorThatIsNoObject", one_tensor("[]"), "tensor 't' must be an object"},
    {"NoDtype", one_tensor(R"({"shape":[2],"data_offsets":[0,8]})"), "must have a 'dtype' string"},
    {"UnknownDtype", one_tensor(R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})"), "must have a known dtype, found 'F33'"},
    {"NoShape", one_tensor(R"({"dtype":"F32","data_offsets":[0,8]})"), "must have 'shape', found none"},
    {"NoOffsets", one_tensor(R"({"dtype":"F32","shape":[2]})"), "must have 'data_offsets', found none"},
    {"NegativeDimension", one_tensor(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), "'shape' made of whole numbers"},
    {"FractionalDimension", one_tensor(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), "'shape' made of whole numbers"},
    {"NineDimensions", one_tensor(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"), "at most 8 dimensions, found 9"},
    {"ElementsOverflow", one_tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"), "a size that fits 64 bits"},
    {"ThreeOffsets", one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})"), "two data_offsets, found 3"},
    {"EndsBeforeItBegins", one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), "must begin before it ends"},
    {"SizeUnlikeItsShape", one_tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), "must have the 96 bits of F32 [3], found 8 bytes"},
    {"SizeUnlikeItsShapeInATypeThatIsOnlyNamed", one_tensor(R"({"dtype":"I64","shape":[2],"data_offsets":[0,8]})"), "must have the 128 bits of I64 [2]"},
    {"HalfAByte", one_tensor(R"({"dtype":"F4","shape":[15],"data_offsets":[0,8]})"), "must have the 60 bits of F4"},
    {"OverlappingTensors", safetensors_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", std::string(8, '\0')), "tensors must not overlap, found 'b'"},
    {"HoleBeforeATensor", one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), "found a hole from 0 to 4 before 't'"},
    {"BytesAfterTheLastTensor", one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), "found 4 bytes after the last"},
};

std::string bin(std::string pickle) { return torch_archive(std::move(pickle)).bytes(); }

std::string bin_with_tensor(const std::string& tensor) { return bin(pickle_dict(cat(pickle_text("w"), tensor))); }

std::string storage() { return pickle_storage("FloatStorage", "0", 4); }

std::string good_pickle() { return pickle_dict(cat(pickle_text("w"), pickle_tensor(storage(), 0, {4}, {1}))); }

template <typename Change>
std::string zip(const Change& change) {
  ZipParts parts = torch_archive(good_pickle());
  change(parts);
  return parts.bytes();
}

std::string zip64_locator(uint64_t record) { return cat(u32(0x07064b50), u32(0), u64(record), u32(1)); }

const BadFile kBadTorchBin[] = {
    {"Empty", "", "must be a zip archive"},
    {"Text", "not a checkpoint", "must be a zip archive, found something else"},
    {"CutBeforeTheDirectory", good_pickle().insert(0, bin(good_pickle()).substr(0, 60)), "must end with its directory, found none"},
    {"CutInTheEndRecord", without_end(bin(good_pickle()), 1), "must end with its directory"},
    {"BytesAfterTheEndRecord", bin(good_pickle()) + "x", "must end with its directory"},
    {"DirectoryPastTheEnd", zip([](auto& z) { z.directory_offset = 1u << 30; }), "directory must lie before its end record"},
    {"DirectoryElsewhere", zip([](auto& z) { z.directory_offset = 0; }), "must begin with its signature"},
    {"MoreEntriesThanTheDirectoryHolds", zip([](auto& z) { z.entries = 1000; }), "number of zip entries must fit the directory, found 1000"},
    {"OneEntryTooManyCounted", zip([](auto& z) { z.files.push_back({std::string(60, 'n'), ""}); z.entries = 4; }), "zip directory entry must lie inside the file"},
    {"Zip64RecordMissing", zip([](auto& z) { z.zip64_records = zip64_locator(0); }), "must point at the zip64 end record"},
    {"Zip64RecordPastTheEnd", zip([](auto& z) { z.zip64_records = zip64_locator(UINT64_MAX - 2); }), "zip64 end record must lie inside the file"},
    {"EndRecordsThatDisagree", zip([](auto& z) { z.files.push_back({"archive/end64", cat(u32(0x06064b50), std::string(52, '\0'))}); z.zip64_records = zip64_locator(static_cast<uint64_t>(z.bytes().find("PK\x06\x06"))); }), "end records must agree"},
    {"EncryptedEntry", zip([](auto& z) { z.files[1].flags = 1; }), "must not be encrypted"},
    {"CompressedEntry", zip([](auto& z) { z.files[1].method = 8; }), "must be stored, found it compressed (method 8)"},
    {"EntryThatLeavesTheArchive", zip([](auto& z) { z.files[1].name = "archive/../../data/0"; }), "plain relative names, found 'archive/../../data/0'"},
    {"EntryWithAnAbsoluteName", zip([](auto& z) { z.files[1].name = "/data/0"; }), "plain relative names"},
    {"EntryWithAZeroInItsName", zip([](auto& z) { z.files[1].name = std::string("a\0b", 3); }), "plain relative names"},
    {"EntryTwice", zip([](auto& z) { z.files.push_back(z.files[1]); }), "zip entry 'archive/data/0' must appear once"},
    {"EntriesThatOverlap", zip([](auto& z) { z.files[0].extra_size = 20; }), "zip entries must not overlap"},
    {"EntryThatRunsIntoTheDirectory", zip([](auto& z) { z.files[1].extra_size = 20; }), "data of zip entry 'archive/data/0' must lie inside the file"},
    {"EntryPastTheEnd", zip([](auto& z) { z.files[1].header_offset = 1u << 30; }), "local header of zip entry 'archive/data/0' must lie inside the file"},
    {"EntryAtTheWrongPlace", zip([](auto& z) { z.files[1].header_offset = 3; }), "must begin with its signature"},
    {"LocalNameUnlikeTheDirectorys", zip([](auto& z) { z.files[1].local_name = "archive/data/1"; }), "must have the directory's name"},
    {"Zip64SizeMissing", zip([](auto& z) { z.files[1].extra_size = UINT32_MAX - 16; }), "must lie inside the file"},
    {"NoPickle", zip([](auto& z) { z.files[0].name = "archive/other.pkl"; }), "must hold a data.pkl, found none"},
    {"TwoPickles", zip([](auto& z) { z.files.push_back({"b/data.pkl", good_pickle()}); }), "one data.pkl, found two"},
    {"BigEndian", zip([](auto& z) { z.files.push_back({"archive/byteorder", "big"}); }), "byte order must be little, found 'big'"},
    {"StorageMissing", zip([](auto& z) { z.files.pop_back(); }), "tensor 'w' must have its storage data/'0' in the archive"},
    {"StorageShorterThanThePickleSays", zip([](auto& z) { z.files[1].data.resize(15); }), "must have the 16 bytes that the pickle says, found 15"},
    {"EmptyPickle", bin(""), "pickle must lie inside the file"},
    {"PickleCutShort", bin(without_end(good_pickle(), 3)), "pickle must lie inside the file"},
    {"PickleOfProtocol6", bin("\x80\x06}."), "must be of protocol 2 to 5, found 6"},
    {"PickleWithAForeignOpcode", bin("\x80\x02(i__builtin__\neval\n."), "found opcode 0x69"},
    {"PickleThatCallsSystem", bin(cat("\x80\x02", pickle_global("os", "system"), "(", pickle_text("echo pwned"), "tR.")), "found 'os.system'"},
    {"PickleThatCallsSystemByStackGlobal", bin(cat("\x80\x04", pickle_text("os"), pickle_text("system"), "\x93.")), "found 'os.system'"},
    {"PickleThatNamesATorchFunction", bin(cat("\x80\x02", pickle_global("torch", "load"), ".")), "found 'torch.load'"},
    {"GlobalWithoutNewline", bin("\x80\x02" "cos"), "end the names of a global with a newline"},
    {"GlobalNamedByNumbers", bin("\x80\x04K\x01K\x01\x93."), "name globals by strings"},
    {"CallOfAStorageClass", bin(cat("\x80\x02", pickle_global("torch", "FloatStorage"), ")R.")), "call only the functions that rebuild tensors"},
    {"CallOfText", bin(cat("\x80\x02", pickle_text("x"), ")R.")), "call functions with tuples"},
    {"StateForATensor", bin_with_tensor(cat(pickle_tensor(storage(), 0, {4}, {1}), "}b")), "put items into a dict, found another object"},
    {"MemoNeverStored", bin("\x80\x02h\x05."), "recall only what it stored, found memo 5"},
    {"EmptyStack", bin("\x80\x02s."), "have an operand for each opcode"},
    {"PopsBelowTheMark", bin("\x80\x02}(s."), "have an operand for each opcode"},
    {"NoMark", bin("\x80\x02}u."), "set a mark before it is used"},
    {"KeyWithoutValue", bin(pickle_dict("K\x01")), "give keys and values in pairs"},
    {"ItemsForANumber", bin("\x80\x02K\x01(K\x01K\x02u."), "put items into a dict"},
    {"TwoObjectsAtTheEnd", bin("\x80\x02}}."), "end with one object"},
    {"HugeInteger", bin(cat("\x80\x02\x8a\x09", std::string(9, '\x01'), ".")), "integers of at most 64 bits"},
    {"StringLongerThanThePickle", bin(cat("\x80\x02X", u32(UINT32_MAX), "x.")), "pickled string must lie inside the file"},
    {"FrameLongerThanThePickle", bin(cat("\x80\x04\x95", u64(UINT64_MAX), "}.")), "hold its frames whole"},
    {"NumberInsteadOfADict", bin("\x80\x02K\x01."), "must hold a state dict"},
    {"NoTensors", bin("\x80\x02}."), "must hold tensors, found none"},
    {"TensorTwice", bin(pickle_dict(cat(pickle_text("w"), pickle_tensor(storage(), 0, {4}, {1}), pickle_text("w"), pickle_tensor(storage(), 0, {4}, {1})))), "tensor 'w' must appear once"},
    {"TensorNamedByANumber", bin(pickle_dict(cat(pickle_int(1), pickle_tensor(storage(), 0, {4}, {1})))), "name tensors by strings"},
    {"ContainsItself", bin("\x80\x02}q" + std::string("\0", 1) + "(" + pickle_text("model") + "h" + std::string("\0", 1) + "u."), "must hold tensors, found none"},
    {"StorageOfFourParts", bin_with_tensor(pickle_tensor(cat("(", pickle_text("storage"), pickle_global("torch", "FloatStorage"), pickle_text("0"), pickle_int(4), "tQ"), 0, {4}, {1})), "tuples of five"},
    {"StorageOfNegativeSize", bin_with_tensor(pickle_tensor(pickle_storage("FloatStorage", "0", -4), 0, {4}, {1})), "sizes as whole numbers from 0 up"},
    {"StorageOutsideTheArchive", bin_with_tensor(pickle_tensor(pickle_storage("FloatStorage", "../../etc/passwd", 4), 0, {4}, {1})), "must have its storage data/'../../etc/passwd' in the archive"},
    {"UntypedStorageWithoutDtype", bin_with_tensor(pickle_tensor(pickle_storage("UntypedStorage", "0", 16), 0, {4}, {1})), "give each tensor one element type"},
    {"TensorOfText", bin_with_tensor(pickle_tensor(pickle_text("x"), 0, {4}, {1})), "rebuild tensors from storages"},
    {"ShapeUnlikeItsStrides", bin_with_tensor(pickle_tensor(storage(), 0, {4}, {1, 1})), "as many strides as dimensions"},
    {"NegativeDimension", bin_with_tensor(pickle_tensor(storage(), 0, {-4}, {1})), "sizes as whole numbers from 0 up"},
    {"NineDimensions", bin_with_tensor(pickle_tensor(storage(), 0, std::vector<int32_t>(9, 1), std::vector<int32_t>(9, 1))), "at most 8 dimensions"},
    {"OffsetPastTheStorage", bin_with_tensor(pickle_tensor(storage(), 1, {4}, {1})), "tensor 'w' must lie inside its storage of 16 bytes, found [4] at element 1"},
    {"LargerThanItsStorage", bin_with_tensor(pickle_tensor(storage(), 0, {5}, {1})), "must lie inside its storage"},
    {"ElementsOverflow", bin_with_tensor(pickle_tensor(storage(), 0, {INT32_MAX, INT32_MAX, INT32_MAX}, {1, 1, 1})), "must lie inside its storage"},
    {"TransposedView", bin_with_tensor(pickle_tensor(storage(), 0, {2, 2}, {1, 2})), "tensor 'w' must be contiguous"},
    {"ExpandedView", bin_with_tensor(pickle_tensor(storage(), 0, {2, 2}, {0, 1})), "tensor 'w' must be contiguous"},
    {"ParameterOfText", bin_with_tensor(cat(pickle_global("torch._utils", "_rebuild_parameter"), "(", pickle_text("x"), "\x88}tR")), "make parameters of tensors"},
};

// The directory of an index case holds s1 (tensor a), s2 (tensor b) and s3 (tensor a again).
const BadFile kBadIndex[] = {
    {"Empty", "", "the index must be JSON"},
    {"NoJson", "weights", "the index must be JSON"},
    {"NoWeightMap", R"({"metadata":{}})", "must have a 'weight_map'"},
    {"ListForAnIndex", "[]", "must have a 'weight_map'"},
    {"EmptyWeightMap", R"({"weight_map":{}})", "must have a 'weight_map'"},
    {"WeightMapThatIsAList", R"({"weight_map":["a"]})", "must have a 'weight_map'"},
    {"ShardThatIsANumber", R"({"weight_map":{"a":1}})", "must give a file for tensor 'a'"},
    {"ShardAboveTheDirectory", R"({"weight_map":{"a":"../s1"}})", "plain file names, found '../s1'"},
    {"ShardWithAnAbsoluteName", R"({"weight_map":{"a":"/etc/passwd"}})", "plain file names"},
    {"ShardThatIsTheParent", R"({"weight_map":{"a":".."}})", "plain file names"},
    {"ShardWithoutName", R"({"weight_map":{"a":""}})", "plain file names"},
    {"ShardMissing", R"({"weight_map":{"a":"s9"}})", "s9] the shard must be there"},
    {"TensorTwiceInTheIndex", R"({"weight_map":{"a":"s1","a":"s3"}})", "the index must name 'a' once"},
    {"TensorInTwoShards", R"({"weight_map":{"a":"s1","b":"s3"}})", "tensor 'a' must be in the file that the index says, 's1', found it in 's3'"},
    {"TensorThatTheIndexLeavesOut", R"({"weight_map":{"x":"s1"}})", "tensor 'a' must be in the file that the index says, none"},
    {"TensorThatNoShardHas", R"({"weight_map":{"a":"s1","x":"s1"}})", "tensor 'x' must be in 's1' as the index says, found none"},
};
// clang-format on

class BadGguf : public testing::TestWithParam<BadFile> {};
class BadSafetensors : public testing::TestWithParam<BadFile> {};
class BadTorchBin : public testing::TestWithParam<BadFile> {};
class BadIndex : public testing::TestWithParam<BadFile> {};

TEST_P(BadGguf, IsOneClearError) {
  const TempFolder folder;
  const auto path = folder.write("bad", GetParam().bytes);
  expect_error([&] { const GgufFile file(path); }, GetParam().message);
}

TEST_P(BadSafetensors, IsOneClearError) {
  const TempFolder folder;
  const auto path = folder.write("bad", GetParam().bytes);
  expect_error([&] { const SafetensorsFile file(path); }, GetParam().message);
}

TEST_P(BadTorchBin, IsOneClearError) {
  const TempFolder folder;
  const auto path = folder.write("bad", GetParam().bytes);
  expect_error([&] { const TorchBinFile file(path); }, GetParam().message);
}

TEST_P(BadIndex, IsOneClearError) {
  const TempFolder folder;
  for (const auto& [shard, tensor] : {std::pair("s1", "a"), std::pair("s2", "b"), std::pair("s3", "a")}) {
    write_safetensors(folder.path() / shard, {}, {tensor_of(tensor, DType::kF32, {1}, f32(1))});
  }
  folder.write("model.safetensors.index.json", GetParam().bytes);
  expect_error([&] { const Checkpoint checkpoint(folder.path()); }, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(Files, BadGguf, testing::ValuesIn(kBadGguf), name_of);
INSTANTIATE_TEST_SUITE_P(Files, BadSafetensors, testing::ValuesIn(kBadSafetensors), name_of);
INSTANTIATE_TEST_SUITE_P(Files, BadTorchBin, testing::ValuesIn(kBadTorchBin), name_of);
INSTANTIATE_TEST_SUITE_P(Files, BadIndex, testing::ValuesIn(kBadIndex), name_of);

TEST(BadDirectory, WithoutWeightsIsOneClearError) {
  const TempFolder folder;
  expect_error([&] { const Checkpoint checkpoint(folder.path()); },
               "must hold model.safetensors or pytorch_model.bin");
}

TEST(BadFilesOfEveryKind, AreGoodBeforeTheyAreChanged) {
  const TempFolder folder;
  EXPECT_NO_THROW(GgufFile(folder.write("g", GgufParts{}.bytes())));
  EXPECT_NO_THROW(
      SafetensorsFile(folder.write("s", one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"))));
  EXPECT_NO_THROW(TorchBinFile(folder.write("b", bin(good_pickle()))));
}

// Every prefix and many single-byte changes: an Error or a good file, never anything else.
template <typename Open>
void expect_no_crash_on_damage(const std::string& good, const Open& open) {
  const TempFolder folder;
  const auto attempt = [&](const std::string& bytes) {
    try {
      open(folder.write("damaged", bytes));
    } catch (const Error&) {
    }
  };
  for (size_t size = 0; size < good.size(); ++size) attempt(good.substr(0, size));
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int change : {0x01, 0xff}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      attempt(bytes);
    }
  }
}

TEST(DamagedAnywhere, GgufIsAnErrorAtMost) {
  expect_no_crash_on_damage(GgufParts{}.bytes(), [](const auto& path) { const GgufFile file(path); });
}

TEST(DamagedAnywhere, SafetensorsIsAnErrorAtMost) {
  expect_no_crash_on_damage(one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
                            [](const auto& path) { const SafetensorsFile file(path); });
}

TEST(DamagedAnywhere, TorchBinIsAnErrorAtMost) {
  expect_no_crash_on_damage(bin(good_pickle()), [](const auto& path) { const TorchBinFile file(path); });
}

}  // namespace
}  // namespace longscroll
