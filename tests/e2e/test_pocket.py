"""The pocket experiments' own tools: what they make is what the programs read, and the same from the same seed."""
import json
import pathlib
import random
import re
import subprocess
import sys
import unittest

import harness
from harness import run, run_json

POCKET = pathlib.Path(__file__).resolve().parents[2] / "recipes" / "pocket"
sys.path.insert(0, str(POCKET))
import documents  # noqa: E402
import experiments  # noqa: E402


def make(script: str, *arguments) -> None:
    subprocess.run([sys.executable, POCKET / script, *map(str, arguments)], check=True)


class Documents(unittest.TestCase):
    def test_what_is_recalled_was_told_before_and_only_once(self):
        text = documents.retrieval_document(random.Random(1), 20_000).replace("\n", " ")
        told = {}
        for match in re.finditer(r"The ([a-z ]+) of (\w+) is (\d{4})\.|the ([a-z ]+) of (\w+), they said (\d{4})\.", text):
            thing, person, number, asked, of, answer = match.groups()
            if number is not None:
                self.assertNotIn((thing, person), told)
                told[thing, person] = number
            else:
                self.assertEqual(told[asked, of], answer)
        self.assertGreater(len(told), 50)

    def test_a_question_has_its_fact_at_the_depth_asked_for(self):
        for depth in (0.0, 0.5, 1.0):
            question = documents.question(random.Random(2), 8000, depth, others=3)
            place = question.context.index(question.fact.told()) / len(question.context)
            self.assertAlmostEqual(place, depth, delta=0.03)


class Pocket(harness.TestCase):
    def test_the_model_loads_and_the_suites_find_their_files(self):
        model, corpus = self.folder / "untrained", self.folder / "corpus"
        make("make_model.py", "--out", model)
        found = run_json("inspect", model)
        self.assertEqual((found["parameters"], found["window"], found["chat_form"]), (984_192, 512, "chatml"))
        make("make_corpus.py", "--out", corpus, "--data", self.folder / "none", "--size", 0.001)
        for suite in ("facts.json", "chat.json", "needle.json"):
            done = run("eval", "prompts", "--suite-file", POCKET / suite, "--data", corpus, "--tokenizer", model,
                       "--limit", 1, "--json", check=0)
            for line in done.stdout.splitlines():
                item = json.loads(line)
                if item["task"].startswith("facts_"):
                    length = int(item["task"].removeprefix("facts_"))
                    self.assertAlmostEqual(item["tokens"] / length, 1, delta=0.05)

    def test_the_same_seed_makes_the_same_and_another_another(self):
        made = []
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            out = self.folder / name
            make("make_corpus.py", "--out", out, "--data", self.folder / "none", "--size", 0.001, "--seed", seed)
            made.append(json.loads((out / "made.json").read_text())["files"])
        self.assertEqual(made[0], made[1])
        for name, files in made[0].items():
            same = name.startswith(("held-out", "questions", "needles", "haystack")) or "text" in name
            self.assertEqual(files == made[2][name], same, name)

    def test_every_run_begins_from_one_that_is_listed_and_reads_what_is_made(self):
        listed = subprocess.run([sys.executable, POCKET / "run.py", "--list", "--work", self.folder / "work"], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        names = {line.split("\t")[0] for line in listed.splitlines()}
        for seed in (1, 2):
            self.assertIn(f"{seed}/untrained", names)
            for number in range(1, 8):
                for run in experiments.comparison(number, seed):
                    self.assertIn(run.name, names)
                    self.assertIn(run.begins_from, names)
                    for source in run.sources if run.stage == "pt" else ():
                        self.assertIn(f"shards/{source}", names)


if __name__ == "__main__":
    unittest.main()
