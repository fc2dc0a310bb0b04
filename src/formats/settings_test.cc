#include "formats/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"

namespace longscroll {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Pet {
  std::string name;
  double weight = 1;
};

struct Zoo {
  std::string city = "Here";
  double rate = 0.5;
  uint64_t cages = 3;
  bool open = true;
  std::vector<std::string> days;
  std::vector<Pet> pets;
};

SettingsForm form_of(Zoo& zoo) {
  const auto place = [&zoo](size_t entry, size_t field) -> FieldPlace {
    if (field == 0) return &zoo.pets[entry].name;
    return &zoo.pets[entry].weight;
  };
  return {"a zoo",
          "docs/zoo.md",
          {{"city", &zoo.city},
           {"money.rate", &zoo.rate},
           {"money.cages", &zoo.cages},
           {"doors.open", &zoo.open},
           {"doors.days", &zoo.days}},
          {{"zoo.pets",
            {"name", "weight"},
            [&zoo] { return zoo.pets.size(); },
            [&zoo] { zoo.pets.emplace_back(); },
            place}}};
}

std::string error_of(const std::function<void(Zoo&)>& call) {
  Zoo zoo;
  try {
    call(zoo);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string error_of_text(const std::string& text) {
  return error_of([&](Zoo& zoo) { parse_settings(text, "z.toml", form_of(zoo)); });
}

TEST(Settings, AreReadAndOthersKept) {
  Zoo zoo;
  parse_settings(
      "city = \"There\"\n[money]\ncages = 1_000\n[[zoo.pets]]\nname = \"Leo\"\n[[zoo.pets]]\nweight = 2\n",
      "z.toml", form_of(zoo));
  EXPECT_EQ(zoo.city, "There");
  EXPECT_EQ(zoo.cages, 1000U);
  EXPECT_EQ(zoo.rate, 0.5);
  ASSERT_EQ(zoo.pets.size(), 2U);
  EXPECT_EQ(zoo.pets[0].name, "Leo");
  EXPECT_EQ(zoo.pets[1].weight, 2);
}

TEST(Settings, NameTheLineAndTheNearestKey) {
  EXPECT_THAT(error_of_text("[money]\ncagse = 1\n"),
              AllOf(HasSubstr("[z.toml:2]"), HasSubstr("did you mean money.cages?")));
  EXPECT_THAT(error_of_text("open = true\n"), HasSubstr("did you mean doors.open?"));
  EXPECT_THAT(error_of_text("[[zoo.pets]]\nwieght = 1\n"), HasSubstr("did you mean weight?"));
  EXPECT_THAT(error_of_text("[money]\nqqqqqqqq = 1\n"),
              AllOf(HasSubstr("docs/zoo.md"), Not(HasSubstr("did you mean"))));
}

TEST(Settings, RefuseValuesOfAnotherKind) {
  EXPECT_THAT(error_of_text("[money]\ncages = -1\n"), HasSubstr("money.cages must be a whole number"));
  EXPECT_THAT(error_of_text("[money]\nrate = nan\n"), HasSubstr("must be a finite number"));
  EXPECT_THAT(error_of_text("[doors]\ndays = [1]\n"), HasSubstr("doors.days must be a list of texts"));
  EXPECT_THAT(error_of_text("[zoo]\npets = 3\n"), HasSubstr("must be a list of tables"));
  EXPECT_THAT(error_of_text("city = \n"), HasSubstr("[z.toml:1] must be TOML"));
  EXPECT_THAT(error_of_text("city = \"\xff\"\n"), HasSubstr("must be UTF-8"));
}

TEST(Settings, AreTheSameAfterWritingAndReading) {
  Zoo zoo;
  zoo.city = "a \"quoted\"\n\\path\x7f of 模型";
  zoo.rate = 0.1 + 0.2;
  zoo.days = {"Monday", ""};
  zoo.pets = {{"Leo", 3.5}};
  const std::string text = write_settings(form_of(zoo));
  Zoo again;
  parse_settings(text, "again.toml", form_of(again));
  EXPECT_EQ(write_settings(form_of(again)), text);
  EXPECT_EQ(again.city, zoo.city);
  EXPECT_EQ(again.rate, zoo.rate);
  EXPECT_EQ(settings_to_json(form_of(again)), settings_to_json(form_of(zoo)));
  EXPECT_EQ(settings_to_json(form_of(zoo)).at("zoo.pets")[0].at("weight"), 3.5);
}

TEST(Settings, AreSetFromACommandLine) {
  Zoo zoo;
  zoo.pets.emplace_back();
  const SettingsForm form = form_of(zoo);
  set_setting("money.rate=2e-5", "--set", form);
  set_setting("city=build/x=y", "--set", form);
  set_setting("zoo.pets.0.name=\"Leo\"", "--set", form);
  set_setting("doors.days=[\"Monday\"]", "--set", form);
  EXPECT_EQ(zoo.rate, 2e-5);
  EXPECT_EQ(zoo.city, "build/x=y");
  EXPECT_EQ(zoo.pets[0].name, "Leo");
  EXPECT_EQ(zoo.days, std::vector<std::string>{"Monday"});
}

TEST(Settings, RefuseWhatACommandLineCannotSet) {
  const auto error_with = [](const char* assignment) {
    return error_of([&](Zoo& zoo) { set_setting(assignment, "--set", form_of(zoo)); });
  };
  EXPECT_THAT(error_with("money.cage=4"), HasSubstr("did you mean money.cages?"));
  EXPECT_THAT(error_with("money.cages=x"), HasSubstr("must be a whole number"));
  EXPECT_THAT(error_with("money.cages=4\ncity=5"), HasSubstr("money.cages"));
  EXPECT_THAT(error_with("money.cages"), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(error_with("zoo.pets.0.name=x"), HasSubstr("one of a zoo's 0"));
}

TEST(Settings, AFileMayNotBeHuge) {
  const test::TempFolder folder;
  EXPECT_THAT(
      error_of([&](Zoo& z) { read_settings(folder.write("z.toml", std::string(2 << 20, '#')), form_of(z)); }),
      HasSubstr("at most"));
  EXPECT_THAT(error_of([&](Zoo& z) { read_settings(folder.path() / "no.toml", form_of(z)); }),
              HasSubstr("must be a zoo"));
}

}  // namespace
}  // namespace longscroll
