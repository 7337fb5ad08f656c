# Everything starts from a clean clone with Python 3.11+ and make.
#   make quickstart          a tuned model, its report and one answer, from a real library's docs and code
#   make test                the test suite
#   make soak                kills and full disks, for half an hour or so: nothing may be lost
#   make docs                docs/cli.md, from the commands themselves
#   JOBS=8 beside test      runs that many test files at once (4 when not given; many wait)
#   CPU=1 beside each        installs the CPU build of torch, for machines without an NVIDIA GPU

PYTHON ?= python3
VENV ?= .venv
CPU ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
JOBS ?= 4
LIBRARY ?= click==8.3.1
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

PIP = $(VENV)/bin/python -m pip install --quiet --constraint constraints.txt
SOURCES = examples/quickstart/library

.PHONY: quickstart test soak check docs install install-test install-dev clean

quickstart: install $(SOURCES)
	cd examples/quickstart && ../../$(VENV)/bin/docutune run
	cd examples/quickstart && ../../$(VENV)/bin/python ask.py

test: install-test
	$(if $(CHROMIUM),,@echo 'No Chromium here: the tests that open a report in a browser are left out.')
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(VENV)/bin/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(if $(CHROMIUM),,-m 'not browser')

soak: install-test
	$(VENV)/bin/python tests/soak

check: install-dev
	VENV=$(VENV) bash .ci/check

docs: install-test
	$(VENV)/bin/python -m docutune.cli.reference > docs/cli.md.new
	mv docs/cli.md.new docs/cli.md

install: $(VENV)/installed-run
install-test: $(VENV)/installed-test
install-dev: $(VENV)/installed-dev

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "docutune needs Python 3.11 or newer, this is %d.%d: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/torch: $(VENV)/bin/python constraints.txt
	$(PIP) $(if $(CPU),--extra-index-url $(TORCH_INDEX)) torch
	touch $@

$(VENV)/installed-run: $(VENV)/torch setup.cfg constraints.txt
	$(PIP) --editable '.[trl,eval]'
	touch $@

$(VENV)/installed-test: $(VENV)/torch setup.cfg constraints.txt
	$(PIP) --editable '.[test]'
	touch $@

$(VENV)/installed-dev: $(VENV)/installed-test
	$(PIP) --editable '.[dev]'
	touch $@

$(SOURCES): $(VENV)/bin/python
	rm -rf $@ $@.tmp && mkdir -p $@.tmp
	$(VENV)/bin/python -m pip download --quiet --no-deps --no-binary :all: --dest $@.tmp '$(LIBRARY)'
	cd $@.tmp && tar --extract --gzip --strip-components 1 --file *.tar.gz && rm *.tar.gz
	mv $@.tmp $@

clean:
	rm -rf $(VENV) $(SOURCES) $(SOURCES).tmp examples/quickstart/.docutune build dist .typeview
