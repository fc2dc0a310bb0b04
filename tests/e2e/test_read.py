"""The main command as people and scripts use it: documents, edits between turns, Ctrl-C, terminals, pipes."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest
import unicodedata

import harness
from harness import run

ENGLISH = "".join(f"Line {i}: the river carries the boats, and the boats carry salt. " for i in range(20))
CHINESE = "北京大学是中国的一所综合性大学，位于北京市海淀区。今天的天气很好，我们去公园散步。" * 8


class Conversation:
    """The program with pipes: answers on stdout, what it says on stderr, questions on stdin."""
    PROMPT = "or q to end: "

    def __init__(self, *arguments):
        self.process = subprocess.Popen([harness.BINARY, *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.said = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stderr.close()

    def until(self, text: str) -> str:
        """What it says up to `text`, counted from the last call."""
        deadline = time.monotonic() + harness.TIMEOUT
        while text not in self.said:
            ready, _, _ = select.select([self.process.stderr], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            if not data:
                raise AssertionError(f"ended or fell silent before {text!r}:\n{self.said}")
            self.said += data.decode(errors="replace")
        before, self.said = self.said.split(text, 1)
        return before

    def say(self, line: str):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        self.process.stdin.close()
        return self.process.wait(harness.TIMEOUT)


class ReadScripted(harness.TestCase):
    def read(self, path, *arguments):
        return json.loads(run("read", path, "--model", self.model, "--no-interactive", "--json", "--max-new-tokens",
                              "8", *arguments, check=0).stdout)

    def test_json_describes_document_summary_and_answers(self):
        path = self.write("english.txt", ENGLISH)
        found = self.read(path, "--question", "What carries salt?", "--question", "Where?")
        document = found["document"]
        self.assertEqual(document["characters"], len(ENGLISH))
        self.assertEqual(document["encoding"], "UTF-8")
        self.assertEqual(document["window"], 4096)
        self.assertEqual((document["left_out"], document["truncated"]), (0, False))
        self.assertGreater(document["prompt_tokens"], document["tokens"])
        self.assertEqual([answer["question"] for answer in found["answers"]], ["What carries salt?", "Where?"])
        for answer in [found["summary"], *found["answers"]]:
            self.assertLessEqual(len(answer["ids"]), 8)
            self.assertEqual(answer["truncated"], answer["stop_reason"] != "stop_token")
            self.assertFalse(answer["file_changed"])
        self.assertEqual(found["language"], "en")
        self.assertGreater(found["memory"]["total_bytes"], 0)

    def test_guessing_is_on_unless_told(self):
        path = self.write("english.txt", ENGLISH)
        guessed, plain = self.read(path, "--question", "Why?"), self.read(path, "--question", "Why?", "--no-speculation")
        for with_guesses, without in zip([guessed["summary"], *guessed["answers"]], [plain["summary"], *plain["answers"]]):
            self.assertEqual(with_guesses["ids"], without["ids"])
            self.assertLessEqual(with_guesses["speculation"]["accepted"], with_guesses["speculation"]["drafted"])
            self.assertIsNone(without["speculation"])

    def test_a_question_reuses_the_document(self):
        path = self.write("english.txt", ENGLISH)
        found = self.read(path, "--question", "What carries salt?")
        self.assertEqual(found["summary"]["reused_tokens"], 0)
        self.assertGreaterEqual(found["answers"][0]["reused_tokens"], found["document"]["tokens"])

    def test_chinese_in_gb18030_is_read_and_asked_in_chinese(self):
        found = self.read(self.write("chinese.txt", CHINESE.encode("gb18030")))
        self.assertEqual(found["document"]["encoding"], "GB18030")
        self.assertEqual(found["document"]["characters"], len(CHINESE))
        self.assertEqual(found["language"], "zh")

    def test_standard_output_holds_the_answers_alone(self):
        path = self.write("english.txt", ENGLISH)
        done = run("read", path, "--model", self.model, "--no-interactive", "--max-new-tokens", "8", check=0)
        expected = self.read(path)["summary"]["text"]
        self.assertEqual(done.stdout, expected + "\n")
        self.assertIn(f"{len(ENGLISH):,} characters", done.stderr)
        self.assertIn("of the window of 4,096", done.stderr)
        self.assertIn("memory needed", done.stderr)
        self.assertIn(f"… {len(ENGLISH) - 400:,} characters …", done.stderr)
        self.assertNotIn("\x1b", done.stderr)

    def test_too_long_is_refused_with_numbers_and_choices(self):
        path = self.write("long.txt", "0123456789 " * 1000)
        done = run("read", path, "--model", self.model, "--no-interactive")
        self.assert_one_error(done, "11,000 tokens", "--over-length middle", "longer window")
        self.assertEqual(done.stdout, "")

    def test_the_middle_can_be_left_out(self):
        path = self.write("long.txt", "0123456789 " * 1000)
        found = self.read(path, "--over-length", "middle")
        self.assertTrue(found["document"]["truncated"])
        self.assertLessEqual(found["document"]["prompt_tokens"], 4096 - 8)
        kept = found["document"]["tokens"] - found["document"]["left_out"]
        self.assertGreater(kept, 3500)

    def test_more_than_36000_characters_are_warned_of(self):
        path = self.write("longer.txt", "0123456789 " * 4000)
        done = run("read", path, "--model", self.model, "--no-interactive", "--over-length", "middle",
                   "--max-new-tokens", "1", check=0)
        self.assertIn("more than 36,000 characters", done.stderr)

    def test_documents_that_cannot_be_read_are_one_clear_line(self):
        cases = {"empty.txt": (b"", "empty file"), "blank.txt": (b" \n\n", "white space"),
                 "binary.bin": (bytes(range(256)) * 8, "binary data"), "paper.pdf": (b"%PDF-1.7\n", "a PDF"),
                 "cut.txt": ("北京大学".encode()[:-1], "damaged place")}
        for name, (content, words) in cases.items():
            done = run("read", self.write(name, content), "--model", self.model)
            self.assert_one_error(done, name, words)
            self.assertEqual(done.stdout, "")
        self.assert_one_error(run("read", self.folder / "none.txt", "--model", self.model), "none.txt")
        self.assert_one_error(run("read", self.folder, "--model", self.model), "directory")

    def test_escape_sequences_of_a_document_do_not_reach_the_terminal(self):
        path = self.write("escape.txt", "\x1b]0;owned\x07" + ENGLISH)
        done = run("read", path, "--model", self.model, "--no-interactive", "--max-new-tokens", "1", check=0)
        self.assertNotIn("\x1b", done.stderr)

    def test_output_piped_to_a_file(self):
        path, out = self.write("english.txt", ENGLISH), self.folder / "out.txt"
        with open(out, "wb") as file:
            subprocess.run([harness.BINARY, "read", path, "--model", self.model, "--max-new-tokens", "8"], stdout=file,
                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=harness.TIMEOUT)
        self.assertTrue(out.read_bytes().endswith(b"\n"))


class ReadInteractive(harness.TestCase):
    def talk(self, path, *arguments):
        return Conversation("read", path, "--model", self.model, "--max-new-tokens", "4", *arguments)

    def test_questions_then_q_ends(self):
        with self.talk(self.write("english.txt", ENGLISH)) as talk:
            talk.until(Conversation.PROMPT)
            talk.say("What carries salt?")
            self.assertRegex(talk.until(Conversation.PROMPT), r"[\d,]+ were known")
            talk.say("q")
            self.assertEqual(talk.end(), 0)

    def test_the_end_of_input_ends(self):
        with self.talk(self.write("english.txt", ENGLISH)) as talk:
            talk.until(Conversation.PROMPT)
            self.assertEqual(talk.end(), 0)

    def test_an_edit_is_read_again_from_the_first_change_on(self):
        path = self.write("edited.txt", ENGLISH)
        with self.talk(path) as talk:
            talk.until(Conversation.PROMPT)
            path.write_text(ENGLISH[:600] + "A new sentence. " + ENGLISH[600:])
            talk.say("y")
            said = talk.until(Conversation.PROMPT)
            reused, total = re.search(r"the file changed: reused ([\d,]+) of ([\d,]+) tokens", said).groups()
            reused, total = int(reused.replace(",", "")), int(total.replace(",", ""))
            self.assertGreaterEqual(reused, 600)
            self.assertLess(reused, 700)
            self.assertGreater(total, len(ENGLISH))
            talk.say("y")
            self.assertNotIn("the file changed", talk.until(Conversation.PROMPT))

    def test_an_edit_gives_the_answer_of_a_fresh_start(self):
        path = self.write("edited.txt", ENGLISH)
        process = subprocess.Popen([harness.BINARY, "read", path, "--model", self.model, "--max-new-tokens", "12"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            first = process.stdout.readline()
            path.write_text(ENGLISH.replace("salt", "gold"))
            process.stdin.write(b"y\n")
            process.stdin.close()
            rest = process.stdout.read()
            process.stderr.read()
        fresh = run("read", path, "--model", self.model, "--max-new-tokens", "12", "--no-interactive", check=0).stdout
        self.assertTrue((first + rest).decode(errors="replace").endswith(fresh))

    def test_a_file_that_grows_past_the_cache_is_read_whole(self):
        path = self.write("growing.txt", ENGLISH)
        with self.talk(path) as talk:
            talk.until(Conversation.PROMPT)
            path.write_text(ENGLISH * 2)
            talk.say("y")
            self.assertIn("the file changed: reused 0", talk.until(Conversation.PROMPT))

    def test_a_vanished_or_broken_file_does_not_end_the_conversation(self):
        path = self.write("vanishing.txt", ENGLISH)
        with self.talk(path) as talk:
            talk.until(Conversation.PROMPT)
            path.unlink()
            talk.say("y")
            self.assertIn("No such file", talk.until(Conversation.PROMPT))
            path.write_bytes(b"")
            for _ in range(2):  # a refused version is never answered from
                talk.say("y")
                self.assertIn("empty file", talk.until(Conversation.PROMPT))
            path.write_text(ENGLISH)
            talk.say("y")
            self.assertIn("wrote", talk.until(Conversation.PROMPT))

    def test_ctrl_c_at_the_question_ends_with_130(self):
        with self.talk(self.write("english.txt", ENGLISH)) as talk:
            talk.until(Conversation.PROMPT)
            talk.interrupt()
            self.assertEqual(talk.process.wait(harness.TIMEOUT), 130)


class Interrupts(harness.TestCase):
    model_options = {"window": 131072, "hidden": 64, "layers": 4, "heads": 4, "ffn": 128}

    def test_ctrl_c_while_reading_stops_cleanly(self):
        path = self.write("long.txt", "0123456789 " * 10000)
        with Conversation("read", path, "--model", self.model, "--threads", "1") as talk:
            talk.until("memory needed")
            time.sleep(0.3)
            talk.interrupt()
            self.assertIn("stopped while reading", talk.until("tokens\n") + talk.said)
            self.assertEqual(talk.process.wait(harness.TIMEOUT), 130)

    def test_ctrl_c_while_answering_comes_back_to_the_question(self):
        path = self.write("short.txt", ENGLISH)
        process = subprocess.Popen([harness.BINARY, "read", path, "--model", self.model, "--max-new-tokens", "100000",
                                    "--no-summary", "--temperature", "2"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            process.stdin.write(b"Go on for ever\n")
            process.stdin.flush()
            process.stdout.read(1)
            process.send_signal(signal.SIGINT)
            process.stdin.write(b"q\n")
            process.stdin.close()
            process.stdout.read()
            said = process.stderr.read().decode()
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("cancelled", said)

    def test_ctrl_c_in_a_script_keeps_what_there_is_and_exits_130(self):
        process = subprocess.Popen([harness.BINARY, "generate", self.model, "--prompt", "aa", "--temperature", "2",
                                    "--ignore-stop", "--max-new-tokens", "100000"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            process.stdout.read(1)
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
            process.stderr.read()
        self.assertEqual(process.returncode, 130)
        self.assertTrue(rest.endswith(b"\n"))


def columns_of(line: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class Terminal(harness.TestCase):
    model_options = {"window": 131072, "hidden": 64, "layers": 4, "heads": 4, "ffn": 128}

    def on_terminal(self, columns: int, *arguments) -> tuple[str, int]:
        """Everything that a terminal of that width is sent."""
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([harness.BINARY, *map(str, arguments)], stdin=side, stdout=side, stderr=side)
        os.close(side)
        sent = b""
        try:
            while data := os.read(main, 65536):
                sent += data
        except OSError:  # Linux says EIO when the last writer has gone
            pass
        os.close(main)
        return sent.decode(errors="replace"), process.wait(harness.TIMEOUT)

    def test_the_progress_line_keeps_within_the_terminal_and_goes_away(self):
        path = self.write("long.txt", "0123456789 " * 1200)
        for columns in (40, 60, 100):
            sent, code = self.on_terminal(columns, "read", path, "--model", self.model, "--threads", "1",
                                          "--no-interactive", "--max-new-tokens", "2")
            self.assertEqual(code, 0, sent)
            drawn = re.findall(r"\r([^\r\n]*%[^\r\n]*?)\x1b\[K", sent)
            self.assertGreaterEqual(len(drawn), 1, sent)
            for line in drawn:
                self.assertLess(columns_of(line), columns)
                self.assertIn("tok/s", line)
                self.assertIn("left", line)
            after = sent[sent.rindex(drawn[-1]) + len(drawn[-1]):]
            self.assertIn("\r\x1b[K", after)


if __name__ == "__main__":
    unittest.main()
