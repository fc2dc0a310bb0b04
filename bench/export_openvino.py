#!/usr/bin/env python3
"""Writes OpenVINO's form of a Hugging Face directory, with 4-bit or 8-bit weights.

Usage: bench/export_openvino.py HF_DIR OUT_DIR --bits 4|8      (needs optimum-intel and nncf: bench/peers.sh)
4 bits: symmetric, groups of 128, embedding and head in 8; 8 bits: symmetric, a scale a row. The
pipeline wants the model's tokenizer beside it, though the timer feeds ids.
"""
import argparse

import openvino
from openvino_tokenizers import convert_tokenizer
from optimum.intel import OVModelForCausalLM, OVWeightQuantizationConfig
from transformers import AutoTokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--bits", type=int, choices=(4, 8), required=True)
    options = parser.parse_args()
    four = {"group_size": 128, "ratio": 1.0} if options.bits == 4 else {}
    model = OVModelForCausalLM.from_pretrained(
        options.model, export=True, compile=False,
        quantization_config=OVWeightQuantizationConfig(bits=options.bits, sym=True, **four))
    model.save_pretrained(options.out)
    tokenizer, detokenizer = convert_tokenizer(AutoTokenizer.from_pretrained(options.model), with_detokenizer=True)
    openvino.save_model(tokenizer, f"{options.out}/openvino_tokenizer.xml")
    openvino.save_model(detokenizer, f"{options.out}/openvino_detokenizer.xml")


if __name__ == "__main__":
    main()
