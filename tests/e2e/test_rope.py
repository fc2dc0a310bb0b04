"""rope plan, rope map, doctor, and --rope in the commands that compute."""
import json
import random
import unittest

import harness
from harness import run, run_json


def numbers(count: int, seed=3) -> str:
    generator = random.Random(seed)
    return " ".join(str(generator.randrange(256)) for _ in range(count))


class Plan(harness.TestCase):
    def test_the_reports_case_shows_both_theories(self):
        found = run_json("rope", "plan", "--head-dim", 128, "--train-window", 4096, "--window", 32768)
        self.assertEqual(found["critical_dimension"], 92)
        self.assertFalse(found["theories_agree"])
        wanted = next(row for row in found["windows"] if row["window"] == 32768)
        self.assertAlmostEqual(wanted["critical_base"] / 1.92e5, 1, delta=0.003)
        self.assertEqual(wanted["printed_lowest_base"], 6.4e5)
        self.assertGreater(wanted["lowest_base"], 0.74 * 6.4e5)
        self.assertLess(wanted["lowest_base"], 1.03 * 6.4e5)
        reports = next(row for row in found["bases"] if row["base"] == 320000)
        self.assertAlmostEqual(reports["reach_after_training"], 56900, delta=50)
        text = run("rope", "plan", "--window", 32768, check=0).stdout
        self.assertIn("do not agree", text)
        self.assertIn("1.92e5", text)

    def test_what_was_trained_comes_from_a_model_and_the_picture_is_svg(self):
        picture = self.folder / "base.svg"
        found = run_json("rope", "plan", "--model", self.model, "--window", 8192, "--svg", picture)
        self.assertEqual(found["trained"], {"head_dim": 16, "base": 10000.0, "window": 4096})
        self.assertTrue(picture.read_text().startswith("<svg"))

    def test_what_cannot_be_is_refused(self):
        run("rope", check=2)
        run("rope", "plan", check=2)
        self.assert_one_error(run("rope", "plan", "--window", 3), "window")
        self.assert_one_error(run("rope", "plan", "--window", 8192, "--head-dim", 7), "head dimension")


class Extension(harness.TestCase):
    model_options = {"window": 64}

    def test_a_window_is_extended_and_said(self):
        ids = self.write("ids.txt", numbers(150))
        self.assert_one_error(run("perplexity", self.model, "--ids-file", ids, "--ctx", "128"), "window of 64")
        for rope in ("dynamic-ntk:4", "dynamic-ntk-cached:4", "ntk:4", "linear:4", "yarn:4"):
            done = run("perplexity", self.model, "--ids-file", ids, "--ctx", "128", "--rope", rope, "--json", check=0)
            found = json.loads(done.stdout)
            self.assertEqual(found["window"], 256)
            self.assertEqual(found["rope_option"], rope)
            self.assertEqual(found["rope"]["original_window"], 64)
            self.assertIn("without training", done.stderr)
        found = run_json("perplexity", self.model, "--ids-file", ids, "--ctx", "128", "--rope", "base:320000",
                         "--window", "128")
        self.assertEqual(found["rope"]["base"], 320000)

    def test_forms_that_are_none_are_wrong_usage(self):
        for rope in ("yarn", "yarn:x", "llama3:8", "base:0", "yarn:0.5"):
            done = run("inspect", self.model, "--rope", rope, check=2)
            self.assertIn("--rope", done.stderr)

    def test_dynamic_ntk_answers_are_the_same_with_and_without_guesses(self):
        arguments = ["generate", self.model, "--ids", ",".join(["97", "98", "99"] * 18), "--max-new-tokens", 40,
                     "--ignore-stop", "--rope", "dynamic-ntk:4"]
        guessed = run_json(*arguments)
        plain = run_json(*arguments, "--no-speculation")
        self.assertEqual(len(plain["ids"]), 40)
        self.assertEqual(guessed["ids"], plain["ids"])
        self.assertEqual(plain["rope"]["cached_keys"], "turned again")

    def test_inspect_forecasts_the_longer_window(self):
        own = run_json("inspect", self.model)
        extended = run_json("inspect", self.model, "--rope", "dynamic-ntk:8")
        self.assertEqual(extended["window"], 512)
        self.assertEqual(extended["rope"]["scaling"], "dynamic")
        self.assertGreater(extended["memory"][-1]["kv_cache_bytes"], own["memory"][-1]["kv_cache_bytes"])


