"""eval prompts: a suite's prompts as they are, without a model that answers them."""
import json
import pathlib
import unittest

import harness
from harness import run

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
QUESTION = {"input": "Who?", "context": "A {answers} text.", "answers": ["Ann", "Bob"], "length": 3, "all_classes": None,
            "_id": "a1"}


def prompts(*arguments):
    done = run("eval", "prompts", *arguments, "--json", check=0)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


class Prompts(harness.TestCase):
    def longbench(self, lines):
        self.write("hotpotqa.jsonl", "".join(line + "\n" for line in lines))
        return ["longbench", "--data", self.folder, "--task", "hotpotqa"]

    def test_each_item_is_a_line_with_all_that_is_asked(self):
        found, remarks = prompts(*self.longbench([json.dumps(QUESTION)]))
        self.assertEqual(len(found), 1)
        item = found[0]
        self.assertEqual((item["task"], item["id"], item["bare"]), ("hotpotqa", "a1", False))
        self.assertEqual(item["references"], ["Ann", "Bob"])
        self.assertEqual(item["max_new_tokens"], 32)
        self.assertTrue(item["turns"][0]["content"].endswith("A  text.\n\nAnswer the question based on the given passages. "
                                                             "Only give me the answer and do not output any other words."
                                                             "\n\nQuestion: Who?\nAnswer:"))
        self.assertIn("the official file 200", remarks)

    def test_a_protocol_changes_the_prompt(self):
        found, _ = prompts(*self.longbench([json.dumps(QUESTION)]), "--protocol", "official")
        self.assertIn("A {answers} text.", found[0]["turns"][0]["content"])

    def test_people_see_the_text_itself(self):
        done = run("eval", "prompts", *self.longbench([json.dumps(QUESTION)]), check=0)
        self.assertIn("--- user\nAnswer the question", done.stdout)
        self.assertIn("--- reference\nBob\n", done.stdout)

    def test_needles_are_counted_by_the_tokenizer_that_is_named(self):
        self.write("essay.txt", "abcdefghij" * 100)
        for tokenizer, tokens in (("codepoint", 700), (self.model, None)):
            found, remarks = prompts("needle", "--data", self.folder, "--tokenizer", tokenizer, "--lengths", "800",
                                     "--buffer", "100", "--depths", "0,100", "--repeats", "1", "--languages", "en")
            self.assertEqual([item["id"] for item in found], ["en-L800-D0-r0", "en-L800-D100-r0"])
            self.assertIn("the needles are Longscroll's own", remarks)
            prompt = found[0]["turns"][0]["content"]
            context = prompt.split("by the user is ")[1].split("\n\nNow, the question")[0]
            if tokens:
                self.assertEqual(len(context), tokens)
                self.assertEqual(found[0]["tokens"], len(prompt))

    def test_a_bad_line_is_named_and_nothing_is_printed(self):
        done = run("eval", "prompts", *self.longbench([json.dumps(QUESTION), '{"input": ']))
        self.assert_one_error(done, "hotpotqa.jsonl", "line 2")
        self.assertEqual(done.stdout, "")

    def test_what_is_not_there_says_where_to_get_it(self):
        done = run("eval", "prompts", "leval", "--data", self.folder, "--task", "tpo")
        self.assert_one_error(done, "tpo.jsonl", "OpenLMLab/LEval")

    def test_a_suite_of_ones_own(self):
        suite = json.loads((SOURCE / "suites/longbench.json").read_text())
        suite.update(name="own", tasks=[{"name": "mine", "file": "mine.jsonl", "metric": "longbench.qa_f1",
                                         "max_new_tokens": 4, "turns": [{"role": "user", "text": "{context}|{input}"}]}],
                     groups=[])
        path = self.write("own.json", json.dumps(suite))
        self.write("mine.jsonl", json.dumps(QUESTION) + "\n")
        found, _ = prompts("--suite-file", path, "--data", self.folder)
        self.assertEqual(found[0]["turns"][0]["content"], "A  text.|Who?")

    def test_wrong_usage_is_exit_2(self):
        for arguments in (["longbench"], ["--data", self.folder], ["needle", "--data", self.folder, "--depths", "101"],
                          ["leval", "--data", self.folder, "--protocol", "mine"]):
            run("eval", "prompts", *arguments, check=2)


if __name__ == "__main__":
    unittest.main()
