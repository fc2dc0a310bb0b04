#!/usr/bin/env python3
"""Makes tests/golden/metrics/*.jsonl: random nasty answers and what the official evaluators give for them.

Usage: tools/make_metric_goldens.py LONGBENCH LEVAL OPENCOMPASS [--cases N] [--seed S] [--out FOLDER]

The first three are checkouts of THUDM/LongBench @ 2e00731, OpenLMLab/LEval @ cd34b05 and
open-compass/opencompass @ a5acc4b, whose evaluators are run as they are; only their registries and base classes
are stood in for. --report CHECKOUT is bilibili/Index-1.9B @ e964ed4, for the report's first_option. Needs Python
3.11 with rouge==1.0.1 rouge_score==0.1.2 fuzzywuzzy==0.18.0 python-Levenshtein==0.27.5 jieba==0.42.1
numpy==1.26.4. The lines have the form of ../shared/golden, and of records for choices.
"""
import argparse
import ast
import contextlib
import difflib
import importlib.util
import io
import json
import pathlib
import random
import re
import sys
import types

import fuzzywuzzy.fuzz
import jieba
import Levenshtein
import numpy as np
from rouge_score import rouge_scorer

WORDS = """the a an The AN tHe of and is was river mountain seventeen Abbreviation entity name story's don't state-of-the-art
U.S. e.g. 3.14 1,234.50 50% $18 x² y³ C++ foo_bar camelCase naïve café coöperate ΑΣ ΟΔΟΣ ΑΣ.Α İstanbul ısı IĞDIR straße ẞ ǅ ﬁn
Kelvin Ångström ｆｕｌｌ ＷＩＤＴＨ １２ ３ ٣٤ १२ ๓ ① ⑩ ² ½ 𝟏𝟐 𝐀𝐁 Ⅷ ⓐ Ⓑ 一二 〇 あいう カタカナ 한국어 שלום مرحبا हिन्दी ไทย 👍 👨‍👩‍👧 🇨🇳 e\u0301 a\u0327\u0301
\u200b \ufeff \u00ad \u02b0 \u1e9e \u0345 \u03a3 \u03c2 \u10d0 \u1c90 \uab70 \u13a0""".split()
CHINESE = """中国 人民 研究 生命 起源 的 了 在 是 和 有 北京大学 学生 会议 决定 推迟 小明 硕士 毕业于 中国科学院 计算所 后 日本 京都大学 深造 他 来到 网易
杭研 大厦 工信处 女干事 每月 经过 下属 科室 都要 亲口 交代 24口 交换机 等 技术性 器件 安装 工作 李小福 云计算 方面 专家 乒乓球 拍卖 完了 结婚的和尚未结婚的 长春市长春节讲话 麤 龘 齉 㐀 𠮷 鿕
鿖 々 〆 台灣 臺北 體育 說話 2023年 第3季度 GDP增长7.5% iPhone手机 A股 卡拉OK T恤""".split()
SIGNS = list(".,;:!?'\"`()[]{}<>/\\|@#$%^&*_-+=~") + list("。，、；：！？“”‘’（）《》〈〉「」『』【】…—·～￥％．") + ["...", "。。", "--", "==", "//"]
SPACES = [" ", " ", " ", " ", "  ", "\n", "\t", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u2003",
          "\u2028", "\u2029", "\u202f", "\u3000", "\x00", "\x7f", ""]
ANSWERS = ["The answer is ", "The answer is", "the answer is ", "Question", "Paragraph ", "Paragraph 3", "段落", "段落12", "A", "B", "C", "D",
           "AB", "DB", "(A)", "B.", "C)", "ABCD", "E", "True", "False", "true", "untrue", "[fact: ", "[FACT:", "]", "the final output",
           "will be", "of the code", "would be", "printed", "[ 1, 2 ]", "[[1, 2], [3]]", "3.0", ".0", "18", "070", "1e3", "inf", "nan", "1_000",
           "-5", "+7", "答案是", "答案：", "故选", "选", "正确", "因此", "显然", "option", "ANSWER: ", "anſwer: ", "boxed{", "}", "correct answer is",
           "1.", "所以", "只有选项", "说法错误的是", "answer is option: ", "是正确的"]

