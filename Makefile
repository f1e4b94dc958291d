# `make demo` and `make test` do all the set-up themselves: .venv, the pinned packages, the extension.
PYTHON ?= python3
PINS ?= constraints.txt
BIN := .venv/bin
SOURCES := $(shell find csrc -name '*.cpp' -o -name '*.hpp')

# The tests whose results depend on the CPU's instruction set.
ISA_TESTS := tests/builtin tests/decoding tests/pipeline tests/testing tests/training
# A file's tests stay in one process: the fixtures of a module are made once, not once per process.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile
DEFAULT_SUITE := -m "not landing and not slow and not gpu"

.PHONY: demo test test-landing test-slow test-gpu test-portable test-isa test-oldest gpu-report docs docs-cli lint format clean

# A GPU trains on all images of its preset in seconds; a CPU on as many as it can in a minute.
# The figures of a longer run are those of docs/benchmarks.md (tests/docs/test_demo.py).
HAS_GPU = $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'
DEMO = $(BIN)/ctcbench run --decoder beam_cpp --test-samples 2000
demo: .venv/installed
	@if $(HAS_GPU); then \
		set -x; $(DEMO) --preset fast-gpu || exit; { set +x; } 2> /dev/null; \
		echo 'Longer trainings read more: `$(BIN)/ctcbench run --preset accurate-gpu`,'; \
		echo '`$(BIN)/ctcbench run --preset best-gpu`.'; \
	else \
		set -x; $(DEMO) --preset fast --budget 60s || exit; { set +x; } 2> /dev/null; \
		echo 'Longer trainings read more: `$(BIN)/ctcbench run --preset fast` 93.25 % (50,000 images),'; \
		echo '`$(BIN)/ctcbench run --preset accurate` 96.27 % (100,000 images, 3 epochs).'; \
	fi

test: .venv/tested
	$(PYTEST) $(DEFAULT_SUITE)

# The default suite as on other CPUs: one with AVX2 and without bfloat16 (oneDNN), one whose torch
# kernels use no vector instructions, and one for each code path of the C++ decoder
# that this CPU has.
test-portable: .venv/tested
	ONEDNN_MAX_CPU_ISA=AVX2 $(PYTEST) $(DEFAULT_SUITE)
	ATEN_CPU_CAPABILITY=default $(PYTEST) $(DEFAULT_SUITE)
	paths=$$($(BIN)/python -c 'from ctcbench.decoding import _core; print(*_core.paths())') || exit 1; \
	for path in $$paths; do CTCBENCH_DECODER_PATH=$$path $(PYTEST) $(DEFAULT_SUITE) || exit 1; done

# The part of test-portable that takes minutes and belongs before each landing.
# The tests of the C++ library alone are compiled with flags of their own.
test-isa: .venv/tested
	ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=default CTCBENCH_DECODER_PATH=portable \
		$(PYTEST) -m "not slow and not gpu" $(ISA_TESTS) --ignore tests/decoding/test_csrc.py

# What takes 5 to 60 s of CPU a test: a Ray cluster, compilers with sanitizers, several trainings.
test-landing: .venv/tested
	$(PYTEST) -m landing

test-slow: .venv/tested
	$(PYTEST) -m slow

test-gpu: .venv/tested
	$(BIN)/python -m pytest -m gpu

# Within eight minutes and without network; the table is in build/gpu-report.md as well.
gpu-report: .venv/tested
	mkdir -p build
	$(BIN)/python -m ctcbench.benchmarks.gpu_report --out build/gpu-report.md

# On a clone, as it installs other releases: of torch one with some gigabytes of CUDA.
test-oldest:
	rm -rf build/oldest
	git clone --quiet . build/oldest
	$(MAKE) -C build/oldest test PINS=constraints-oldest.txt

# The site, in build/docs/index.html; a warning is an error.
docs: .venv/documented
	$(BIN)/python -m sphinx -W --keep-going --fresh-env --quiet -b html docs build/docs

# After a change of a command, a setting or a component: docs/cli.md from the help texts.
docs-cli: .venv/tested
	$(BIN)/python docs/write_cli_reference.py

lint: .venv/linted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(SOURCES)

format: .venv/linted
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(SOURCES)

clean:
	rm -rf .venv build dist *.egg-info ctcbench/decoding/_core*.so ctcbench/builtin/_captcha_canvas*.so

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ctcbench needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv

# One stamp a set of extras; each larger set brings the smaller ones with it.
# The pins come by a variable, as it alone reaches the build's own environment.
PIP = PIP_CONSTRAINT=$(PINS) $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL = $(PIP) --editable
# Other decoders, to compare with. Where one can't be had, its tests say so and are skipped.
# pyctcdecode asks for an older numpy than it needs, hence --no-deps.
PEERS = for peer in fast-ctc-decode flashlight-text ctc-beam-decoder "--no-deps pygtrie pyctcdecode"; do \
	$(PIP) --only-binary :all: $$peer || true; done
# For the executor `ray`. Where there is no wheel of it, its tests say so and are skipped.
RAY = $(PIP) --only-binary :all: 'ray>=2.40,<3' || true
# For the trackers. trackio asks for an older Pillow than it needs, hence --no-deps.
TRACKERS = $(PIP) --only-binary :all: mlflow-skinny sqlalchemy alembic || true; \
	$(PIP) --only-binary :all: httpx python-multipart huggingface-hub brotli orjson || true; \
	$(PIP) --only-binary :all: --no-deps trackio gradio-client || true
# For the executor `slurm`.
SUBMITIT = $(PIP) --only-binary :all: 'submitit>=1.5,<2' || true
# For the augmentation `kornia`.
KORNIA = $(PIP) --only-binary :all: kornia || true
MADE_OF := pyproject.toml setup.py csrc/extension_building.py $(PINS) $(SOURCES) \
	ctcbench/decoding/_core.pyi ctcbench/builtin/_captcha_canvas.pyi

.venv/installed: $(MADE_OF) | .venv/bin/python
	$(INSTALL) .
	touch $@

.venv/tested: $(MADE_OF) | .venv/bin/python
	$(INSTALL) '.[test]'
	$(PEERS)
	$(RAY)
	$(TRACKERS)
	$(SUBMITIT)
	$(KORNIA)
	touch .venv/installed $@

.venv/linted: $(MADE_OF) | .venv/bin/python
	$(INSTALL) '.[test,lint]'
	$(PEERS)
	$(RAY)
	$(TRACKERS)
	$(SUBMITIT)
	$(KORNIA)
	touch .venv/installed .venv/tested $@

.venv/documented: $(MADE_OF) | .venv/bin/python
	$(INSTALL) '.[docs]'
	touch .venv/installed $@
