#include "engine/speculation_gate.h"

#include <gtest/gtest.h>

namespace longscroll {
namespace {

SpeculationGate timed(double cost_of_one_more) {
  SpeculationGate gate;
  for (int i = 0; i < 40; ++i) {
    gate.note_pass(1, 0.010);
    gate.note_pass(5, 0.010 * (1 + 4 * cost_of_one_more));
  }
  return gate;
}

void see(SpeculationGate& gate, size_t length, bool right) {
  for (int i = 0; i < 100; ++i) gate.note_guess(length, right);
}

TEST(SpeculationGate, WaitsForTheTimeOfAPassOverOneId) {
  SpeculationGate gate;
  EXPECT_EQ(gate.choose(8, 7), 0u);
  gate.note_pass(1, 0.010);
  EXPECT_EQ(gate.choose(8, 7), 0u);  // it may have been a slow one
  gate.note_pass(1, 0.010);
  EXPECT_GT(gate.choose(8, 7), 0u);
}

TEST(SpeculationGate, ChecksOneGuessUntilItKnowsWhatGuessesCost) {
  for (const double cost_of_one_more : {0.05, 0.6}) {
    SpeculationGate gate;
    gate.note_pass(1, 0.010);
    gate.note_pass(1, 0.010);
    see(gate, 2, false);
    EXPECT_EQ(gate.choose(2, 7), 0u);
    EXPECT_EQ(gate.choose(6, 7), 1u);
    gate.note_pass(2, 0.010 * (1 + cost_of_one_more));
    EXPECT_EQ(gate.choose(6, 7) > 1, cost_of_one_more < 0.1);
  }
}

TEST(SpeculationGate, ChecksAsManyAsThereAreWhereGuessesAreRight) {
  SpeculationGate gate = timed(0.1);
  see(gate, 8, true);
  EXPECT_EQ(gate.choose(8, 7), 7u);
  EXPECT_EQ(gate.choose(8, 3), 3u);
}

TEST(SpeculationGate, ChecksNoneWhereGuessesAreWrong) {
  SpeculationGate gate = timed(0.1);
  see(gate, 2, false);
  EXPECT_EQ(gate.choose(2, 7), 0u);
  see(gate, 2, true);  // seen without being checked
  EXPECT_GT(gate.choose(2, 7), 0u);
}

TEST(SpeculationGate, ChecksFewerWhereTheyAreDearer) {
  SpeculationGate cheap = timed(0.05), dear = timed(0.3);
  for (SpeculationGate* gate : {&cheap, &dear}) {
    for (const size_t length : {5u, 6u, 7u, 8u}) {
      for (int i = 0; i < 60; ++i) gate->note_guess(length, i % 4 != 0);
    }
  }
  EXPECT_GT(cheap.choose(5, 7), dear.choose(5, 7));
  EXPECT_GT(dear.choose(5, 7), 0u);
}

TEST(SpeculationGate, MeasuresAgainNowAndThenWhereAPassBecameTooDear) {
  SpeculationGate gate = timed(1.2);
  see(gate, 8, true);
  int checked = 0;
  for (int i = 0; i < 640; ++i) checked += gate.choose(8, 7) > 0 ? 1 : 0;
  EXPECT_EQ(checked, 10);
  for (int i = 0; i < 20; ++i) gate.note_pass(8, 0.010 * 1.5);
  EXPECT_EQ(gate.choose(8, 7), 7u);
}

}  // namespace
}  // namespace longscroll
