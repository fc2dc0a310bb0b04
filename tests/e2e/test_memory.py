"""The memory that the program forecasts is the memory that it takes, at the size that it is made for."""
import unittest

import harness
import index_model
from harness import run_json

LENGTH = 32768
TOLERANCE = 0.05


class Forecast(harness.TestCase):
    timeout = 3000  # minutes on two cores; more when they are shared

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        config = index_model.config(hidden=2048, layers=2, heads=16, ffn=5888, vocab=65029, window=LENGTH)
        index_model.write(cls.folder / "index", config)

    def test_a_32k_prompt_on_the_shape_of_index_takes_what_inspect_forecasts(self):
        model = self.folder / "index"
        forecast = run_json("inspect", model, "--length", LENGTH)["memory"][0]
        bench = run_json("bench", model, "--lengths", LENGTH, "--repeats", 1, timeout=self.timeout)
        found, expected = bench["peak_memory_bytes"], forecast["total_bytes"]
        for part in ("weights_bytes", "kv_cache_bytes", "scratch_bytes"):
            self.assertEqual(bench["forecast"][part], forecast[part])
        self.assertEqual(bench["prefill"][0]["length"], LENGTH)
        print(f"forecast {forecast}, peak {found}, {100 * (found / expected - 1):+.2f}%, "
              f"prefill {bench['prefill'][0]['seconds']:.0f} s", flush=True)
        self.assertLess(abs(found - expected), TOLERANCE * expected, forecast)


if __name__ == "__main__":
    unittest.main()
