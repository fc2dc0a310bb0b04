"""What the trainer exports, as transformers and PEFT read it: the logits are the trainer's own.

The exports are those of tests/train/engine_agreement_test.cc, whose program this runs. Index is left out: it is not in
transformers.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import peft
import torch
import transformers

EXPORTER = os.environ["LONGSCROLL_EXPORTER"]
TOLERANCE = 2e-5  # of the largest logit: two float32 computations of the same thing, angles in float32 in one


class TrainedExports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        subprocess.run([EXPORTER, "--gtest_brief=1"], check=True, timeout=300,
                       env={**os.environ, "LONGSCROLL_EXPORTS": cls.temporary.name})
        cls.exports = sorted(path for path in pathlib.Path(cls.temporary.name).iterdir()
                             if not path.name.startswith("index"))

    def check(self, model, export):
        expected = json.loads((export / "trained.json").read_text())
        with torch.no_grad():
            logits = model.eval()(torch.tensor([expected["ids"]]), use_cache=False).logits[0]
        for row in expected["rows"]:
            want = torch.tensor(row["logits"])
            away = float((logits[row["position"]] - want).abs().max() / want.abs().max())
            self.assertLess(away, TOLERANCE, f"{export.name}, position {row['position']}")

    def test_transformers_computes_the_trainers_logits(self):
        self.assertTrue(self.exports)
        for export in self.exports:
            with self.subTest(export.name):
                self.check(transformers.AutoModelForCausalLM.from_pretrained(export, dtype=torch.float32), export)

    def test_peft_computes_the_trainers_logits_from_the_adapter(self):
        adapters = [export for export in self.exports if (export / "adapter/adapter_config.json").exists()]
        self.assertTrue(adapters)
        for export in adapters:
            with self.subTest(export.name):
                config = json.loads((export / "adapter/adapter_config.json").read_text())
                base = transformers.AutoModelForCausalLM.from_pretrained(config["base_model_name_or_path"],
                                                                         dtype=torch.float32)
                self.check(peft.PeftModel.from_pretrained(base, export / "adapter"), export)


if __name__ == "__main__":
    unittest.main()
