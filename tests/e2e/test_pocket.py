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
        for suite in ("facts.json", "begun.json", "chat.json", "needle.json"):
            done = run("eval", "prompts", "--suite-file", POCKET / suite, "--data", corpus, "--tokenizer", model,
                       "--limit", 1, "--json", check=0)
            for line in done.stdout.splitlines():
                item = json.loads(line)
                if item["task"].startswith(("facts_", "begun_")):
                    length = int(item["task"].rpartition("_")[2])
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

    def test_instructions_and_the_first_questions_ask_for_facts_at_any_depth(self):
        out = self.folder / "corpus"
        make("make_corpus.py", "--out", out, "--data", self.folder / "none", "--size", 0.02)
        depths = {"questions": [], "instructions": []}
        for line in (out / "questions" / "4096.jsonl").read_text().splitlines()[:30]:
            depths["questions"].append(json.loads(line)["depth"])
        for line in (out / "instructions" / "long.jsonl").read_text().splitlines():
            user, assistant = json.loads(line)["messages"]
            told = user["content"].replace("\n", " ").index(f"is {assistant['content'][-5:]}")
            depths["instructions"].append(told / len(user["content"]))
        for kind, found in depths.items():
            self.assertGreaterEqual(len(found), 30, kind)
            for part in (0, 1, 2):
                self.assertTrue(any(part / 3 <= depth <= (part + 1) / 3 for depth in found), (kind, part))

    def test_tables_say_what_was_found_of_how_many(self):
        home = self.folder / "work" / "runs" / "1" / "base"
        (home / "begun").mkdir(parents=True)
        (home / "begun" / "records.jsonl").write_text("".join(
            json.dumps({"task": "begun_512", "score": score}) + "\n" for score in (1.0, 1.0, 0.0, 0.5)))
        subprocess.run([POCKET / "results.py", "--work", self.folder / "work", "--out", self.folder / "out"], check=True)
        row = next(line for line in (self.folder / "out" / "tables.md").read_text().splitlines() if line.startswith("| base |"))
        self.assertEqual([cell.strip() for cell in row.split("|")[2:-1]], ["", "50 (15–85)", "", "", ""])
        found = json.loads((self.folder / "out" / "results.json").read_text())
        self.assertEqual(found["base"]["1"]["asked"]["begun"], {"512": [2, 4]})

    def test_every_run_begins_from_one_that_is_listed_and_reads_what_is_made(self):
        listed = subprocess.run([POCKET / "run.py", "--list", "--work", self.folder / "work"], check=True,
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
