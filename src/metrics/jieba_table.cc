#include "metrics/jieba_table.h"

#include <cassert>
#include <cstring>

// Assembled and not compiled: 8 MB as an array of numbers would take the compiler minutes.
__asm__(
    ".pushsection .rodata\n"
    ".balign 8\n"
    ".hidden longscroll_jieba_table\n"
    ".globl longscroll_jieba_table\n"
    "longscroll_jieba_table:\n"
    ".incbin \"" LONGSCROLL_JIEBA_TABLE
    "\"\n"
    ".popsection\n");

extern "C" const unsigned char longscroll_jieba_table[];

namespace longscroll {
namespace {

template <typename T>
std::span<const T> take(const unsigned char*& at, size_t count) {
  const std::span<const T> values(reinterpret_cast<const T*>(at), count);
  at += count * sizeof(T);
  return values;
}

JiebaTable locate() {
  const unsigned char* at = longscroll_jieba_table;
  JiebaTable table{};
  table.header = take<JiebaHeader>(at, 1).data();
  assert(std::memcmp(table.header->magic, "LSJIEBA1", 8) == 0);
  const size_t nodes = table.header->nodes;
  const size_t emissions = table.header->emissions;
  table.emissions = take<double>(at, emissions * 4);
  table.emission_codes = take<uint32_t>(at, emissions);
  table.codes = take<uint32_t>(at, nodes);
  table.frequencies = take<uint32_t>(at, nodes);
  table.first_child = take<uint32_t>(at, nodes + 1);
  return table;
}

}  // namespace

const JiebaTable& jieba_table() {
  static const JiebaTable table = locate();
  return table;
}

}  // namespace longscroll
