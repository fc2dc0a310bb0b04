"""What `cmake --install` leaves is a program that works where it was put."""
import os
import pathlib
import subprocess
import tempfile
import unittest


class Install(unittest.TestCase):
    def test_the_installed_tree_is_usable(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run([os.environ["CMAKE"], "--install", os.environ["BUILD_DIR"], "--prefix", prefix],
                           check=True, stdout=subprocess.DEVNULL)
            program = pathlib.Path(prefix, "bin", "longscroll")

            def output(*arguments):
                return subprocess.run([program, *arguments], check=True, capture_output=True, text=True, cwd=prefix,
                                      env={"XDG_CACHE_HOME": prefix, "PATH": os.environ["PATH"]}).stdout

            self.assertIn("longscroll 0.", output("--version"))
            self.assertIn("qwen2.5-coder-0.5b", output("models"))
            documents = pathlib.Path(prefix, "share", "doc", "longscroll")
            for name in ("README.md", "LICENSE", "CHANGELOG.md", "docs/json.md"):
                self.assertTrue((documents / name).is_file(), name)


if __name__ == "__main__":
    unittest.main()