class Map(harness.TestCase):
    model_options = {"window": 128}

    def setUp(self):
        self.ids = self.write("ids.txt", numbers(700))
        self.arguments = ["rope", "map", self.model, "--ids-file", self.ids, "--lengths", "64,256"]

    def test_its_own_row_equals_perplexity(self):
        found = run_json(*self.arguments, "--bases", "x4", "--scaling", "yarn:4")
        self.assertEqual([method["name"] for method in found["methods"]], ["own", "base:40000", "yarn:4"])
        self.assertEqual(len(found["cells"]), 6)
        for cell in found["cells"]:
            option = [] if cell["method"] == "own" else ["--rope", cell["method"]]
            same = run_json("perplexity", self.model, "--ids-file", self.ids, "--ctx", cell["length"], "--window", 256,
                            *option)
            self.assertEqual(cell["counted"], same["counted"])
            self.assertAlmostEqual(cell["nll"], same["nll"], places=12)

    def test_positions_cover_every_prediction_of_every_window(self):
        found = run_json(*self.arguments, "--stride", 64)
        cell = next(cell for cell in found["cells"] if cell["length"] == 64)
        self.assertEqual(sum(position["counted"] for position in cell["positions"]), cell["counted"] + 64 - (699 % 64))
        self.assertEqual([position["up_to"] for position in cell["positions"]], [64])

    def test_a_folder_is_filled_and_a_map_goes_on(self):
        out = self.folder / "map"
        whole = run_json(*self.arguments, "--scaling", "linear:2", "--out", out)
        for name in ("index.html", "report.md", "figures/rope-map.svg", "figures/rope-curves.svg",
                     "figures/rope-positions.svg"):
            self.assertTrue((out / name).exists(), name)
        self.assert_one_error(run(*self.arguments, "--scaling", "linear:2", "--out", out), "--resume")
        file = out / "map.json"
        half = json.loads(file.read_text())
        half["cells"] = half["cells"][:2]
        half["cells"][0]["nll"] = 1.5
        file.write_text(json.dumps(half))
        resumed = run_json(*self.arguments, "--scaling", "linear:2", "--out", out, "--resume")
        self.assertEqual(resumed["cells"][0]["nll"], 1.5, "what is there is taken")
        self.assertEqual([cell["nll"] for cell in resumed["cells"][2:]], [cell["nll"] for cell in whole["cells"][2:]])
        self.assert_one_error(run(*self.arguments, "--scaling", "linear:4", "--out", out, "--resume"), "methods")
        for damage in ("{", "[]", json.dumps({**half, "cells": [{"method": "own"}]})):
            file.write_text(damage)
            self.assert_one_error(run(*self.arguments, "--scaling", "linear:2", "--out", out, "--resume"), "map.json")

    def test_texts_that_are_too_short_are_said_or_refused(self):
        short = self.write("short.txt", numbers(100))
        done = run(*self.arguments, "--ids-file", short, "--json", check=0)
        self.assertIn("do not fill a window of 256", done.stderr)
        self.assertEqual(len(json.loads(done.stdout)["remarks"]), 1)
        self.assert_one_error(run("rope", "map", self.model, "--ids-file", short, "--lengths", "256"), "--lengths")
        self.assert_one_error(run(*self.arguments, "--stride", 65), "--stride")
        self.assert_one_error(run(*self.arguments, "--bases", "four"), "--bases")


class Doctor(harness.TestCase):
    def test_without_a_text_only_the_files_are_looked_at(self):
        done = run("doctor", self.model, "--json", check=0)
        found = json.loads(done.stdout)
        self.assertEqual(found["findings"], [])
        self.assertIsNone(found["measured"])
        self.assertIn("only the files", done.stderr)

    def test_a_random_model_is_no_better_than_chance(self):
        text = self.write("text.txt", "The quick brown fox jumps over the lazy dog. " * 30)
        found = run_json("doctor", self.model, text, "--max-length", 1024)
        self.assertIn("loss", [finding["check"] for finding in found["findings"]])
        self.assertEqual(found["measured"]["length"], 1024)
        self.assertEqual([needle["length"] for needle in found["measured"]["needles"]], [512, 1024])
        self.assertIn("its files say 4,096", run("doctor", self.model, text, "--max-length", 600, check=0).stdout)

    def test_a_text_too_short_is_an_error(self):
        self.assert_one_error(run("doctor", self.model, self.write("short.txt", "a b c")), "at least 64 tokens")


if __name__ == "__main__":
    unittest.main()
