#!/usr/bin/env python3
"""Makes tests/golden/train/adamw.json: ten steps of torch.optim.AdamW with clipping and a schedule.

Usage: tools/make_adamw_golden.py tests/golden/train/adamw.json   (needs torch)

Two matrices that decay and a vector that does not, gradients of a fixed formula that grow from step to step.
"""
import json
import math
import sys

import torch

SHAPES = {"first.weight": [6, 5], "norm.weight": [7], "second.weight": [3, 4]}
STEPS, WARMUP, TOTAL = 10, 3, 12
SETTINGS = {"learning_rate": 1e-2, "final_learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8,
            "weight_decay": 0.1, "clip": 1.0, "warmup_steps": WARMUP, "total_steps": TOTAL}


def wave(shape, phase, scale):
    count = math.prod(shape)
    return (torch.arange(count, dtype=torch.float32) * 0.7 + phase).sin().mul(scale).view(shape)


def learning_rate(step):
    if step < WARMUP:
        return SETTINGS["learning_rate"] * (step + 1) / WARMUP
    peak, last = SETTINGS["learning_rate"], SETTINGS["final_learning_rate"]
    return last + (peak - last) * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (TOTAL - WARMUP)))


def main():
    parameters = {name: torch.nn.Parameter(wave(shape, 0.3 * i, 1.0)) for i, (name, shape) in enumerate(SHAPES.items())}
    golden = {**SETTINGS, "made_by": "tools/make_adamw_golden.py", "torch": torch.__version__}
    golden["parameters"] = [{"name": name, "shape": SHAPES[name], "start": p.detach().flatten().tolist()}
                            for name, p in parameters.items()]
    matrices = [p for p in parameters.values() if p.dim() >= 2]
    others = [p for p in parameters.values() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": SETTINGS["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
        lr=1.0, betas=(SETTINGS["beta1"], SETTINGS["beta2"]), eps=SETTINGS["epsilon"])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, learning_rate)
    golden["gradients"], golden["norms"], golden["learning_rates"] = [], [], []
    for step in range(STEPS):
        gradients = [wave(shape, 1.1 * step + i, 0.06 * (step + 1)) for i, shape in enumerate(SHAPES.values())]
        for parameter, gradient in zip(parameters.values(), gradients):
            parameter.grad = gradient.clone()
        golden["gradients"].append([g.flatten().tolist() for g in gradients])
        golden["norms"].append(torch.nn.utils.clip_grad_norm_(parameters.values(), SETTINGS["clip"]).item())
        golden["learning_rates"].append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    for entry, parameter in zip(golden["parameters"], parameters.values()):
        entry["end"] = parameter.detach().flatten().tolist()
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(golden, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
