# The commands of the house; `make help` lists them.
# The first Python that runs and is new enough (a version manager's shim may be there and not run).
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
PYTHON37 ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.7.*/bin/python3.7) $(shell command -v python3.7))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
WORKERS ?= 2
DEMO ?= build/demo
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

.DEFAULT_GOAL := help
.PHONY: help env demo test test-keras oracle hostile bench reference lint clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY)  ## make .venv from constraints.txt

$(READY): constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "penstock needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the pinned packages of constraints.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps tf_keras==2.21.0 || echo "no tf_keras: tf.keras of 1.x programs will be Keras 3"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)  ## run the two TensorFlow programs of examples/ on handwritten digits; their models and logs stay in $(DEMO)
	@rm -rf $(DEMO)/logs/tf1 $(DEMO)/logs/tf2
	@echo "== examples/digits_tf1.py: a TensorFlow 1.x program (graph and session)"
	@$(BIN)/penstock run --tf1 examples/digits_tf1.py --out $(DEMO)
	@echo "== examples/digits_tf2.py: a TensorFlow 2.x program (eager and tf.function)"
	@$(BIN)/penstock run examples/digits_tf2.py --out $(DEMO)
	@echo "== the trained models and their logs are in $(DEMO)"
	@echo "what a model takes and gives:  $(BIN)/penstock saved-model show --dir $(DEMO)/digits_tf2 --all"
	@echo "let it read the first digits:  $(BIN)/penstock saved-model run --dir $(DEMO)/digits_tf2 --tag_set serve --signature_def serving_default --inputs images=$(DEMO)/images.npy"
	@echo "curves, images and the graph:  $(BIN)/penstock board --logdir $(DEMO)/logs    (then open http://localhost:6006)"

test: $(READY)  ## the whole suite
	$(PYTEST) tests

test-keras: $(READY)  ## the test files that keras ships, on penstock; what differs from TensorFlow is listed
	$(BIN)/python scripts/keras_tests.py --workers $(WORKERS)

oracle: $(READY) .oracle/tf2.21/ready .oracle/tf1.15/ready .oracle/torch/ready  ## build the real TensorFlows in .oracle/, run the differential tests
	$(PYTEST) tests/oracle

.oracle/tf2.21/ready:
	@test -x .oracle/tf2.21/bin/python || $(PYTHON) -m venv .oracle/tf2.21
	@.oracle/tf2.21/bin/python -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 scikit-learn
	@touch $@

.oracle/tf1.15/ready:
	@if test -z "$(PYTHON37)"; then \
	  echo "no Python 3.7 here: the TensorFlow 1.15 tests are skipped (make oracle PYTHON37=/path/to/python3.7)"; \
	else \
	  test -x .oracle/tf1.15/bin/python || $(PYTHON37) -m venv .oracle/tf1.15; \
	  .oracle/tf1.15/bin/python -m pip install --quiet --disable-pip-version-check \
	    tensorflow==1.15.5 'protobuf<3.21' 'numpy<1.19' scikit-learn && touch $@; \
	fi

.oracle/torch/ready:
	@test -x .oracle/torch/bin/python || $(PYTHON) -m venv .oracle/torch
	@.oracle/torch/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy
	@touch $@

hostile: $(READY)  ## 100 hostile calls of each op and 2,000 damaged files: no crash, no hang, no runaway memory
	$(BIN)/python -m tests.hostile.calls
	$(BIN)/python -m tests.hostile.media

bench: $(READY)  ## measure against TensorFlow and PyTorch (after `make oracle`) and print the table
	$(BIN)/python -m benchmarks

reference: $(READY)  ## the API reference in build/api: signatures, executed examples, coverage
	$(BIN)/python -m penstock.api.reference build/api

lint: $(READY)  ## ruff, the floors, the public names, pyright
	@PYTHON=$(BIN)/python scripts/lint

clean:  ## remove what the commands above made, except .venv and .oracle
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find penstock tests examples benchmarks docs scripts -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
