#!/usr/bin/env python3
"""Counts the answers of a model that have the form of recipes/data/instructions.jsonl, over held-out questions.

An answer has the form when it is exactly two lines, `Answer: …` and `Evidence: "…"`; its quotation is counted when it
stands in the question's text word for word, and the answer when it is the one in the file. Answers are the likeliest
tokens (temperature 0).

Usage: tools/count_answer_form.py LONGSCROLL MODEL recipes/data/held-out.jsonl [--out answers.json] [--threads N]
"""
import argparse
import json
import re
import subprocess

FORM = re.compile(r'Answer: (?P<answer>.+)\nEvidence: "(?P<evidence>.+)"\s*')


def ask(options, question):
    done = subprocess.run([options.program, "generate", options.model, "--chat", "--prompt", question, "--json",
                           "--max-new-tokens", "96", "--threads", str(options.threads)],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout)["text"]


def judged(question, expected, answer):
    found = FORM.fullmatch(answer)
    return {"question": question, "answer": answer, "form": found is not None,
            "quoted": found is not None and found["evidence"] in question,
            "right": found is not None and found["answer"] == FORM.fullmatch(expected)["answer"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("questions")
    parser.add_argument("--out")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    answers = []
    for line in open(options.questions, encoding="utf-8"):
        question, expected = (message["content"] for message in json.loads(line)["messages"])
        answers.append(judged(question, expected, ask(options, question)))
    counts = {key: sum(answer[key] for answer in answers) for key in ("form", "quoted", "right")}
    print(f"{options.model}: of {len(answers)} answers {counts['form']} have the form, {counts['quoted']} quote the "
          f"text word for word, {counts['right']} are the answer in the file")
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({**counts, "answers": answers}, file, indent=1, ensure_ascii=False)
            file.write("\n")


if __name__ == "__main__":
    main()
