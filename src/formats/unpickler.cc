#include "formats/unpickler.h"

#include <unordered_map>

#include <fmt/format.h>

#include "formats/byte_cursor.h"
#include "formats/file_faults.h"

namespace longscroll::pickle {
namespace {

constexpr uint8_t kNewestProtocol = 5;

// What torch.save emits in protocols 2 to 5. Everything else is refused.
enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kEmptyTuple = ')',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

class Machine {
 public:
  Machine(std::string_view bytes, const std::filesystem::path& path, Host& host)
      : cursor_(std::as_bytes(std::span(bytes)), path), path_(path), host_(host) {}

  Result run();

 private:
  // Each runs the opcode if it is of its group, and says whether it was.
  bool run_scalar(uint8_t opcode);
  bool run_container(uint8_t opcode);
  bool run_memo(uint8_t opcode);
  bool run_host(uint8_t opcode);
  void run_framing(uint8_t opcode);

  [[noreturn]] void fail(std::string_view must, std::string_view found) const;
  template <typename T>
  T read() {
    return cursor_.read<T>("pickle");
  }
  std::string_view read_line();
  int64_t read_long1();
  double read_big_endian_double();

  void push(Value value);
  Ref pop();
  std::vector<Ref> pop_to_mark();
  Value pop_tuple(size_t count);
  template <typename T>
  T& top_as(std::string_view what);
  void set_items(const std::vector<Ref>& flat);
  void append_items(const std::vector<Ref>& items);
  void remember(uint32_t key);
  void recall(uint32_t key);
  void check_build_state();

