"""longscroll-train as people run it: three stages, export to the engine, processes, plans, faults."""
import fcntl
import json
import os
import signal
import unittest

import harness
import tiny_model
import training
from training import steps

INSTRUCTIONS = [{"messages": [{"role": "user", "content": f"Number {i}?"},
                              {"role": "assistant", "content": f"It is {i}."}]} for i in range(12)]
PREFERENCES = [{"prompt": f"Number {i}?", "chosen": f"It is {i}.", "rejected": "Who knows."} for i in range(12)]


def jsonl(records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


class Stages(training.TestCase):
    def test_pre_training_lowers_the_loss_and_exports_what_the_engine_reads(self):
        recipe = self.recipe("pt", steps=20)
        self.train("pt", recipe, "--set", f"evaluation.path={self.shards}", "--set", "evaluation.packs=64")
        losses = [step["loss"] for step in steps(self.out("pt"))]
        self.assertEqual(len(losses), 20)
        self.assertLess(losses[-1], 0.8 * losses[0])
        self.assertEqual(training.checkpoints(self.out("pt")), ["step-00000015", "step-00000020"])
        inspected = harness.run_json("inspect", self.out("pt") / "model")
        self.assertEqual(inspected["architecture"], "llama")
        # The last checkpoint's model and the exported one are the same weights.
        self.assertEqual(training.weights_hash(self.out("pt") / "model"),
                         training.weights_hash(self.out("pt") / "checkpoints/step-00000020"))

    def test_perplexity_of_the_engine_is_that_of_the_trainer(self):
        held_out = self.folder / "held-out"
        held_out.mkdir()
        text = training.text(30)[:100]  # one document, one pack
        (held_out / "one.txt").write_text(text)
        shards = self.folder / "held-out-shards"
        harness.run("data", "pack", self.model, held_out, "--out", shards, "--bos", "none", "--eos", "none", check=0)
        recipe = self.recipe("agree", steps=6)
        self.train("pt", recipe, "--set", f"evaluation.path={shards}")
        lines = [json.loads(line) for line in (self.out("agree") / "metrics.jsonl").read_text().splitlines()]
        evaluation = [line["evaluation"] for line in lines if "evaluation" in line][-1]
        scored = harness.run_json("perplexity", self.out("agree") / "model", held_out / "one.txt", "--ctx", 128,
                                  "--stride", 128, "--compute", "f32")
        self.assertEqual(scored["counted"], evaluation["targets"])
        self.assertAlmostEqual(scored["nll"], evaluation["loss"], places=4)

    def test_instructions_then_preferences(self):
        instructions = self.write("instructions.jsonl", jsonl(INSTRUCTIONS))
        self.train("sft", self.recipe("sft", steps=30, data=instructions), "--set", "batch.tokens=128")
        losses = [step["loss"] for step in steps(self.out("sft"))]
        self.assertLess(losses[-1], 0.7 * losses[0])
        preferences = self.write("preferences.jsonl", jsonl(PREFERENCES))
        recipe = self.recipe("dpo", steps=12, data=preferences, model=self.out("sft") / "model")
        self.train("dpo", recipe, "--set", "optimizer.learning_rate=1e-3")
        made = steps(self.out("dpo"))
        self.assertAlmostEqual(made[0]["loss"], 0.693147, places=4)  # the policy is the reference still
        self.assertGreater(made[-1]["margin"], made[0]["margin"])
        self.assertLess(made[-1]["loss"], made[0]["loss"])
        self.assertTrue((self.out("dpo") / "reference.safetensors").exists())

    def test_packs_computed_at_once_come_to_the_same_losses(self):
        self.train("pt", self.recipe("apart", steps=8))
        self.train("pt", self.recipe("at-once", steps=8), "--set", "batch.micro_tokens=512")
        for apart, at_once in zip(steps(self.out("apart")), steps(self.out("at-once")), strict=True):
            self.assertAlmostEqual(apart["loss"], at_once["loss"], places=4)

    def test_without_the_document_mask_later_documents_see_the_earlier_ones(self):
        several = ("--set", "data.sequence_length=4096", "--set", "batch.tokens=4096")  # documents a pack
        self.train("pt", self.recipe("masked", steps=3), *several)
        self.train("pt", self.recipe("unmasked", steps=3), *several, "--set", "data.document_mask=false")
        masked, unmasked = steps(self.out("masked"))[0], steps(self.out("unmasked"))[0]
        self.assertGreater(abs(masked["loss"] - unmasked["loss"]), 1e-6)

    def test_adapters_are_kept_as_adapters_and_merged_at_the_end(self):
        recipe = self.recipe("lora", steps=8)
        self.train("pt", recipe, "--set", "lora.rank=4", "--set", "optimizer.learning_rate=2e-2")
        last = self.out("lora") / "checkpoints/step-00000008"
        self.assertTrue((last / "adapter_model.safetensors").exists())
        self.assertFalse((last / "model.safetensors").exists())
        self.assertTrue((self.out("lora") / "model/model.safetensors").exists())


class Processes(training.TestCase):
    def test_two_come_to_the_losses_of_one(self):
        self.train("pt", self.recipe("one", steps=8))
        self.train("pt", self.recipe("two", steps=8), processes=2)
        one, two = steps(self.out("one")), steps(self.out("two"))
        self.assertEqual(len(two), 8)
        for a, b in zip(one, two):
            self.assertAlmostEqual(a["loss"], b["loss"], delta=1e-5)
            self.assertAlmostEqual(a["gradient_norm"], b["gradient_norm"], delta=1e-4 * a["gradient_norm"])
            self.assertEqual(a["tokens"], b["tokens"])

    def test_a_run_of_two_goes_on_as_one(self):
        self.train("pt", self.recipe("whole", steps=10))
        recipe = self.recipe("other", steps=10)
        process = self.start("pt", recipe, processes=2)
        training.wait_for_step(self.out("other"), 6)
        process.send_signal(signal.SIGUSR1)  # mpirun hands it on
        process.communicate(timeout=training.TIMEOUT)
        self.assertNotEqual(process.returncode, 0)
        done = max(step["step"] for step in steps(self.out("other")))
        self.assertIn(f"step-{done:08}", training.checkpoints(self.out("other")))
        self.train("pt", recipe, "--resume")
        self.assertAlmostEqual(steps(self.out("whole"))[-1]["loss"], steps(self.out("other"))[-1]["loss"], delta=1e-4)


class Plans(training.TestCase):
    def test_says_memory_and_time_and_starts_nothing(self):
        said = self.train("pt", self.recipe("planned"), "--plan")
        for words in ("M parameters", "moments of AdamW", "together", "a step", "the run   20 steps"):
            self.assertIn(words, said)
        self.assertFalse(self.out("planned").exists())

    def test_plans_for_other_machines(self):
        said = self.train("pt", self.recipe("planned"), "--plan", "--machine", "h100x8")
        self.assertIn("memory of each of 8 processes", said)
        self.assertIn("must be a100, h100 or h200", self.train("pt", self.recipe("planned"), "--plan", "--machine",
                                                              "z80", check=1))


class Faults(training.TestCase):
    def test_a_misspelt_key_is_named_with_its_line_and_the_nearest(self):
        recipe = self.recipe("bad")
        recipe.write_text(recipe.read_text().replace("warmup_steps", "warmup_step"))
        said = self.train("pt", recipe, check=1)
        self.assertIn("did you mean optimizer.warmup_steps?", said)
        self.assertRegex(said, r"bad\.toml:\d+\]")
        self.assertFalse(self.out("bad").exists())

    def test_a_folder_is_written_to_by_one_run_at_a_time(self):
        recipe = self.recipe("held", steps=2)
        self.out("held").mkdir()
        folder = os.open(self.out("held"), os.O_RDONLY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.assertIn("one run at a time", self.train("pt", recipe, check=1))

    def test_a_run_is_not_written_over(self):
        recipe = self.recipe("again", steps=3)
        self.train("pt", recipe)
        self.assertIn("--resume", self.train("pt", recipe, check=1))

    def test_a_broken_shard_is_named(self):
        broken = self.folder / "broken"
        broken.mkdir()
        for shard in self.shards.glob("*.tokens"):
            data = bytearray(shard.read_bytes())
            data[len(data) // 2] ^= 0xFF
            (broken / shard.name).write_bytes(data)
        said = self.train("pt", self.recipe("broken-run", data=broken), check=1)
        self.assertIn(".tokens", said)

    def test_an_instruction_without_an_answer_is_named(self):
        records = [*INSTRUCTIONS[:2], {"messages": [{"role": "user", "content": "Well?"}]}]
        path = self.write("no-answer.jsonl", jsonl(records))
        said = self.train("sft", self.recipe("no-answer", data=path), check=1)
        self.assertIn("line 3", said)

    def test_shards_of_another_tokenizer_are_refused(self):
        other = self.folder / "other.gguf"
        tiny_model.write(other, further_tokens=["zz"])
        said = self.train("pt", self.recipe("other-tokenizer", model=other), check=1)
        self.assertIn("tokenizer", said)

    def test_a_checkpoint_cut_short_is_refused_by_name(self):
        recipe = self.recipe("cut", steps=5)
        self.train("pt", recipe)
        shard = next((self.out("cut") / "checkpoints/step-00000005/training").glob("shard-*"))
        shard.write_bytes(shard.read_bytes()[:-1])
        said = self.train("pt", recipe, "--resume", check=1)
        self.assertIn(shard.name, said)
        self.assertIn("remove it", said)

    def test_another_course_is_refused_by_name(self):
        recipe = self.recipe("course", steps=5)
        self.train("pt", recipe)
        said = self.train("pt", recipe, "--resume", "--set", "optimizer.beta1=0.5", check=1)
        self.assertIn("optimizer.beta1 was 0.9, is 0.5", said)

    def test_a_step_that_makes_no_number_stops_the_run_with_its_packs_named(self):
        recipe = self.recipe("wild", steps=20)  # each step multiplies the matrices by 1 - 10 · 10
        said = self.train("pt", recipe, "--set", "optimizer.learning_rate=10.0", "--set", "optimizer.weight_decay=10.0",
                          "--set", "optimizer.warmup_steps=0", check=1)
        self.assertRegex(said, r"step \d+, packs? ")
        self.assertIn("shards", said)


if __name__ == "__main__":
    unittest.main()
