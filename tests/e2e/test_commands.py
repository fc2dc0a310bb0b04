"""Every command but read: what it prints, its JSON, its exit codes."""
import json
import math
import subprocess
import unittest

import harness
import tiny_model
from harness import run, run_json

COMMANDS = ["read", "generate", "tokenize", "detokenize", "logits", "perplexity", "inspect", "eval", "convert", "data", "bench", "models",
            "pull", "rope", "doctor", "extend"]


class HelpAndUsage(harness.TestCase):
    def test_every_command_explains_itself_with_an_example(self):
        listed = run("--help", check=0).stdout
        for command in COMMANDS:
            self.assertIn(command, listed)
            text = run(command, "--help", check=0).stdout
            self.assertIn(f"Example:\n  longscroll {command}", text)

    def test_version_names_compiler_kernels_and_libraries(self):
        text = run("--version", check=0).stdout
        for word in ("longscroll 0.", "compiler:", "build:", "kernels:", "ICU", "CLI11", "SentencePiece"):
            self.assertIn(word, text)

    def test_wrong_usage_is_exit_2(self):
        for arguments in ([], ["nonsense"], ["generate"], ["generate", self.model], ["read"],
                          ["read", "x", "--over-length", "guess"], ["generate", self.model, "--prompt", "a", "--ids", "1"],
                          ["bench", self.model], ["logits", self.model, "--out", "x.npy"],
                          ["inspect", self.model, "--threads", "0"]):
            done = run(*arguments, check=2)
            self.assertEqual(done.stdout, "")
            self.assertNotEqual(done.stderr, "")

    def test_a_model_that_is_not_there_names_the_remedy(self):
        self.assert_one_error(run("inspect", self.folder / "none.gguf"), "none.gguf")
        done = run("inspect", "smollm2-135m", env={"XDG_CACHE_HOME": str(self.folder), "LONGSCROLL_MODELS": ""})
        self.assert_one_error(done, "longscroll pull smollm2-135m")

    def test_an_unknown_kernel_set_names_the_choices(self):
        done = run("bench", self.model, "--lengths", "4", env={"LONGSCROLL_ISA": "mmx"})
        self.assert_one_error(done, "LONGSCROLL_ISA", "portable")


class Tokens(harness.TestCase):
    def test_text_to_ids_and_back(self):
        ids = run("tokenize", self.model, stdin="aab", check=0).stdout.split()
        self.assertEqual(ids[0], "259")  # "aa" is the tiny tokenizer's one merge
        self.assertEqual(len(ids), 2)
        back = run("detokenize", self.model, stdin=" ".join(ids), check=0).stdout
        self.assertEqual(back, "aab\n")

    def test_a_file_and_its_json(self):
        path = self.write("text.txt", "读完，aaa\n")
        found = run_json("tokenize", self.model, path)
        self.assertEqual(found["count"], len(found["ids"]))
        self.assertEqual(found["bytes"], len("读完，aaa\n".encode()))
        text = run_json("detokenize", self.model, "--ids", ",".join(map(str, found["ids"])))["text"]
        self.assertEqual(text, "读完，aaa\n")

    def test_marks_in_a_text_are_text_unless_asked(self):
        plain = run_json("tokenize", self.model, "--text", "<|im_end|>")["ids"]
        self.assertNotIn(258, plain)
        self.assertEqual(run_json("tokenize", self.model, "--text", "<|im_end|>", "--parse-special")["ids"], [258])

    def test_ids_that_are_none_are_named(self):
        self.assert_one_error(run("detokenize", self.model, "--ids", "1,x"), "--ids", "x")
        self.assert_one_error(run("detokenize", self.model, "--ids", "99999"))
        self.assert_one_error(run("tokenize", self.model, self.folder / "none.txt"), "none.txt")


