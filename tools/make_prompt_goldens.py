#!/usr/bin/env python3
"""Writes tests/golden/suites/prompts.json: hashes of LongBench's and L-Eval's prompts.

Usage: tools/make_prompt_goldens.py [SHARED]   (default: ../shared beside the project)

A second reading of the official rules (docs/protocols), in Python and independent of src/suites: templates from
SHARED/golden/{longbench,leval}_config, items from SHARED/data. One hash a task: of every item's id, turns and
references, in order. Needs Python 3.9, nothing else.
"""
import hashlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BARE = {"trec", "triviaqa", "samsum", "lsht", "lcc", "repobench-p"}
SCORED = {"exam", "f1", "rouge"}
WORLD = "based on the world described in the document."
FACT = "based on the real-world knowledge and facts up until your last training"
FACT_TAIL = "\nPlease directly give answer without any additional output or explanation \nAnswer:"


def read_jsonl(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def replace_columns(text, record):
    """OpenCompass's safe_format: str.replace, column after column."""
    for name, value in record.items():
        text = text.replace("{" + name + "}", str(value))
    return text


class Digest:
    def __init__(self):
        self.hash = hashlib.sha256()
        self.items = 0

    def add(self, name, turns, bare, references):
        parts = [name, "bare" if bare else "chat"]
        for role, text in turns:
            parts += [role, text]
        self.hash.update(("\0".join(parts + references) + "\1").encode("utf-8"))
        self.items += 1

    def result(self):
        return {"items": self.items, "sha256": self.hash.hexdigest()}


def longbench(shared, goldens):
    config = shared / "golden/longbench_config"
    tasks = {task["name"]: task for task in json.loads((config / "opencompass_prompts.json").read_text())["tasks"]}
    official = json.loads((config / "dataset2prompt.json").read_text())
    for path in sorted((shared / "data/longbench").glob("*.jsonl")):
        opencompass, authors = Digest(), Digest()
        for record in read_jsonl(path):
            columns = {"context": record["context"], "answers": ""}
            if "{input}" in tasks[path.stem]["user"]:
                columns = {"input": record["input"], **columns}
            prompt = replace_columns(tasks[path.stem]["user"], columns)
            opencompass.add(record["_id"], [("user", prompt)], False, record["answers"])
            prompt = official[path.stem].format(**record)
            authors.add(record["_id"], [("user", prompt)], path.stem in BARE, record["answers"])
        goldens[f"longbench/opencompass/{path.stem}"] = opencompass.result()
        goldens[f"longbench/official/{path.stem}"] = authors.result()


def system_text(official, task, closed):
    for key, text in official["system"].items():
        if key not in ("exam", "open_ended") and key in task:
            return text
    return official["system"]["exam" if closed else "open_ended"]


def official_user(task, closed, document, question, answer):
    if "gsm" in task or "codeU" in task:
        return document + "\n\n" + question
    if closed:
        return ("Document is as follows. {} Question: {} \nPlease directly give answer without any additional output "
                "or explanation\n Answer: ").format(document, question)
    return ("Document is as follows. {} Instruction: {} " +
            f"The suggested output length is around {len(answer.split())} words. Output: ").format(document, question)


def leval(shared, goldens):
    config = shared / "golden/leval_config"
    tasks = {task["name"]: task for task in json.loads((config / "opencompass_prompts.json").read_text())["tasks"]}
    official = json.loads((config / "official_prompts.json").read_text())
    for path in sorted((shared / "data/leval").glob("*/*.jsonl")):
        task, closed = path.stem, path.parent.name.startswith("Closed")
        opencompass, authors = Digest(), Digest()
        for line, record in enumerate(read_jsonl(path), 1):
            for number, (question, answer) in enumerate(zip(record["instructions"], record["outputs"]), 1):
                name = f"{line}.{number}"
                if task in tasks:
                    columns = {"question": question, "context": record["input"]}
                    if not closed:
                        columns["length"] = len(answer.split())
                    columns["answer"] = ""
                    text = [replace_columns(tasks[task][part], columns) for part in ("system", "user")]
                    opencompass.add(name, [("user", "\n".join(text))], False, [answer])
                if record["evaluation"] not in SCORED:
                    continue
                turns = [("system", system_text(official, task, closed)),
                         ("user", official_user(task, closed, record["input"], question, answer))]
                if task != "sci_fi":
                    authors.add(name, turns, False, [answer])
                    continue
                authors.add(name + ".document", turns, False, [])
                turns.append(("user", question.replace(WORLD, FACT) + FACT_TAIL))
                authors.add(name + ".fact", turns, False, [answer])
        if task in tasks:
            goldens[f"leval/opencompass/{task}"] = opencompass.result()
        goldens[f"leval/official/{task}"] = authors.result()


def main():
    shared = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    goldens = {}
    longbench(shared, goldens)
    leval(shared, goldens)
    out = ROOT / "tests/golden/suites/prompts.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(goldens, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{out}: {len(goldens)} tasks, {sum(golden['items'] for golden in goldens.values())} prompts")


if __name__ == "__main__":
    main()
