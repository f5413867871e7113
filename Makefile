# `make demo` shows safetyd at work, `make test` proves that it does; `make help` lists the rest.
#
# Nothing but Python 3.11 with pip is expected. The virtual environment is made without a pip of its own
# (a plain Debian cannot give it one); the pip that is there installs into it.

PYTHON   ?= python3
SPEED    ?= 60
SCENARIO ?= heat-wave
SECONDS  ?= 60
ARGS     ?=

VENV := .venv
PY   := $(VENV)/bin/python
DEMO := $(VENV)/.demo-installed
DEV  := $(VENV)/.dev-installed

# Each journey has servers of its own on free ports and mostly waits: they come after the rest, one more at once than there are cores.
ON_EVERY_CORE := --numprocesses auto --dist loadfile
AND_ONE_MORE := --numprocesses $(shell echo $$(($$(nproc) + 1))) --dist loadfile
OR_NONE = $(if $(ARGS),|| test $$? = 5)  # what ARGS name may all be of one kind

# Debian keeps servers where only root's PATH looks.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# What is lived through in a PostgreSQL too: all that keeps or reads a record, and the share of it on every change.
ON_POSTGRESQL := tests/store tests/history tests/lake tests/whatif tests/web tests/explain tests/imports tests/evidence tests/reports \
	tests/test_restart.py tests/test_restart_tickets.py tests/test_notary.py tests/test_anchoring.py tests/test_assigning.py \
	tests/test_announcement.py tests/test_backlogs.py tests/test_calendar_changes.py
ON_POSTGRESQL_TOO := tests/store tests/history/test_retention.py tests/test_restart_tickets.py tests/test_assigning.py \
	tests/test_notary.py tests/web/test_once.py tests/web/test_outlook.py tests/web/test_tickets.py tests/reports/test_notices.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-postgres unit assets wheel lint format catalogues fuzz fuzz-guided pictures pins sbom soak clean servers
.PHONY: bench bench-backlogs bench-chain bench-decoding bench-district bench-history bench-lake bench-messages bench-others bench-pages bench-postgres bench-screen bench-web bench-whatif

help:
	@echo "make demo    a simulated school and the real daemon (SCENARIO=$(SCENARIO) SPEED=$(SPEED) ARGS=…)"
	@echo "make test    every test, through real servers too (ARGS=… goes to pytest)"
	@echo "make test-postgres   all that keeps or reads a record, in a PostgreSQL"
	@echo "make unit    without servers and slow tests, and with a fifth of the examples of each law"
	@echo "make assets  fetch what the pages need in a browser, with npm (demo, test and unit do)"
	@echo "make wheel   build dist/*.whl with all that in it"
	@echo "make lint    ruff and mypy; shellcheck, hadolint and the schema of compose files for deploy/"
	@echo "make format  let ruff rewrite what it can"
	@echo "make catalogues      take new sentences of notices into every safetyd/languages/*.po"
	@echo "make fuzz    a million hostile messages through every decoder (ARGS='--count … --seed … --only FORMAT')"
	@echo "make fuzz-guided     the same, steered by coverage (SECONDS=$(SECONDS); needs the package atheris)"
	@echo "make soak    every fault of tests/faults and 24 h of a building, with figures (as root; ARGS='--hours 1' for less)"
	@echo "make bench   safetyd beside Node-RED and a bare client, then messages per second (ARGS=--quick for less)"
	@echo "make bench-backlogs  how soon late readings are judged and stored, in a store of 400,000"
	@echo "make bench-chain     what the chain of hashes costs where readings are stored"
	@echo "make bench-decoding  the time that a message of each format takes to read"
	@echo "make bench-district  a district of up to 20,000 rooms: lag, notices, messages, cost (ARGS=--quick for two small ones)"
	@echo "make bench-others    the same job by Node-RED, side by side (ARGS=--quick for less; installs it into build/)"
	@echo "make bench-postgres  readings a second in SQLite and in a PostgreSQL, side by side"
	@echo "make bench-web       how soon pages come, and what they cost the watch (ARGS=--quick for less)"
	@echo "make bench-messages  how many messages an hour of a heat wave is to each principal of a district"
	@echo "make bench-pages     how soon the pages of 500 buildings with 100,000 tickets come (ARGS=--quick for a small one, '--shards 8' for workers)"
	@echo "make bench-screen    how soon a breach, and a year of a room, are on Chromium's screen"
	@echo "make bench-history   how soon a year of a room is read, in a store of 400 days (ARGS=--quick for a small one)"
	@echo "make bench-lake      a year of minutes of 4,000 rooms under other rules, from Parquet files (ARGS=--quick for a small one)"
	@echo "make pictures        take docs/now.png and docs/ticket.png from the demo (needs chromium)"
	@echo "make bench-whatif    how long a year under other rules takes, from roll-ups and from readings"
	@echo "make sbom    dist/safetyd.cdx.json: all that goes onto a gateway, with its licences; safetyd-extras.cdx.json: with every extra"
	@echo "make pins    choose the versions in requirements/ anew (UPGRADE=--upgrade for the newest)"
	@echo "make clean   remove the virtual environment and everything generated"

