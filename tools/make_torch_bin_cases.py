#!/usr/bin/env python3
"""Writes tests/golden/torch_bin/*.bin: small files as torch.save makes them, good ones and bad ones.

Usage: python tools/make_torch_bin_cases.py   (needs torch; made with 2.13.0)

src/formats/torch_bin_test.cc reads them and knows the values: element i of a tensor of n is i - 2.
"""
import collections
import pathlib
import pickle
import zipfile

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "torch_bin"


def ramp(*shape, dtype=torch.float32):
    count = 1
    for dim in shape:
        count *= dim
    return (torch.arange(count, dtype=torch.float32) - 2).reshape(shape).to(dtype)


class CallsSystem:
    """What a hostile checkpoint would hold: unpickling it with Python runs a command."""

    def __reduce__(self):
        import os

        return os.system, ("echo pwned",)


def repack(source, target, replace=None, compression=zipfile.ZIP_STORED):
    """Copies an archive with Python's zipfile, which writes plain (not zip64) records."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for info in old.infolist():
            data = old.read(info.filename)
            for suffix, substitute in (replace or {}).items():
                if info.filename.endswith(suffix):
                    data = substitute
            new.writestr(zipfile.ZipInfo(info.filename, (2020, 1, 1, 0, 0, 0)), data, compression)


def main():
    OUT.mkdir(parents=True, exist_ok=True)

    def save(name, value, **options):
        torch.save(value, OUT / f"{name}.bin", **options)

    save("f32", {"w": ramp(2, 3), "b": ramp(3)})
    save("f16", {"w": ramp(2, 3, dtype=torch.float16)})
    save("bf16", {"w": ramp(2, 3, dtype=torch.bfloat16)})
    save("other_types", {"i64": torch.arange(3), "bool": torch.tensor([True]), "f64": ramp(2, dtype=torch.float64),
                         "f8": ramp(2, dtype=torch.float8_e4m3fn), "scalar": torch.tensor(5.0),
                         "empty": torch.zeros(0, 4)})
    shared = ramp(4, 2)
    save("shared_storage", {"embed": shared, "head": shared})
    save("offset", {"tail": shared[1:], "middle": shared[1:3], "row": shared[2]})
    save("transposed", {"fine": ramp(2), "turned": ramp(2, 3).t()})
    save("parameter", {"p": torch.nn.Parameter(ramp(2, 2))})
    linear = torch.nn.Linear(3, 2)
    with torch.no_grad():
        linear.weight.copy_(ramp(2, 3))
        linear.bias.copy_(ramp(2))
    save("state_dict_with_metadata", linear.state_dict())
    save("nested_state_dict", {"epoch": 3, "loss": 0.5, "state_dict": linear.state_dict(), "note": ["x", None, 2**40]})
    save("nested_model", {"model": collections.OrderedDict(w=ramp(2))})
    save("protocol5", {"w": ramp(2, 3), "b": ramp(3)}, pickle_protocol=5)
    save("calls_system", {"w": ramp(2), "x": CallsSystem()})
    save("legacy", {"w": ramp(2)}, _use_new_zipfile_serialization=False)
    save("python_attributes", {"w": with_attribute(ramp(2))})
    repack(OUT / "f32.bin", OUT / "plain_zip.bin")
    repack(OUT / "f32.bin", OUT / "compressed.bin", compression=zipfile.ZIP_DEFLATED)
    repack(OUT / "f32.bin", OUT / "big_endian.bin", {"byteorder": b"big"})
    repack(OUT / "f32.bin", OUT / "not_a_dict.bin", {"data.pkl": pickle.dumps([1, 2], 2)})
    for path in sorted(OUT.glob("*.bin")):
        print(f"{path.stat().st_size:6d} {path.name}")


def with_attribute(tensor):
    tensor.note = "kept by torch.save through another rebuild function"
    return tensor


if __name__ == "__main__":
    main()
