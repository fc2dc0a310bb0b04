#include "corpus/source_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::TempFolder;
using testing::ElementsAre;

std::vector<std::string> names_in_order(const std::vector<SourceFile>& files) {
  std::vector<std::string> names;
  for (const size_t i : dependency_order(files)) names.push_back(files[i].name);
  return names;
}

TEST(SourceTree, WhatIsIncludedComesFirst) {
  EXPECT_THAT(names_in_order({{"app/main.cc", "#include \"base/a.h\"\n#include <vector>\n"},
                              {"base/a.h", "#include \"base/b.h\"\n"},
                              {"base/b.h", "int b;\n"},
                              {"readme.md", "see app/main.cc\n"}}),
              ElementsAre("readme.md", "base/b.h", "base/a.h", "app/main.cc"));
}

TEST(SourceTree, KnowsImportsOfSeveralLanguages) {
  EXPECT_THAT(names_in_order({{"a.py", "from pkg import util\nimport pkg.z\n"},
                              {"pkg/util.py", "x = 1\n"},
                              {"pkg/z.py", "y = 2\n"}}),
              ElementsAre("pkg/util.py", "pkg/z.py", "a.py"));
  EXPECT_THAT(names_in_order({{"a.js", "const x = require('./lib/b.js')\n"}, {"lib/b.js", ""}}),
              ElementsAre("lib/b.js", "a.js"));
  EXPECT_THAT(names_in_order({{"src/a.rs", "use crate::net::socket;\n"}, {"src/net/socket.rs", ""}}),
              ElementsAre("src/a.rs", "src/net/socket.rs"));  // crate:: is no folder: by name
}

TEST(SourceTree, CirclesAreCutAtTheFirstName) {
  EXPECT_THAT(names_in_order({{"b.h", "#include \"a.h\"\n"}, {"a.h", "#include \"b.h\"\n"}}),
              ElementsAre("a.h", "b.h"));
}

TEST(SourceTree, ReadsTextAlone) {
  const TempFolder folder;
  folder.write("a.c", "int a;\n");
  folder.write("sub/b.c", "int b;\n");
  folder.write(".git/config", "no");
  folder.write("node_modules/x.js", "no");
  folder.write("picture.png", std::string("\x89PNG\0", 5));
  folder.write("large.txt", std::string((1 << 20) + 1, 'x'));
  FaultList faults;
  const std::vector<SourceFile> files = read_source_tree(folder.path(), faults);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "a.c");
  EXPECT_EQ(files[1].name, "sub/b.c");
  EXPECT_EQ(faults.count(), 0U);
}

TEST(SourceTree, ADocumentEndsWithTheFileThatFillsIt) {
  const std::vector<std::string> documents =
      join_source_files({{"a", "12345"}, {"b", "12345\n"}, {"c", "1"}}, 11);
  EXPECT_THAT(documents, ElementsAre("a:\n\n12345\n\nb:\n\n12345\n", "c:\n\n1\n"));
}

}  // namespace
}  // namespace longscroll::corpus