demo: $(DEMO)
	@$(PY) deploy/assets.py --if-possible
	$(VENV)/bin/safetyd demo --speed $(SPEED) --scenario $(SCENARIO) $(ARGS)

test: $(DEV) servers assets
	$(PY) -m pytest $(ON_EVERY_CORE) -m "not journey" --durations=5 $(ARGS) $(OR_NONE)
	$(PY) -m pytest $(ON_EVERY_CORE) -m "not journey and not slow" --store postgresql --hypothesis-profile=quick \
		$(ON_POSTGRESQL_TOO) $(ARGS) $(OR_NONE)
	$(PY) -m pytest $(AND_ONE_MORE) -m journey --durations=25 --durations-min=10 $(ARGS) $(OR_NONE)

test-postgres: $(DEV) servers assets
	$(PY) -m pytest $(ON_EVERY_CORE) -m "not journey" --store postgresql $(ON_POSTGRESQL) $(ARGS)

unit: $(DEV)
	@$(PY) deploy/assets.py --if-possible
	$(PY) -m pytest $(ON_EVERY_CORE) -m "not journey and not slow" --hypothesis-profile=quick $(ARGS)

assets: | $(PY)
	@$(PY) deploy/assets.py

wheel: $(DEV) assets
	rm -rf build/lib
	$(PY) -m build --quiet --wheel --no-isolation --outdir dist .

