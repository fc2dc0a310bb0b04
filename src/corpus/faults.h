// What could not be used: one bad record or file costs a line in a list, and the rest is done.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "corpus/text_document.h"

namespace longscroll::corpus {

struct Fault {
  std::string kind;   // "not-json", "not-utf8", "too-long", "no-text", "duplicate-id", "unreadable", …
  std::string file;   // its name without folders
  uint64_t line = 0;  // from 1; 0: the file as a whole
  std::string what;
};

// Counts all, and keeps the first kNamed. Not thread safe.
class FaultList {
 public:
  static constexpr size_t kNamed = 100;

  void add(Fault fault);
  void add(const std::string& file, const Error& error);  // as "unreadable"
  void merge(const FaultList& other);

  uint64_t count() const;
  const std::map<std::string, uint64_t>& by_kind() const { return by_kind_; }
  const std::vector<Fault>& named() const { return named_; }

  Json to_json() const;
  static FaultList from_json(const Json& json);  // of to_json(); throws nlohmann's exceptions

 private:
  std::map<std::string, uint64_t> by_kind_;
  std::vector<Fault> named_;
};

}  // namespace longscroll::corpus
