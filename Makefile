# The commands a person types. CI runs `make test`.
JOBS ?= $(shell nproc)

.PHONY: help setup setup-train build build-train build-parquet test test-train check format tidy tidy-train sanitize demo \
	demo-eval demo-data demo-train reproduce-pocket interop bench
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install the Debian/Ubuntu packages that are missing
	@scripts/setup.sh

# Ninja configures again by itself when a CMakeLists.txt changed; the presets it does not know.
build/%/build.ninja: CMakePresets.json | setup
	cmake --preset $*

build: setup build/release/build.ninja ## Build the release preset
	@cmake --build --preset release -j $(JOBS)

check: setup build/release/build.ninja ## Layers, formatting, clang-tidy
	scripts/check_layers.py
	scripts/format.sh --check
	scripts/tidy.py --jobs $(JOBS)

format: setup ## Rewrite the C++ sources in the style of .clang-format
	scripts/format.sh

tidy: setup build/release/build.ninja ## clang-tidy; run again it looks only at what changed
	scripts/tidy.py --jobs $(JOBS)

tidy-train: build-train ## clang-tidy over what LibTorch is included in, which takes long
	scripts/tidy.py --jobs $(JOBS) --train

sanitize: setup build/asan-ubsan/build.ninja build/tsan/build.ninja ## Unit tests under the sanitizers
	JOBS=$(JOBS) scripts/sanitize.sh

test: build check ## Set up, build and run every test, the unit tests under the sanitizers too
	ctest --preset release -j $(JOBS)
	JOBS=$(JOBS) scripts/sanitize.sh

demo: ## Set up, build, pull the default model, read docs/readers.md and answer two questions
	scripts/demo.sh

demo-eval: ## Set up, build, pull the default model, and draw a needle heat map of it (under 10 minutes)
	scripts/demo_eval.sh

demo-data: ## Set up, build, and take raw texts to token shards and a page about them (under 3 minutes)
	scripts/demo_data.sh

# LibTorch is some hundred MiB, and its headers take the compiler long: neither `make build` nor `make test`, and so CI,
# builds what trains.
setup-train: ## Install what longscroll-train needs: LibTorch, Open MPI
	@scripts/setup_train.sh

build-train: setup-train ## Build the release preset with longscroll-train
	@cmake --preset release -DLONGSCROLL_TRAIN=ON $(if $(LONGSCROLL_TORCH),-DLONGSCROLL_TORCH=$(LONGSCROLL_TORCH))
	@cmake --build --preset release -j $(JOBS)

build-parquet: setup ## Build the release preset with Parquet as an input of data import
	@scripts/setup_parquet.sh
	@cmake --preset release -DLONGSCROLL_PARQUET=ON $(if $(LONGSCROLL_ARROW),-DLONGSCROLL_ARROW=$(LONGSCROLL_ARROW))
	@cmake --build --preset release -j $(JOBS)

test-train: build-train ## Every test of training, also those that take minutes
	ctest --preset train -j $(JOBS)

demo-train: ## Set up, build, and train a small model: texts, instructions, preferences (under 10 minutes)
	scripts/demo_train.sh

reproduce-pocket: build-train ## A reduced set of the report's experiments with a model of a million parameters
	recipes/pocket/run.py --comparisons 1 --seeds 1 --base-steps 300 --size 0.2 --questions 10 --device cpu --jobs 1 \
		--work build/pocket-reduced
	recipes/pocket/results.py --work build/pocket-reduced --out build/pocket-reduced/results
	@echo "tables: build/pocket-reduced/results/tables.md" >&2

# Python packages of some GiB, so not a part of `make test`.
INTEROP := build/interop-venv
$(INTEROP)/installed: tests/interop/requirements.txt
	python3 -m venv $(INTEROP)
	$(INTEROP)/bin/pip install --quiet -r $<
	touch $@

interop: build $(INTEROP)/installed ## Hold our conversions against llama.cpp and transformers
	cmake --preset release
	ctest --preset interop

bench: build ## Longscroll beside llama.cpp and OpenVINO, into docs/benchmarks (an hour, 8 GB, a quiet machine)
	bench/peers.sh build/peers index4-q4 index4-q8 qwen