lint: $(DEV)
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(VENV)/bin/shellcheck deploy/install.sh deploy/mosquitto/*.sh .ci/run
	$(VENV)/bin/hadolint deploy/docker/Dockerfile
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/docker/compose.yaml

format: $(DEV)
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

# A language begins with an empty file: touch safetyd/languages/so.po && make catalogues
catalogues: $(DEV)
	mkdir -p build
	$(PY) -m babel.messages.frontend -q extract --no-default-keywords -k say -k plural:1,2 -k msgid \
	    -c Translators: --strip-comments --add-location=file --no-wrap --project=safetyd --msgid-bugs-address= -o build/notices.pot safetyd
	for each in safetyd/languages/*.po; do \
	    $(PY) -m babel.messages.frontend -q update --no-fuzzy-matching --ignore-obsolete --no-wrap \
	        --ignore-pot-creation-date -i build/notices.pot -o $$each -l $$(basename $$each .po) || exit 1; \
	done

fuzz: $(DEV)
	$(PY) -m tests.fuzz.decoding $(ARGS)

fuzz-guided: $(DEV)
	@$(PY) -c 'import atheris' 2>/dev/null \
	    || { echo "atheris is needed: pip --python $(PY) install atheris" >&2; exit 1; }
	$(PY) -m tests.fuzz.coverage_guided --seconds $(SECONDS) $(ARGS)

bench: $(DEV) servers bench-others
	$(PY) tests/bench/ingest.py $(ARGS)

bench-backlogs: $(DEV)
	$(PY) -m tests.bench.backlogs $(ARGS)

bench-chain: $(DEV)
	$(PY) -m tests.bench.chain $(ARGS)

bench-decoding: $(DEV)
	$(PY) -m tests.bench.decoding $(ARGS)

bench-postgres: $(DEV)
	$(PY) -m tests.bench.engines $(ARGS)

bench-district: $(DEV) servers
	PYTHONPATH=. $(PY) tests/bench/district.py $(ARGS)

bench-messages: $(DEV)
	$(PY) tests/bench/messages.py

bench-pages: $(DEV) servers
	$(PY) tests/bench/pages.py $(ARGS)

bench-web: $(DEV) servers
	$(PY) tests/bench/web.py $(ARGS)

bench-screen: $(DEV) servers assets
	$(PY) -m tests.bench.screen $(ARGS)

bench-others: $(DEV) servers
	$(PY) -m tests.bench.installing
	$(PY) tests/bench/others.py $(ARGS)

bench-history: $(DEV)
	$(PY) -m tests.bench.history $(ARGS)

bench-lake: $(DEV)
	$(PY) -m tests.bench.lake $(ARGS)

pictures: $(DEV) assets
	$(PY) -m tests.browser.pictures

bench-whatif: $(DEV)
	$(PY) -m tests.bench.whatif $(ARGS)

soak: $(DEV) servers
	$(PY) -m pytest tests/faults --soak $(ARGS)

# Set-up. A stamp is older than what it was made from only when pins or metadata changed.

define find_pip
for try in "pip" "pip3" "$(PYTHON) -m pip" "$(PY) -m pip"; do \
	    if $$try --python $(1) --version >/dev/null 2>&1; then pip="$$try --python $(1)"; break; fi; \
	done; \
	if [ -z "$$pip" ]; then \
	    echo "pip 22.3 or newer is needed and was not found; on Debian: sudo apt-get install python3-pip" >&2; exit 1; \
	fi; \
	set -ex
endef

define install
	@$(call find_pip,$(PY)); \
	$$pip install --quiet --require-hashes -r requirements/build.txt -r $(1); \
	$$pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .; \
	$(PY) -m compileall -q safetyd
endef

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "safetyd needs Python 3.11 or newer; name one: make PYTHON=python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv --without-pip $(VENV)

$(DEMO): requirements/build.txt requirements/demo.txt pyproject.toml | $(PY)
	$(call install,requirements/demo.txt)
	@touch $@

$(DEV): requirements/build.txt requirements/dev.txt pyproject.toml | $(PY)
	$(call install,requirements/dev.txt)
	@touch $@ $(DEMO)

PACKAGES = postgresql mosquitto mosquitto-clients nut-server influxdb openssl npm nodejs chromium systemd systemd-container debootstrap gcc libc6-dev
PROGRAMS = pg_ctlcluster mosquitto mosquitto_pub /lib/nut/dummy-ups influxd openssl npm chromium systemd-analyze systemd-nspawn debootstrap gcc

servers:
	@for each in $(PROGRAMS); do command -v $$each >/dev/null || missing="$$missing $$each"; done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    set -ex; \
	    apt-get update -qq; \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES); \
	else \
	    echo "The tests need$$missing; on Debian: sudo apt-get install $(PACKAGES)" >&2; exit 1; \
	fi

# Pins. dev.txt holds everything; the others must agree with it. No file names an index, so that each machine's own applies.

# What a gateway or a district may add: pip install 'safetyd[NAME]'.
EXTRAS := cluster lake parquet png postgresql sparkplug stamp

COMPILE = CUSTOM_COMPILE_COMMAND="make pins" $(PY) -m piptools compile --quiet pyproject.toml $(UPGRADE) \
    --generate-hashes --strip-extras --allow-unsafe --newline lf \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

pins: | $(DEV)
	$(COMPILE) --extra demo --extra dev --output-file requirements/dev.txt
	$(COMPILE) --extra demo --constraint requirements/dev.txt --output-file requirements/demo.txt
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/run.txt
	$(COMPILE) $(addprefix --extra ,$(EXTRAS)) --constraint requirements/dev.txt --output-file requirements/extras.txt
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/build.txt \
	    --build-deps-for editable --only-build-deps
	$(PY) deploy/assets.py --pin $(UPGRADE)
	@! grep -nE '://|^ *-(i|f)|--(extra-)?index-url|--find-links|--trusted-host' requirements/*.txt

# What is listed is installed for that, alone.
sbom: $(DEV) assets
	rm -rf build/gateway build/extras
	$(PYTHON) -m venv --without-pip build/gateway
	@$(call find_pip,build/gateway/bin/python); \
	$$pip install --quiet --require-hashes -r requirements/run.txt
	$(PY) -m deploy.sbom build/gateway/bin/python --output dist/safetyd.cdx.json
	$(PYTHON) -m venv --without-pip build/extras
	@$(call find_pip,build/extras/bin/python); \
	$$pip install --quiet --require-hashes -r requirements/extras.txt
	$(PY) -m deploy.sbom build/extras/bin/python --output dist/safetyd-extras.cdx.json

clean:
	rm -rf $(VENV) safetyd/web/vendor build dist var *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find safetyd tests -name __pycache__ -type d -prune -exec rm -rf {} +
