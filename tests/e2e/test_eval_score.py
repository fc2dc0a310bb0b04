"""eval score: predictions scored as the official evaluators score them, without a model.

Compares with tests/golden/metrics, made by the evaluators themselves, and with ../shared/golden where it is there
($LONGSCROLL_SHARED, else beside the sources).
"""
import json
import os
import pathlib
import tempfile
import unittest

import harness
from harness import run

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "metrics"
SHARED = pathlib.Path(os.environ.get("LONGSCROLL_SHARED", ROOT.parent / "shared")) / "golden"
TOLERANCE = 1e-9
# What a golden line says of its input, and no program can give back.
INPUTS = {"prediction", "references", "all_classes", "gt", "gold", "tags", "text", "differs"}


def read_lines(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def differences(found, wanted, where: str):
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            if not isinstance(found, dict) or key not in found:
                yield f"{where}.{key}: absent"
            else:
                yield from differences(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            yield f"{where}: {found!r}, not {wanted!r}"
        else:
            for number, (one, other) in enumerate(zip(found, wanted)):
                yield from differences(one, other, f"{where}[{number}]")
    elif isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        if not isinstance(found, (int, float)) or abs(found - wanted) > TOLERANCE:
            yield f"{where}: {found!r}, not {wanted!r}"
    elif found != wanted:
        yield f"{where}: {found!r}, not {wanted!r}"


def score(*arguments) -> list[dict]:
    return [json.loads(line) for line in run("eval", "score", *arguments, check=0).stdout.split("\n") if line]


class TestCase(unittest.TestCase):
    def setUp(self):
        if not harness.BINARY:
            raise unittest.SkipTest("LONGSCROLL_BIN is not set")

    def assert_equal(self, found, wanted, where: str):
        faults = list(differences(found, wanted, where))
        self.assertEqual(faults, [], f"{len(faults)} differences, the first: {faults[:5]}")

    def assert_cases(self, path: pathlib.Path, at_least: int):
        wanted, found = read_lines(path), score(path)
        self.assertGreaterEqual(len(wanted), at_least)
        self.assertEqual(len(found), len(wanted))
        outputs = [{key: value for key, value in case.items() if key not in INPUTS} for case in wanted]
        self.assert_equal(found, outputs, path.name)


class FuzzedCases(TestCase):
    def test_every_case_has_the_official_scores(self):
        for name in ("longbench", "leval", "needle", "jieba", "choice"):
            with self.subTest(name):
                self.assert_cases(GOLDEN / f"{name}_cases.jsonl", 100)


class OfficialGoldens(TestCase):
    def setUp(self):
        super().setUp()
        if not SHARED.is_dir():
            raise unittest.SkipTest(f"{SHARED} is missing")

    def test_longbench_cases(self):
        self.assert_cases(SHARED / "longbench_metric_cases.jsonl", 251)

    def test_longbench_tasks(self):
        wanted = json.loads((SHARED / "longbench_dataset_level.json").read_text(encoding="utf-8"))
        cases = {case["id"]: case for case in read_lines(SHARED / "longbench_metric_cases.jsonl")}
        listed = [cases[name] for task in wanted.values() for name in task["case_ids"]]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "cases.jsonl"
            path.write_text("".join(json.dumps(case) + "\n" for case in listed), encoding="utf-8")
            found = {task.pop("task"): task for task in score(path, "--summary", "--json")}
        self.assert_equal(found, {name: {key: value for key, value in task.items() if key != "case_ids"}
                                  for name, task in wanted.items()}, "tasks")

    def test_leval_cases(self):
        self.assert_cases(SHARED / "leval_item_cases.jsonl", 117)

    def test_leval_prediction_files(self):
        files = 0
        for group in ("exam", "ngram"):
            for folder in sorted((SHARED / "leval_predictions" / f"{group}_eval").iterdir()):
                golden = json.loads((SHARED / f"leval_{folder.name}_{group}.json").read_text(encoding="utf-8"))
                for path in sorted(folder.glob("*.jsonl")):
                    with self.subTest(f"{folder.name} {path.stem}"):
                        [found] = score(path, "--json")
                        wanted = golden["tasks"][path.stem]
                        wanted.pop("predictions_sha256")
                        self.assert_equal(found, wanted, path.stem)
                        files += 1
        self.assertEqual(files, 30)

    def test_needle_cases_and_their_average(self):
        self.assert_cases(SHARED / "needlebench_eval_cases.jsonl", 52)
        [found] = score(SHARED / "needlebench_eval_cases.jsonl", "--summary", "--json")
        self.assert_equal(found, json.loads((SHARED / "needlebench_eval_average.json").read_text()), "average")

    def test_jieba_tokens(self):
        self.assert_cases(SHARED / "jieba_tokens.jsonl", 109)


class Files(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name: str, *lines) -> pathlib.Path:
        path = self.folder / name
        path.write_bytes(b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines))
        return path

    def test_longbenchs_own_predictions(self):
        path = self.write("trec.jsonl",
                          {"pred": "Food\nDate", "answers": ["Food"], "all_classes": ["Food", "Date"], "length": 10},
                          {"pred": "Food, Date", "answers": ["Date"], "all_classes": ["Food", "Date"], "length": 10})
        [found] = score(path, "--json")
        self.assert_equal(found, {"task": "trec", "n": 2, "official_scorer_pct": 75.0, "opencompass_pct": 75.0,
                                  "items": [{"official": 1, "opencompass": 1}, {"official": 0.5, "opencompass": 0.5}]}, "trec")
        [found] = score(self.write("mine.jsonl", {"pred": "3", "answers": ["3", "4"], "all_classes": None, "length": 1}),
                        "--task", "passage_count", "--summary", "--json")
        self.assertEqual((found["official_scorer_pct"], found["opencompass_pct"]), (100, 100))

    def test_levals_predictions_as_its_authors_write_them(self):
        path = self.write("turbo.tpo.jsonl",
                          {"query": "?", "gt": "B", "turbo_pred": "The answer is B", "evaluation": "exam"},
                          {"query": "?", "gt": "C", "turbo_pred": "C", "evaluation": "human"})
        [found] = score(path, "--json")
        self.assert_equal(found, {"task": "tpo", "n": 1, "official_printed": {"exact_match": 100.0}, "opencompass_n": 2,
                                  "opencompass_result": {"accuracy": 50.0}}, "tpo")

    def test_records_are_scored_by_their_metric_or_another(self):
        record = {"task": "t", "id": "1", "prediction": "The river", "references": ["a river"], "classes": [],
                  "metric": "longbench.qa_f1", "score": 0}
        [found] = score(self.write("records.jsonl", record), "--protocol", "clean")
        self.assertEqual(found["clean"], 1)
        self.assertNotIn("official", found)
        [found] = score(self.write("records.jsonl", record), "--metric", "longbench.code_sim")
        self.assertLess(found["official"], 1)

    def test_a_summary_for_people(self):
        text = run("eval", "score", GOLDEN / "leval_cases.jsonl", "--summary", check=0).stdout
        self.assertIn("official", text.split("\n")[0])
        self.assertTrue(any(line.startswith("gsm100") for line in text.split("\n")))

    def test_a_bad_line_is_named_and_nothing_is_printed(self):
        good = {"id": 1, "prediction": "x", "gold": "needle*key"}
        for fault, words in ((b'{"id": 2,', "JSON"), (b"[]", "object"), ({"id": 1, "prediction": "x", "gold": "a*b"}, "again"),
                             ({"id": 2, "prediction": 3, "gold": "a*b"}, "'prediction'"), ({"id": 2, "prediction": "x", "gold": "ab"}, "'*'"),
                             (b'{"id": 2, "prediction": "\xff", "gold": "a*b"}', "JSON"), ({"id": 2, "text": "x"}, "keys"), (b"", "JSON")):
            with self.subTest(words):
                path = self.write("cases.jsonl", good, fault)
                done = run("eval", "score", path, check=1)
                self.assertEqual(done.stdout, "")
                self.assertIn("cases.jsonl", done.stderr)
                self.assertRegex(done.stderr, "(:|line )2")
                self.assertIn(words, done.stderr)

    def test_one_bad_file_of_two_leaves_nothing_half_counted(self):
        good = self.write("good.jsonl", {"id": 1, "prediction": "x", "gold": "a*b"})
        bad = self.write("bad.jsonl", {"id": 1, "prediction": "x", "references": ["y"], "metric": "no.such"})
        done = run("eval", "score", good, bad, check=1)
        self.assertEqual(done.stdout, "")
        self.assertIn("no.such", done.stderr)

    def test_a_file_whose_name_says_no_task_needs_one(self):
        path = self.write("x.jsonl", {"pred": "3", "answers": ["3"], "all_classes": None, "length": 1})
        self.assertIn("--task", run("eval", "score", path, check=1).stderr)


if __name__ == "__main__":
    unittest.main()