  ByteCursor cursor_;
  const std::filesystem::path& path_;
  Host& host_;
  Heap heap_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;  // heights of the stack; nothing below the last one may be popped
  std::unordered_map<uint32_t, Ref> memo_;
};

void Machine::fail(std::string_view must, std::string_view found) const {
  throw_bad_file(path_,
                 fmt::format("the pickle must {}, found {} before byte {}", must, found, cursor_.position()));
}

void Machine::push(Value value) {
  heap_.push_back(std::move(value));
  stack_.push_back(static_cast<Ref>(heap_.size() - 1));
}

Ref Machine::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("have an operand for each opcode", "none");
  const Ref ref = stack_.back();
  stack_.pop_back();
  return ref;
}

std::vector<Ref> Machine::pop_to_mark() {
  if (marks_.empty()) fail("set a mark before it is used", "none");
  const auto begin = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
  std::vector<Ref> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

Value Machine::pop_tuple(size_t count) {
  Tuple tuple;
  tuple.items.resize(count);
  for (size_t i = count; i > 0; --i) tuple.items[i - 1] = pop();
  return tuple;
}

template <typename T>
T& Machine::top_as(std::string_view what) {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("have an operand for each opcode", "none");
  T* value = std::get_if<T>(&heap_[stack_.back()]);
  if (value == nullptr) fail(fmt::format("put items into a {}", what), "another object");
  return *value;
}

void Machine::set_items(const std::vector<Ref>& flat) {
  if (flat.size() % 2 != 0) fail("give keys and values in pairs", "a key alone");
  Dict& dict = top_as<Dict>("dict");
  for (size_t i = 0; i < flat.size(); i += 2) dict.items.emplace_back(flat[i], flat[i + 1]);
}

void Machine::append_items(const std::vector<Ref>& items) {
  List& list = top_as<List>("list");
  list.items.insert(list.items.end(), items.begin(), items.end());
}

void Machine::remember(uint32_t key) {
  const Ref ref = pop();
  stack_.push_back(ref);
  memo_[key] = ref;
}

void Machine::recall(uint32_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) fail("recall only what it stored", fmt::format("memo {}", key));
  stack_.push_back(found->second);
}

std::string_view Machine::read_line() {
  std::string_view line = cursor_.peek_text();
  const size_t end = line.find('\n');
  if (end == std::string_view::npos) fail("end the names of a global with a newline", "none");
  cursor_.take(end + 1, "pickle");
  return line.substr(0, end);
}

int64_t Machine::read_long1() {
  const auto length = read<uint8_t>();
  if (length > sizeof(int64_t)) fail("hold integers of at most 64 bits", fmt::format("{} bytes", length));
  if (length == 0) return 0;
  const auto bytes = cursor_.take(length, "pickle");
  uint64_t value = 0;
  for (size_t i = 0; i < length; ++i) value |= uint64_t{std::to_integer<uint8_t>(bytes[i])} << (8 * i);
  const unsigned unused = 64 - 8 * unsigned{length};
  return static_cast<int64_t>(value << unused) >> unused;  // sign
}

double Machine::read_big_endian_double() {
  return std::bit_cast<double>(__builtin_bswap64(read<uint64_t>()));
}

bool Machine::run_scalar(uint8_t opcode) {
  switch (opcode) {
    case kNone:
      push(None{});
      return true;
    case kNewTrue:
      push(true);
      return true;
    case kNewFalse:
      push(false);
      return true;
    case kBinInt:
      push(int64_t{read<int32_t>()});
      return true;
    case kBinInt1:
      push(int64_t{read<uint8_t>()});
      return true;
    case kBinInt2:
      push(int64_t{read<uint16_t>()});
      return true;
    case kLong1:
      push(read_long1());
      return true;
    case kBinFloat:
      push(read_big_endian_double());
      return true;
    case kShortBinUnicode:
      push(cursor_.take_text(read<uint8_t>(), "pickled string"));
      return true;
    case kBinUnicode:
      push(cursor_.take_text(read<uint32_t>(), "pickled string"));
      return true;
    case kBinUnicode8:
      push(cursor_.take_text(read<uint64_t>(), "pickled string"));
      return true;
    default:
      return false;
  }
}

bool Machine::run_container(uint8_t opcode) {
  switch (opcode) {
    case kEmptyDict:
      push(Dict{});
      return true;
    case kEmptyList:
      push(List{});
      return true;
    case kEmptyTuple:
      push(Tuple{});
      return true;
    case kTuple1:
      push(pop_tuple(1));
      return true;
    case kTuple2:
      push(pop_tuple(2));
      return true;
    case kTuple3:
      push(pop_tuple(3));
      return true;
    case kTuple:
      push(Tuple{pop_to_mark()});
      return true;
    case kMark:
      marks_.push_back(stack_.size());
      return true;
    case kAppend:
      append_items({pop()});
      return true;
    case kAppends:
      append_items(pop_to_mark());
      return true;
    case kSetItems:
      set_items(pop_to_mark());
      return true;
    case kSetItem: {
      const Ref value = pop();
      const Ref key = pop();
      set_items({key, value});
      return true;
    }
    default:
      return false;
  }
}

bool Machine::run_memo(uint8_t opcode) {
  switch (opcode) {
    case kBinPut:
      remember(read<uint8_t>());
      return true;
    case kLongBinPut:
      remember(read<uint32_t>());
      return true;
    case kMemoize:
      remember(static_cast<uint32_t>(memo_.size()));
      return true;
    case kBinGet:
      recall(read<uint8_t>());
      return true;
    case kLongBinGet:
      recall(read<uint32_t>());
      return true;
    default:
      return false;
  }
}

// An OrderedDict may carry attributes (a state dict's _metadata); they are of no use here. No other object
// may be given a state.
void Machine::check_build_state() {
  pop();
  top_as<Dict>("dict");
}

bool Machine::run_host(uint8_t opcode) {
  switch (opcode) {
    case kGlobal: {
      const std::string_view module = read_line();
      const std::string_view name = read_line();
      push(host_.global(module, name));
      return true;
    }
    case kStackGlobal: {
      const Ref name = pop();
      const Ref module = pop();
      const auto* name_text = std::get_if<std::string_view>(&heap_[name]);
      const auto* module_text = std::get_if<std::string_view>(&heap_[module]);
      if (name_text == nullptr || module_text == nullptr) fail("name globals by strings", "another object");
      push(host_.global(*module_text, *name_text));
      return true;
    }
    case kReduce: {
      const Ref arguments = pop();
      const Ref callee = pop();
      push(host_.call(heap_[callee], heap_[arguments], heap_));
      return true;
    }
    case kBinPersId:
      push(host_.persistent(heap_[pop()], heap_));
      return true;
    case kBuild:
      check_build_state();
      return true;
    default:
      return false;
  }
}

void Machine::run_framing(uint8_t opcode) {
  if (opcode == kProto) {
    const auto protocol = read<uint8_t>();
    if (protocol < 2 || protocol > kNewestProtocol) {
      fail(fmt::format("be of protocol 2 to {}", kNewestProtocol), fmt::format("{}", protocol));
    }
  } else if (opcode == kFrame) {
    if (read<uint64_t>() > cursor_.remaining()) fail("hold its frames whole", "one past its end");
  } else {
    fail("hold only what a state dict needs", fmt::format("opcode 0x{:02x}", opcode));
  }
}

Result Machine::run() {
  for (uint8_t opcode = read<uint8_t>(); opcode != kStop; opcode = read<uint8_t>()) {
    if (run_scalar(opcode) || run_container(opcode) || run_memo(opcode) || run_host(opcode)) continue;
    run_framing(opcode);
  }
  const Ref root = pop();
  if (!stack_.empty() || !marks_.empty()) fail("end with one object", "more");
  return {std::move(heap_), root};
}

}  // namespace

Result unpickle(std::string_view bytes, const std::filesystem::path& path, Host& host) {
  return Machine(bytes, path, host).run();
}

}  // namespace longscroll::pickle
