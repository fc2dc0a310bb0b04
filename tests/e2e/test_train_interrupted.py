"""A run that is killed anywhere, also while it writes a checkpoint, goes on and ends at the same bits."""
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import training
from training import TIMEOUT, checkpoints, steps, wait_for_step, weights_hash


class Interrupted(training.TestCase):
    STEPS = 40

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = cls.folder / "whole"

    def setUp(self):
        if not self.whole.exists():
            self.train("pt", self.recipe("whole", steps=self.STEPS))
        self.expected = weights_hash(self.whole / "model")

    def finish(self, name: str):
        """Goes on to the end, and looks that it is the uninterrupted run's."""
        self.train("pt", self.recipe(name, steps=self.STEPS), "--resume")
        out = self.out(name)
        self.assertEqual(weights_hash(out / "model"), self.expected)
        self.assertEqual([line["step"] for line in steps(out)], list(range(1, self.STEPS + 1)))
        self.assertEqual([line["loss"] for line in steps(out)], [line["loss"] for line in steps(self.whole)])
        self.assertEqual(checkpoints(out), ["step-00000035", "step-00000040"])

    def kill(self, process: subprocess.Popen):
        process.kill()
        process.communicate(timeout=TIMEOUT)

    def test_killed_at_ten_random_moments(self):
        chance = random.Random(20240822)
        recipe = self.recipe("killed", steps=self.STEPS)
        log = self.out("killed") / "metrics.jsonl"
        for moment in range(10):
            process = self.start("pt", recipe, "--resume")
            if moment % 3 != 0:  # while it steps; else while it starts
                before = log.stat().st_mtime_ns if log.exists() else 0
                while process.poll() is None and (not log.exists() or log.stat().st_mtime_ns == before):
                    time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.3))
            self.kill(process)
        self.finish("killed")

    def test_killed_while_it_writes_a_checkpoint(self):
        recipe = self.recipe("writing", steps=self.STEPS)
        caught = 0
        for _ in range(10):
            process = self.start("pt", recipe, "--resume")
            folder = self.out("writing") / "checkpoints"
            deadline = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < deadline:
                if folder.exists() and any(".tmp-" in name for name in os.listdir(folder)):
                    caught += 1
                    break
            self.kill(process)
        self.assertGreater(caught, 0, "no write was met")
        self.finish("writing")

    def test_sigterm_saves_the_step_before_and_ends(self):
        recipe = self.recipe("terminated", steps=self.STEPS)
        process = self.start("pt", recipe)
        wait_for_step(self.out("terminated"), 7)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM, err)
        done = max(line["step"] for line in steps(self.out("terminated")))
        self.assertIn(f"step-{done:08}", checkpoints(self.out("terminated")))
        self.finish("terminated")

    def test_a_process_lost_in_the_middle_of_a_step_ends_the_run_and_leaves_checkpoints(self):
        recipe = self.recipe("lost", steps=self.STEPS)
        process = self.start("pt", recipe, processes=2)
        wait_for_step(self.out("lost"), 6)
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        os.kill(int(children[-1]), signal.SIGKILL)
        _, err = process.communicate(timeout=TIMEOUT)
        self.assertNotEqual(process.returncode, 0, err)
        self.assertIn("step-00000005", checkpoints(self.out("lost")))
        self.train("pt", recipe, "--resume", processes=2)
        self.assertAlmostEqual(steps(self.out("lost"))[-1]["loss"], steps(self.whole)[-1]["loss"], delta=1e-4)

    @unittest.skipUnless(hasattr(os, "geteuid") and os.geteuid() == 0, "a small disk can be mounted by root alone")
    def test_a_full_disk_is_said_and_earlier_checkpoints_stay(self):
        disk = self.out("full")
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(disk)], capture_output=True).returncode:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", str(disk)])
        recipe = self.recipe("full", steps=self.STEPS)
        said = self.train("pt", recipe, check=1)
        self.assertIn("to disk", said)
        self.assertEqual(checkpoints(disk), ["step-00000005"])  # there is room for one, not for two
        shutil.copytree(disk / "checkpoints", self.out("rescued") / "checkpoints")
        shutil.copy(disk / "metrics.jsonl", self.out("rescued"))
        self.finish("rescued")


if __name__ == "__main__":
    unittest.main()
