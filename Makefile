# make demo             set up and answer a spoken question about a picture (Python 3.10+; a network the first time)
# make test             set up for development and run all checks and tests
# make sim              glasses on a page in the browser
# make setup            everything for development: all extras and the benchmark's peer
# make bench            speed and memory of the default model, beside llama.cpp
# make sideload-proof   the same answers on an emulated ARM machine as here (needs qemu-user-static)
# make clean            remove the virtual environment; the models stay in their cache

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# llama.cpp with native flags crashes on processors with AMX; these are the instructions it gains from besides.
LLAMA_FLAGS := -DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON
ifneq ($(shell grep -c avx512_vnni /proc/cpuinfo 2>/dev/null | grep -v '^0'),)
LLAMA_FLAGS += -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON -DGGML_AVX512_VBMI=ON
endif

.PHONY: demo sim test lint setup bench sideload-proof clean
.DELETE_ON_ERROR:

demo: .venv/device.done
	@$(BIN)/glint models pull
	@$(BIN)/glint ask --image sim/demo/photo.jpg --audio sim/demo/question.wav --speak answer.wav

sim: .venv/device.done
	@$(BIN)/glint sim --browse

# What runs in real time has the machine to itself.
test: .venv/dev.done lint
	@$(BIN)/python -m pytest -m 'not real_time' --numprocesses auto --maxprocesses 4 --dist loadfile; side_by_side=$$?; \
		$(BIN)/python -m pytest -m real_time && exit $$side_by_side

lint: .venv/dev.done
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

setup: .venv/peers.done

bench: .venv/peers.done
	@$(BIN)/glint bench model

.venv/python.done:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
		{ echo "Glint needs Python 3.10 or newer as '$(PYTHON)'; install it or say make PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing; run: sudo apt-get install python3-venv"; exit 1; }
	@echo "making the virtual environment .venv"
	@$(PYTHON) -m venv .venv
	@$(PIP) --upgrade 'pip>=25.1'
	@touch $@

.venv/device.done: .venv/python.done pyproject.toml
	@echo "installing what the device needs"
	@$(PIP) --editable .
	@$(BIN)/python -c 'import cv2' 2>/dev/null || \
		{ echo "OpenCV lacks system libraries; run: sudo apt-get install libgl1 libglib2.0-0"; exit 1; }
	@touch $@

.venv/dev.done: .venv/device.done
	@echo "installing what development needs (PyTorch for the export tests is the largest part)"
	@$(PIP) --editable '.[dev,export]'
	@touch $@

.venv/peers.done: .venv/dev.done
	@echo "building llama.cpp, the benchmark's peer (several minutes)"
	@command -v cmake >/dev/null && command -v c++ >/dev/null || \
		{ echo "The peer is built from source; run: sudo apt-get install cmake g++"; exit 1; }
	@CMAKE_ARGS="$(LLAMA_FLAGS)" $(PIP) --editable '.[dev,export,peers]'
	@touch $@

sideload-proof: .venv/dev.done
	@$(BIN)/python -m firmware_bridge.sideload.proof

clean:
	rm -rf .venv