CHOICE = ["E", "a", "b", "答案", "是", "应该", "应", "该", "选项", "选", "项", "择", "为", "：", ":", "故", "即",
          "只有", "对", "错", "不", "正确", "错误", "说法", "的", "是正确的", "是正确答案", "所以答", "所以", "所有", "因此", "显然", "The answer is",
          "the answer is", "the correct answer is", "The correct option is", "the correct answer option is", " option", "the answer to the question is",
          "ANSWER", "anſwer", "(", ")", "**", " ", " ", "\n", "\u3000", "。", ".", "$", "，", ",", "boxed{", "}", "1.", "1、", "Because", "Also", ""]


def text(rng: random.Random, longest: int, pools) -> str:
    pieces = []
    for _ in range(rng.randint(0, longest)):
        pieces.append(rng.choice(rng.choice(pools)))
        if rng.random() < 0.7:
            pieces.append(rng.choice(SPACES))
    return "".join(pieces)


def changed(rng: random.Random, given: str, pools) -> str:
    """The text with some of its characters lost, moved or changed: references must have something in common."""
    cut = sorted(rng.randint(0, len(given)) for _ in range(2))
    middle = given[cut[0]:cut[1]]
    ways = [given, given[:cut[1]], given[cut[0]:], given[:cut[0]] + text(rng, 3, pools) + given[cut[1]:], given.upper(),
            given.lower(), middle + given[:cut[0]], middle, given.replace(" ", ""), given + text(rng, 4, pools)]
    return rng.choice(ways)


def pair(rng: random.Random, longest: int, pools) -> tuple[str, str]:
    reference = text(rng, longest, pools)
    prediction = changed(rng, reference, pools) if rng.random() < 0.8 else text(rng, longest, pools)
    return prediction, reference


# --- The evaluators, with stand-ins for what they are registered in ---

class Anything:
    """Takes the place of registries and base classes."""
    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        return lambda *args, **kwargs: (lambda wrapped: wrapped)


def stand_in(name: str, **members) -> None:
    module = types.ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    module.__path__ = []
    sys.modules[name] = module


