#include "corpus/faults.h"

#include <utility>

namespace longscroll::corpus {

void FaultList::add(Fault fault) {
  ++by_kind_[fault.kind];
  if (named_.size() < kNamed) named_.push_back(std::move(fault));
}

void FaultList::add(const std::string& file, const Error& error) {
  add({"unreadable", file, 0, error.what()});
}

void FaultList::merge(const FaultList& other) {
  for (const auto& [kind, count] : other.by_kind_) by_kind_[kind] += count;
  named_.insert(named_.end(), other.named_.begin(), other.named_.end());
}

uint64_t FaultList::count() const {
  uint64_t count = 0;
  for (const auto& [kind, of_kind] : by_kind_) count += of_kind;
  return count;
}

Json FaultList::to_json() const {
  Json json = {{"counts", Json::object()}, {"named", Json::array()}};
  for (const auto& [kind, count] : by_kind_) json["counts"][kind] = count;
  for (const Fault& fault : named_) {
    json["named"].push_back(
        {{"kind", fault.kind}, {"file", fault.file}, {"line", fault.line}, {"what", fault.what}});
  }
  return json;
}

FaultList FaultList::from_json(const Json& json) {
  FaultList list;
  for (const auto& [kind, count] : json.at("counts").items()) list.by_kind_[kind] = count.get<uint64_t>();
  for (const Json& fault : json.at("named")) {
    list.named_.push_back({fault.at("kind").get<std::string>(), fault.at("file").get<std::string>(),
                           fault.at("line").get<uint64_t>(), fault.at("what").get<std::string>()});
  }
  return list;
}

}  // namespace longscroll::corpus