class Generation(harness.TestCase):
    def test_json_has_prompt_ids_answer_and_timing(self):
        found = run_json("generate", self.model, "--prompt", "aab", "--max-new-tokens", "12")
        self.assertEqual(len(found["prompt_ids"]), 2)
        self.assertLessEqual(len(found["ids"]), 12)
        self.assertIn(found["stop_reason"], ("max_new_tokens", "stop_token"))
        for key in ("prefill_seconds", "decode_seconds", "prompt_tokens_per_second", "tokens_per_second"):
            self.assertGreaterEqual(found["timing"][key], 0)
        self.assertEqual(found["timing"]["prompt_tokens"], 2)

    def test_greedy_and_seeded_runs_repeat_themselves(self):
        greedy = ["generate", self.model, "--ids", "1,2,3", "--max-new-tokens", "16", "--ignore-stop"]
        self.assertEqual(run_json(*greedy)["ids"], run_json(*greedy)["ids"])
        drawn = [*greedy, "--temperature", "1.5", "--seed"]
        self.assertEqual(run_json(*drawn, "7")["ids"], run_json(*drawn, "7")["ids"])
        self.assertNotEqual(run_json(*drawn, "7")["ids"], run_json(*drawn, "8")["ids"])

    def test_threads_do_not_change_the_answer(self):
        arguments = ["generate", self.model, "--prompt", "What is a scroll?" * 9, "--max-new-tokens", "16"]
        self.assertEqual(run_json(*arguments, "--threads", 1)["ids"], run_json(*arguments, "--threads", 3)["ids"])

    def test_guessing_changes_no_id_and_is_told(self):
        prompt = ",".join(map(str, [7, 11, 13, 17, 19, 23] * 12))
        for extra in ([], ["--repetition-penalty", "1.1"], ["--temperature", "0.7", "--seed", "3"]):
            arguments = ["generate", self.model, "--ids", prompt, "--max-new-tokens", "120", "--ignore-stop", *extra]
            guessed, plain = run_json(*arguments), run_json(*arguments, "--no-speculation")
            self.assertEqual(guessed["ids"], plain["ids"])
            self.assertIsNone(plain["timing"]["speculation"])
            counts = guessed["timing"]["speculation"]
            self.assertLessEqual(counts["accepted"], counts["drafted"])
            self.assertLessEqual(counts["batches"], counts["drafted"])
            rate = counts["accepted"] / counts["drafted"] if counts["drafted"] else 0
            self.assertAlmostEqual(counts["hit_rate"], rate)

    def test_chat_puts_the_prompt_into_the_models_form(self):
        found = run_json("generate", self.model, "--prompt", "Hi <|im_end|>", "--chat", "--max-new-tokens", "1")
        marks = [token for token in found["prompt_ids"] if token in (257, 258)]
        self.assertEqual(marks.count(258), marks.count(257) - 1)  # the answer is still open; the text's mark is text
        text = run_json("detokenize", self.model, "--ids", ",".join(map(str, found["prompt_ids"])), "--keep-special")
        self.assertTrue(text["text"].endswith("<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\n"))

    def test_a_base_model_has_no_chat_form(self):
        base = self.folder / "base.gguf"
        tiny_model.write(base, chat=False)
        self.assert_one_error(run("generate", base, "--prompt", "Hi", "--chat"), "--chat")

    def test_ids_work_without_a_tokenizer(self):
        bare = self.folder / "bare.gguf"
        tiny_model.write(bare, tokenizer=False)
        found = run_json("generate", bare, "--ids", "1,2,3", "--max-new-tokens", "5")
        self.assertIsNone(found["text"])
        plain = run("generate", bare, "--ids", "1,2,3", "--max-new-tokens", "5", check=0).stdout
        self.assertEqual(list(map(int, plain.split())), found["ids"])
        self.assert_one_error(run("generate", bare, "--prompt", "a"), "tokenizer")

    def test_bad_prompts_are_named(self):
        self.assert_one_error(run("generate", self.model, "--ids", "1,260"), "260")
        self.assert_one_error(run("generate", self.model, "--prompt-file", self.folder / "none.txt"), "none.txt")
        self.assert_one_error(run("generate", self.model, "--prompt", "ab" * 5000), "window")

    def test_a_closed_pipe_is_a_quiet_end(self):
        process = subprocess.Popen(
            [harness.BINARY, "generate", self.model, "--prompt", "aa", "--max-new-tokens", "3000", "--ignore-stop"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(1)
        process.stdout.close()
        errors = process.stderr.read().decode()
        self.assertEqual(process.wait(harness.TIMEOUT), 141)
        process.stderr.close()
        self.assertNotIn("longscroll: [", errors)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([harness.BINARY, "tokenize", self.model, "--text", "a"], stdout=full,
                                  stderr=subprocess.PIPE, timeout=harness.TIMEOUT)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)


class Scores(harness.TestCase):
    def test_logits_of_all_positions_agree_with_the_last_and_with_perplexity(self):
        ids = [(7 * i * i + 3 * i) % 256 for i in range(150)]
        ids_file = self.write("ids.json", json.dumps(ids))
        out, last = self.folder / "all.npy", self.folder / "last.npy"
        run("logits", self.model, "--ids-file", ids_file, "--out", out, check=0)
        run("logits", self.model, "--ids-file", ids_file, "--out", last, "--last", check=0)
        rows = harness.read_npy(out)
        self.assertEqual((len(rows), len(rows[0])), (150, 260))
        for expected, found in zip(rows[-1], harness.read_npy(last)[0]):
            self.assertAlmostEqual(expected, found, places=4)
        total = 0.0
        for row, target in zip(rows, ids[1:]):
            peak = max(row)
            total += math.log(sum(math.exp(value - peak) for value in row)) + peak - row[target]
        found = run_json("perplexity", self.model, "--ids-file", ids_file, "--ctx", "150", "--stride", "150")
        self.assertEqual(found["counted"], 149)
        self.assertAlmostEqual(found["nll"], total / 149, places=5)
        self.assertAlmostEqual(found["perplexity"], math.exp(found["nll"]), places=6)

    def test_perplexity_counts_each_token_once_at_any_stride(self):
        path = self.write("text.txt", "The quick brown fox jumps over the lazy dog. " * 9)
        count = run_json("tokenize", self.model, path)["count"]
        for ctx, stride in ((16, 16), (16, 5), (64, 1), (4096, 100)):
            found = run_json("perplexity", self.model, path, "--ctx", ctx, "--stride", stride)
            self.assertEqual(found["counted"], count - 1, (ctx, stride))

    def test_bad_settings_are_named(self):
        path = self.write("short.txt", "a")
        self.assert_one_error(run("perplexity", self.model, path), "at least 2 tokens")
        self.assert_one_error(run("perplexity", self.model, path, "--ctx", "5000"), "--ctx")
        self.assert_one_error(run("perplexity", self.model, path, "--ctx", "8", "--stride", "9"), "--stride")

    def test_logits_into_a_missing_folder_leave_nothing(self):
        self.assert_one_error(run("logits", self.model, "--ids", "1", "--out", self.folder / "no" / "x.npy"), "x.npy")


class InspectAndBench(harness.TestCase):
    def test_inspect_says_what_the_model_is(self):
        found = run_json("inspect", self.model, "--length", "100,2000", "--tensors")
        self.assertEqual(found["architecture"], "llama")
        self.assertEqual(found["window"], 4096)
        self.assertEqual(found["tokenizer"]["eos"], 258)
        self.assertEqual(found["types"]["F32"]["tensors"], len(found["tensors"]))
        self.assertEqual(found["parameters"], 2 * 260 * 32 + 32 + 2 * (4 * 32 * 32 + 3 * 32 * 48 + 64))
        short, long = found["memory"]
        self.assertEqual((short["length"], long["length"]), (100, 2000))
        self.assertLess(short["kv_cache_bytes"], long["kv_cache_bytes"])
        self.assertIn("architecture  llama", run("inspect", self.model, check=0).stdout)

    def test_bench_gives_a_row_for_each_length_and_depth(self):
        found = run_json("bench", self.model, "--lengths", "16,64", "--depths", "32,0", "--repeats", "2",
                         "--threads", "1")
        self.assertEqual([row["length"] for row in found["prefill"]], [16, 64])
        self.assertEqual([row["depth"] for row in found["decode"]], [0, 32])
        for row in found["prefill"]:
            self.assertEqual(len(row["repeats"]), 2)
            self.assertGreater(row["tokens_per_second"], 0)
        for row in found["decode"]:
            self.assertGreater(row["ms_per_token"], 0)
        self.assertGreater(found["peak_memory_bytes"], 0)
        self.assertEqual(found["threads"], 1)

    def test_bench_works_without_a_tokenizer(self):
        bare = self.folder / "bare.gguf"
        tiny_model.write(bare, tokenizer=False)
        self.assertEqual(len(run_json("bench", bare, "--lengths", "8", "--repeats", "1")["prefill"]), 1)

    def test_bench_beyond_the_window_is_an_error(self):
        self.assert_one_error(run("bench", self.model, "--lengths", "5000"), "window of 4096")


class Catalogue(harness.TestCase):
    def test_models_lists_name_size_window_licence_hash_and_origin(self):
        found = run_json("models", env={"XDG_CACHE_HOME": str(self.folder)})
        names = [model["name"] for model in found["models"]]
        self.assertIn("qwen2.5-coder-0.5b", names)
        self.assertEqual(sum(model["default"] for model in found["models"]), 1)
        for model in found["models"]:
            self.assertEqual(len(model["sha256"]), 64)
            self.assertGreater(model["size"], 1 << 20)
            self.assertTrue(model["licence"])
            self.assertTrue(model["mirror"] or model["publisher"])
            self.assertIsNone(model["path"])
        text = run("models", check=0, env={"XDG_CACHE_HOME": str(self.folder)}).stdout
        for name in names:
            self.assertIn(name, text)

    def test_pulling_what_nobody_knows_names_the_choices(self):
        self.assert_one_error(run("pull", "no-such-model"), "no-such-model")
        self.assert_one_error(run("pull", "hf:../../etc"), "hf:")


if __name__ == "__main__":
    unittest.main()
