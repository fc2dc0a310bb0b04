// jieba's dictionary and HMM as cmake/make_jieba_table.py lays them out and the linker puts them into the
// program, little-endian:
//
//   JiebaHeader                     magic "LSJIEBA1"
//   double   emissions[E][4]        log probability of a character in the states B, E, M, S
//   uint32_t emission_codes[E]      their code points, ascending
//   uint32_t codes[N]               the dictionary as a trie, breadth first, node 0 the root: last code
//   point, uint32_t frequencies[N]         frequency (0: only begins words), uint32_t first_child[N + 1]
//   children are [first_child[k], first_child[k + 1]), ascending by code point
#pragma once

#include <cstdint>
#include <span>

namespace longscroll {

struct JiebaHeader {
  char magic[8];
  uint32_t nodes;
  uint32_t emissions;
  uint64_t total;  // sum of all frequencies
  double start[4];
  double transitions[4][4];  // from, to
};

struct JiebaTable {
  const JiebaHeader* header;
  std::span<const double> emissions;
  std::span<const uint32_t> emission_codes;
  std::span<const uint32_t> codes;
  std::span<const uint32_t> frequencies;
  std::span<const uint32_t> first_child;
};

// Used where it lies: nothing is copied, pages are read from the program's file when they are first needed.
const JiebaTable& jieba_table();

}  // namespace longscroll
