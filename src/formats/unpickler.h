// A pickle machine that can build plain containers and nothing else. Whatever goes beyond (a class, a
// call, a persistent id) is put to the host, which knows the few that it allows; the machine itself
// imports nothing, calls nothing and touches no attribute. Source: CPython's pickletools.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace longscroll::pickle {

using Ref = uint32_t;  // place of a value in Result::heap

struct None {};
struct Tuple {
  std::vector<Ref> items;
};
struct List {
  std::vector<Ref> items;
};
struct Dict {
  std::vector<std::pair<Ref, Ref>> items;  // as the pickle gives them; keys may repeat
};
struct HostObject {
  uint32_t kind;  // both are the host's own numbers
  uint32_t index;
};
using Value = std::variant<None, bool, int64_t, double, std::string_view, Tuple, List, Dict, HostObject>;
using Heap = std::deque<Value>;  // a deque: values stay where they are while it grows

class Host {
 public:
  virtual ~Host() = default;
  // Each throws Error for what it does not allow.
  virtual Value global(std::string_view module, std::string_view name) = 0;
  virtual Value call(const Value& callee, const Value& arguments, const Heap& heap) = 0;
  virtual Value persistent(const Value& id, const Heap& heap) = 0;
};

struct Result {
  Heap heap;  // its string_views point into the pickle
  Ref root = 0;
};

Result unpickle(std::string_view bytes, const std::filesystem::path& path, Host& host);

}  // namespace longscroll::pickle