def load(path: pathlib.Path, name: str):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def functions_of(path: pathlib.Path, **names) -> dict:
    """The functions alone of a script that cannot be imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    members = {"re": re, **names}
    exec(compile(tree, str(path), "exec"), members)
    return members


class Official:
    def __init__(self, longbench: pathlib.Path, leval: pathlib.Path, opencompass: pathlib.Path):
        stand_in("opencompass")
        stand_in("opencompass.registry", ICL_EVALUATORS=Anything(), TEXT_POSTPROCESSORS=Anything(), LOAD_DATASET=Anything())
        stand_in("opencompass.openicl")
        stand_in("opencompass.openicl.icl_evaluator", BaseEvaluator=object)
        stand_in("opencompass.utils", get_data_path=None)
        stand_in("opencompass.utils.prompt", PromptList=list)
        source = opencompass / "opencompass"
        self.post = load(source / "utils/text_postprocessors.py", "opencompass.utils.text_postprocessors")
        self.oc_longbench = load(source / "datasets/longbench/evaluators.py", "oc_longbench")
        self.oc_leval = load(source / "datasets/leval/evaluators.py", "oc_leval")
        self.oc_math = functions_of_module(source / "datasets/leval/leval_gsm100.py")
        self.oc_needle = class_of(source / "datasets/needlebench/origin.py", "NeedleBenchOriginEvaluator")
        self.longbench = load(longbench / "LongBench/metrics.py", "thudm_metrics")
        self.em = load(leval / "Evaluation/em.py", "leval_em")
        self.f1 = load(leval / "Evaluation/f1.py", "leval_f1")
        self.args = types.SimpleNamespace(pred_file="")
        self.leval = functions_of(leval / "Evaluation/auto_eval.py", args=self.args)


def functions_of_module(path: pathlib.Path) -> dict:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for node in tree.body:
        node.decorator_list = []
    members = {"re": re}
    exec(compile(tree, str(path), "exec"), members)
    return members


def class_of(path: pathlib.Path, name: str):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    tree.body[0].decorator_list = []
    members = {"re": re, "BaseEvaluator": object}
    exec(compile(tree, str(path), "exec"), members)
    return members[name]


def quiet(function, *args, **kwargs):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **kwargs)


# --- Cases ---

CLASSES = ["Food", "Date", "Other entity", "entity", "State", "Other", "Abbreviation", "Expression abbreviated", "农业", "农业、农村", "农"]
FIRST_LINE = {"trec", "triviaqa", "samsum", "lsht"}
LONGBENCH = [("qasper", "qa_f1"), ("triviaqa", "qa_f1"), ("multifieldqa_zh", "qa_f1_zh"), ("gov_report", "rouge"), ("samsum", "rouge"),
             ("dureader", "rouge_zh"), ("trec", "classification"), ("lsht", "classification"), ("passage_retrieval_en", "retrieval"),
             ("passage_retrieval_zh", "retrieval_zh"), ("passage_count", "count"), ("lcc", "code_sim"), ("repobench-p", "code_sim")]
OC_EVALUATORS = {"qa_f1": ("LongBenchF1Evaluator", "en"), "qa_f1_zh": ("LongBenchF1Evaluator", "zh"), "rouge": ("LongBenchRougeEvaluator", "en"),
                 "rouge_zh": ("LongBenchRougeEvaluator", "zh"), "classification": ("LongBenchClassificationEvaluator", None),
                 "retrieval": ("LongBenchRetrievalEvaluator", "en"), "retrieval_zh": ("LongBenchRetrievalEvaluator", "zh"),
                 "count": ("LongBenchCountEvaluator", None), "code_sim": ("LongBenchCodeSimEvaluator", None)}


def numbered(rng: random.Random, before: str, pools) -> str:
    return text(rng, 2, pools) + before + rng.choice(["3", "12", "012", "１２", "1", "30"]) + text(rng, 2, pools)


def longbench_texts(rng: random.Random, metric: str) -> tuple[str, list[str]]:
    chinese = metric.endswith("zh")
    pools = [CHINESE, CHINESE, SIGNS, WORDS] if chinese else [WORDS, WORDS, SIGNS, CHINESE, ANSWERS]
    count = rng.choice([1, 1, 1, 2, 3])
    if metric == "classification":
        return text(rng, 4, [CLASSES, CLASSES, SPACES, SIGNS]), [rng.choice(CLASSES) for _ in range(count)]
    if metric == "count":
        return text(rng, 6, [["3", "12", "012"], WORDS, SIGNS]), [rng.choice(["3", "12", "1 2", "１２"]) for _ in range(count)]
    if metric.startswith("retrieval"):
        before = "段落" if chinese else "Paragraph "
        return text(rng, 6, [["3", "12", before + "12", before], pools[0], SIGNS]), [numbered(rng, before, pools) for _ in range(count)]
    longest = 60 if metric == "code_sim" and rng.random() < 0.5 else 14
    prediction, reference = pair(rng, longest, pools)
    return prediction, [reference] + [changed(rng, reference, pools) for _ in range(count - 1)]


def first_line(prediction: str) -> str:
    return prediction.lstrip("\n").split("\n")[0]


def official_scores(official: Official, metric: str, prediction: str, references: list[str], classes, difflib_ratio: bool) -> list[float]:
    matcher = difflib.SequenceMatcher if difflib_ratio else fuzzywuzzy.StringMatcher.StringMatcher
    fuzzywuzzy.fuzz.SequenceMatcher = matcher
    return [float(getattr(official.longbench, metric + "_score")(prediction, reference, all_classes=classes)) for reference in references]


def longbench_case(official: Official, rng: random.Random, number: int) -> dict:
    task, metric = LONGBENCH[number % len(LONGBENCH)]
    prediction, references = longbench_texts(rng, metric)
    classes = CLASSES if metric == "classification" else None
    used = first_line(prediction) if task in FIRST_LINE else prediction
    each = official_scores(official, metric, used, references, classes, True)
    case = {"id": f"fuzz-{number}", "task": task, "metric": metric + "_score", "prediction": prediction, "references": references,
            "all_classes": classes, "official": max([0.0, *each]), "official_per_reference": each}
    if metric == "code_sim":
        case["official_levenshtein"] = max(official_scores(official, metric, used, references, classes, False))
    fuzzywuzzy.fuzz.SequenceMatcher = fuzzywuzzy.StringMatcher.StringMatcher
    name, language = OC_EVALUATORS[metric]
    evaluator = getattr(official.oc_longbench, name)(**({"language": language} if language else {}))
    wanted = {"answers": references, "all_classes": classes} if metric == "classification" else references
    case["opencompass"] = evaluator.score([used], [wanted])["score"] / 100
    return case


def choice_case(official: Official, case: dict) -> None:
    official.args.pred_file = case["task"] + ".jsonl"
    case["official_pred"] = official.leval["process_output_mc"](case["prediction"])
    case["official_ref"] = official.leval["process_gt_mc"](case["gt"])
    case["official"] = quiet(official.em.exact_match_score, case["official_pred"], case["official_ref"])
    post = official.post.first_capital_postprocess_multi if case["task"] == "coursera" else official.post.first_capital_postprocess
    case["opencompass_pred"] = post(case["prediction"])
    case["opencompass_ref"] = case["gt"][1] if case["task"] == "quality" else case["gt"]
    case["opencompass"] = float(case["opencompass_pred"] == case["opencompass_ref"])


def math_case(official: Official, case: dict) -> None:
    case["official_pred"], case["official_ref"] = (official.leval["process_math"](case[key]) for key in ("prediction", "gt"))
    case["official"] = quiet(official.em.exact_match_score, case["official_pred"], case["official_ref"])
    case["opencompass_pred"] = official.oc_math["gsm100_postprocess"](case["prediction"])
    case["opencompass_ref"] = official.oc_math["gsm100_dataset_postprocess"](case["gt"])
    case["opencompass"] = float(case["opencompass_pred"] == case["opencompass_ref"])


def code_case(official: Official, case: dict) -> None:
    case["official_pred"] = official.leval["process_output_code"](case["prediction"], case["gt"])
    case["official_ref"] = official.leval["process_gt_code"](case["gt"])
    case["official"] = quiet(official.em.exact_match_score, case["official_pred"], case["official_ref"])


def judge_case(official: Official, case: dict) -> None:
    case["official_pred"] = official.leval["process_output_judge"](case["prediction"])
    case["official_ref"] = official.leval["process_gt_judge"](case["gt"])
    case["official"] = [quiet(official.em.exact_match_score, *both) for both in zip(case["official_pred"], case["official_ref"])]


def topic_case(official: Official, case: dict) -> None:
    case["official"] = quiet(official.em.exact_match_score, case["prediction"], case["gt"])
    general = official.post.general_postprocess
    case["opencompass_pred"], case["opencompass_ref"] = general(general(case["prediction"])), general(case["gt"])
    case["opencompass"] = official.oc_leval.LEvalEMEvaluator().score([general(case["prediction"])], [case["gt"]])["score"] / 100


def f1_case(official: Official, case: dict) -> None:
    case["official"] = official.f1.f1_score(case["prediction"], case["gt"])


def rouge_case(official: Official, case: dict) -> None:
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=False)
    for key, score in scorer.score(case["gt"], case["prediction"]).items():
        case[key] = score.fmeasure


LEVAL = [("choice", "coursera", choice_case), ("choice", "quality", choice_case), ("choice", "tpo", choice_case), ("math", "gsm100", math_case),
         ("code", "codeU", code_case), ("judge", "sci_fi", judge_case), ("topic", "topic_retrieval_longchat", topic_case),
         ("f1", "natural_question", f1_case), ("rouge", "gov_report_summ", rouge_case)]


def leval_case(official: Official, rng: random.Random, number: int) -> dict:
    kind, task, fill = LEVAL[number % len(LEVAL)]
    pools = [ANSWERS, ANSWERS, WORDS, SIGNS]
    prediction, reference = pair(rng, 8 if kind != "rouge" else 40, pools)
    if kind == "choice":
        reference = rng.choice(["A", "B", "BD", "ABC", "D", "(C) He left.", "(A) A", "A) B", "none"]) if task != "quality" else \
            rng.choice(["(A) x", "(B) Because of ABBA.", "(D) D"])
    if kind == "judge":
        reference = rng.choice(["True [fact: False]", "False [fact: True]", "True. [fact: True.]"])
        prediction = text(rng, 4, [ANSWERS]) + "[fact:" + text(rng, 4, [ANSWERS, SPACES])
    if kind == "code" and rng.random() < 0.7:
        reference = rng.choice(["[[1, 2], [3]]", "5", "True", "3.0", "A", "a b", "[ 1 ]"])
        prediction = prediction + rng.choice(["the final output", "The value of x is ", " "]) + reference + text(rng, 3, pools)
    if kind == "math" and rng.random() < 0.6:
        reference = rng.choice(["18", "1,234", "3.5", "70 apples", "inf", "1_0", "3", "0", "², 2"])
        prediction = prediction + rng.choice(["The answer is ", "The answer is  ", "so "]) + changed(rng, reference, [SIGNS, ANSWERS])
    if kind == "topic":
        reference = text(rng, 4, [WORDS, ["The", "art", "of", "AI"], SPACES])
        prediction = text(rng, 2, [WORDS, SIGNS]) + changed(rng, reference, [WORDS, SIGNS]) + text(rng, 2, [WORDS, SIGNS])
    case = {"id": f"fuzz-{number}", "kind": kind, "task": task, "prediction": prediction, "gt": reference}
    fill(official, case)
    return case


def needle_case(official: Official, rng: random.Random, number: int) -> dict:
    pools = [WORDS, CHINESE, SIGNS]
    needle = "\n" + text(rng, 8, pools) + "\n"
    keyword = rng.choice([needle[1:6], text(rng, 2, pools), "Lantern", ""])
    prediction = changed(rng, needle, pools)
    gold = needle + "*" + keyword
    case = {"id": f"fuzz-{number}", "prediction": prediction, "gold": gold}
    case["official"] = quiet(official.oc_needle().score, [prediction], [gold])["score"]
    if re.sub(r"\s+", "", gold.split("*")[0]):
        case["official_use_trim"] = quiet(official.oc_needle(use_trim=True).score, [prediction], [gold])["score"]
    case["official_v2"] = 100.0 if gold.split("*")[1] in prediction else 0.0
    case["edit_distance"] = Levenshtein.distance(*(re.sub(r"\s+", "", part) for part in (prediction, gold.split("*")[0])))
    return case


def jieba_case(rng: random.Random, number: int) -> dict:
    given = text(rng, 20, [CHINESE, CHINESE, CHINESE, SIGNS, WORDS])
    return {"id": f"fuzz-{number}", "text": given, "tokens": list(jieba.cut(given, cut_all=False))}


def choices_case(official: Official, old_post, rng: random.Random, number: int) -> dict:
    """In the form of a record, with what each version takes as the answer."""
    prediction = "".join(rng.choice("ABCD" if rng.random() < 0.25 else CHOICE) for _ in range(rng.randint(0, 9)))
    if rng.random() < 0.2:
        prediction = text(rng, 3, [WORDS, SIGNS]) + prediction + text(rng, 3, [ANSWERS, SIGNS])
    reference = rng.choice("ABCD")
    metric = "choice.first_capital" if number % 4 == 0 else "choice.first_option"
    if metric == "choice.first_option":
        newer, old = (post.first_option_postprocess(prediction, "ABCD") for post in (official.post, old_post))
    else:
        newer = old = official.post.first_capital_postprocess(prediction)
    return {"id": f"fuzz-{number}", "task": "mmlu", "metric": metric, "prediction": prediction, "references": [reference],
            "official_pred": newer, "opencompass_pred": old, "official": float(newer == reference), "opencompass": float(old == reference)}


def bootstrap_rows(rng: np.random.RandomState) -> list[dict]:
    """Columns of scores and the medians that rouge_score's aggregator gives, after the evaluator's seed."""
    from rouge_score import scoring
    rows = []
    for count in (1, 2, 3, 5, 17, 64, 65, 200):
        table = rng.random_sample((count, 4))
        aggregator = scoring.BootstrapAggregator()
        for line in table:
            aggregator.add_scores({f"c{i}": scoring.Score(0.0, 0.0, value) for i, value in enumerate(line)})
        np.random.seed(0)
        medians = [aggregated.mid.fmeasure for aggregated in aggregator.aggregate().values()]
        rows.append({"columns": table.T.tolist(), "medians": medians})
    return rows


def write(path: pathlib.Path, rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(path, len(rows) if isinstance(rows, list) else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("longbench", "leval", "opencompass"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parents[1] / "tests/golden/metrics")
    arguments = parser.parse_args()
    sys.setrecursionlimit(100000)
    official = Official(arguments.longbench, arguments.leval, arguments.opencompass)
    old_post = load(arguments.report / "evaluate/opencompass/utils/text_postprocessors.py", "old_post")
    arguments.out.mkdir(parents=True, exist_ok=True)
    makers = {"longbench": lambda rng, i: longbench_case(official, rng, i), "leval": lambda rng, i: leval_case(official, rng, i),
              "needle": lambda rng, i: needle_case(official, rng, i), "jieba": jieba_case,
              "choice": lambda rng, i: choices_case(official, old_post, rng, i)}
    for name, make in makers.items():
        rng = random.Random(f"{arguments.seed} {name}")
        write(arguments.out / f"{name}_cases.jsonl", [make(rng, i) for i in range(arguments.cases)])
    write(arguments.out / "bootstrap.jsonl", bootstrap_rows(np.random.RandomState(arguments.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
