"""Which models the pocket experiments train, and what is asked of each: a table, from nothing but numbers.

A run is a stage of training that begins from another run's model (or from an untrained one). Names are "SEED/WHAT"; the
numbers of the comparisons are those of docs/report.
"""
from typing import NamedTuple

WINDOW, LONG_WINDOW = 512, 4096
BASE = 10_000.0
BATCH = 16_384  # tokens of a step
REPORTS_FACTOR = 32  # of the rotary base, for a window eight times as long
LONG_STEPS = 366  # 6M tokens
SFT_STEPS = 60
SWEEP = (1, 4, 8, 32, 100, 1000)
TOKEN_STEPS = (23, 46, 92, 183, 732)  # beside LONG_STEPS
METHODS = ("ntk:8", "dynamic-ntk:8", "linear:8", "yarn:8")  # that need no training
SFT_SHARES = (0.001, 0.01, 0.1, 0.37)
SFT_RECORDS = 8_000  # of an epoch, of which SFT_STEPS see the beginning


class Run(NamedTuple):
    name: str
    begins_from: str  # a run, or "SEED/untrained"
    stage: str
    steps: int
    rate: float
    final_rate: float
    sources: dict[str, float]  # shards or instructions: weight (pt) or count (sft)
    window: int = LONG_WINDOW
    rope_base: float = REPORTS_FACTOR * BASE
    packing: str = "best-fit"
    document_mask: bool = True
    warmup: int = 20
    lora_rank: int = 0  # 0: every weight learns


LONG = {"long-made": 0.5, "long-text": 0.5}
MIDDLE = {"middle-made": 0.5, "middle-text": 0.5}
TOP = {"top-made": 0.5, "top-text": 0.5}
SHORT = {"short-made": 0.5, "short-text": 0.5}
BOTH = {"long-made": 0.35, "long-text": 0.35, "short-made": 0.15, "short-text": 0.15}


def long_pt(seed: int, what: str, **changes) -> Run:
    return Run(f"{seed}/{what}", f"{seed}/base", "pt", LONG_STEPS, 1e-3, 1e-4, LONG)._replace(**changes)


def base_run(seed: int, steps: int) -> Run:
    return Run(f"{seed}/base", f"{seed}/untrained", "pt", steps, 3e-3, 3e-4, SHORT, window=WINDOW, rope_base=BASE,
               warmup=30)


def sft(seed: int, what: str, share: float) -> Run:
    long_records = max(1, round(share * SFT_RECORDS))
    return Run(f"{seed}/{what}", f"{seed}/long", "sft", SFT_STEPS, 2e-4, 2e-5,
               {"instructions/short": SFT_RECORDS - long_records, "instructions/long": long_records})


def stages(seed: int, what: str, parts: list[dict[str, float]]) -> list[Run]:
    """A third of Long PT each, one after the other, at one rate: only what is read differs."""
    runs, before = [], f"{seed}/base"
    for number, sources in enumerate(parts, 1):
        runs.append(Run(f"{seed}/{what}-{number}", before, "pt", LONG_STEPS // 3, 5e-4, 5e-4, sources))
        before = runs[-1].name
    return runs


def comparison(number: int, seed: int) -> list[Run]:
    """Runs of one comparison beside `base`, `long` and `sft` (share 0.37), which all of them use."""
    if number == 2:
        return [long_pt(seed, f"base-x{factor}", rope_base=factor * BASE) for factor in SWEEP if factor != REPORTS_FACTOR]
    if number == 3:
        return [long_pt(seed, f"steps-{steps}", steps=steps, warmup=min(20, steps // 2)) for steps in TOKEN_STEPS]
    if number == 4:
        mixed = {name: 1 / 6 for name in (*SHORT, *MIDDLE, *TOP)}
        return stages(seed, "rising", [SHORT, MIDDLE, TOP]) + stages(seed, "mixed", [mixed] * 3)
    if number == 5:
        return [long_pt(seed, "packed", sources=BOTH),
                long_pt(seed, "packed-unmasked", sources=BOTH, document_mask=False),
                long_pt(seed, "padded", sources=BOTH, packing="padded")]
    if number == 6:
        return [sft(seed, f"sft-{share}", share) for share in SFT_SHARES if share != SFT_SHARES[-1]]
    if number == 7:
        return [sft(seed, "sft-gentle", SFT_SHARES[-1])._replace(rate=7e-5, final_rate=7e-6),
                sft(seed, "sft-lora", SFT_SHARES[-1])._replace(lora_rank=8, rate=2e-3, final_rate=2e-4)]
    return []  # 1 asks the runs that there are
