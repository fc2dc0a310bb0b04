# The commands a person types. CI runs `make test`.
JOBS ?= $(shell nproc)

.PHONY: help setup build test check interop
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install the Debian/Ubuntu packages that are missing
	scripts/setup.sh

build: setup ## Build the release preset
	cmake --preset release
	cmake --build --preset release -j $(JOBS)

check: ## Layers, formatting
	scripts/check_layers.py

test: build check ## Set up, build and run every test
	ctest --preset release -j $(JOBS)

# Python packages of some GiB, so not a part of `make test`.
INTEROP := build/interop-venv
$(INTEROP)/installed: tests/interop/requirements.txt
	python3 -m venv $(INTEROP)
	$(INTEROP)/bin/pip install --quiet -r $<
	touch $@

interop: build $(INTEROP)/installed ## Hold our conversions against llama.cpp and transformers
	cmake --preset release
	ctest --preset interop
