# These commands do all set-up: `make demo`, `make prefect-demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
INSTALL = $(VENV)/bin/pip install --no-compile --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo prefect-demo test gpu-kit install install-test

# Of the two bundled generators the one whose images are plain to see; cifar10-32 is a smear yet.
demo: install
	$(VENV)/bin/synthgen sample --generator fashion-mnist-28 --classes bag,sneaker --n 1000 --out out/demo
	$(VENV)/bin/synthgen verify out/demo
	$(VENV)/bin/python -c "import datasets; d = datasets.load_dataset('out/demo', split='train'); print(d[0]['image'], d.features['label'].int2str(d[0]['label']))"
	$(VENV)/bin/synthgen report out/demo
	@echo "look at: out/demo/report/contact-sheet.png"

prefect-demo: install
	$(VENV)/bin/python -m pipelines.demo --n 2000 --out out/prefect-demo

# A file stays in one process, for what its tests share; the order is pytest's. The tests start a
# hundred processes, each of which would compile what it imports if the first may not keep it.
test: export PYTHONDONTWRITEBYTECODE =
test: install-test
	$(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Wheels and images for `python -m benchmarks gpu` on a machine without network: make gpu-kit DATA=FOLDER
gpu-kit: install
	$(VENV)/bin/python -m benchmarks.gpu_kit --data $(DATA) --out gpu-kit

install: $(VENV)/bin/python
	$(INSTALL) -e .

install-test: $(VENV)/bin/python
	$(INSTALL) -e '.[test]'

# The pip that comes with Python 3.11 takes three times as long to find two hundred packages.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
