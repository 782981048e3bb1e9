# Everything that is done with this project, by name. `make` alone lists it.
#
# Nothing but git, make and a Python 3.11+ with venv is taken for granted: uv comes from PyPI into .venv, the SAM CLI
# into an environment of its own, because its pinned packages would clash with ours.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON3 ?= python3
PYTHON := .venv/bin/python
SAM_CLI_VERSION := 1.170.0
SAM_VENV := .local/sam-venv
ENV ?= dev
CLIENTS := tests/clients/node_modules
PEERS := tools/bench/peers
NODE_VERSION := 22
UV := $(or $(shell command -v uv),.venv/bin/uv)
# The processor of this machine, in Lambda's words: what `sam local` can run.
HOST_ARCHITECTURE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)

export SAM_CLI_TELEMETRY := 0
# uv brings certificates of its own; behind a company's proxy only the machine's will do.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= true
endif

# --- run it here ------------------------------------------------------------------------------------------------

.PHONY: up down reset logs mails demo

up: .venv/.synced  ## start Portico on this machine, in a local stand-in for AWS
	@$(PYTHON) -m tools.local up

down: .venv/.synced  ## stop it; its state stays
	@$(PYTHON) -m tools.local down

reset: .venv/.synced  ## stop it and forget its state
	@$(PYTHON) -m tools.local reset

logs: .venv/.synced  ## follow the logs of all functions
	@$(PYTHON) -m tools.local logs

mails: .venv/.synced  ## show the mails that functions sent, of sign-up for instance: none leaves this machine
	@$(PYTHON) -m tools.local mails

demo: .venv/.synced  ## walk the whole journey over HTTP: publish, subscribe, get a token, call
	@$(PYTHON) -m tools.local demo

# --- check it ---------------------------------------------------------------------------------------------------

.PHONY: test test-sam check fmt bench validate

test: .venv/.synced chromium $(CLIENTS)/.installed  ## run all tests (tests/sam apart: `make test-sam`)
	@$(PYTHON) -m pytest --ignore=tests/sam --cov

test-sam: .venv/.synced $(SAM_VENV)/.installed  ## `sam deploy`, `sam local invoke` and `sam local start-api` of built functions
	@$(PYTHON) -m tools.build --architecture $(HOST_ARCHITECTURE) --build-dir .aws-sam/host/build
	@$(PYTHON) -m pytest tests/sam

check: .venv/.synced  ## format, lint, types, import rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@PYTHONPATH=.:layers/common .venv/bin/lint-imports

fmt: .venv/.synced  ## format, and repair what lint can repair
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: .venv/.synced $(CLIENTS)/.installed $(PEERS)/node_modules/.installed servers  ## measure decisions, cold starts, package sizes; tokens and calls beside other servers
	@$(PYTHON) -m tools.bench

validate: $(SAM_VENV)/.installed  ## let the SAM CLI lint template.yaml
	@AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(SAM_VENV)/bin/sam validate --lint

# --- build and deploy -------------------------------------------------------------------------------------------

.PHONY: build deploy rotate-keys

build: .venv/.synced $(SAM_VENV)/.installed  ## sam build, then compile and prune what it built (ARCHITECTURE=arm64|x86_64)
	@$(PYTHON) -m tools.build $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE))

deploy: .venv/.synced $(SAM_VENV)/.installed  ## build and deploy to AWS (ENV=dev|prod PARAMETERS='Name=value ...')
	@$(PYTHON) -m tools.build --deploy $(ENV) $(PARAMETERS)

rotate-keys: .venv/.synced  ## have a deployment make new signing keys; tokens keep their validity (ENV=dev|prod|local)
	@$(PYTHON) -m tools.rotating $(ENV)

# --- set up -----------------------------------------------------------------------------------------------------

.PHONY: setup lock chromium servers clean help

setup: .venv/.synced  ## make .venv with the locked packages, and install the git hooks
	@.venv/bin/pre-commit install

# uv from PATH if there is one, else from PyPI. Debian has Python's venv in a package of its own.
.venv/bin/uv:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON3=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON3) -c 'import ensurepip' 2>/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; } \
	  || { echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@[ -x $(PYTHON) ] || $(PYTHON3) -m venv .venv
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip >/dev/null
	@$(PYTHON) -m pip install -q --disable-pip-version-check uv

# `--inexact` leaves uv itself where it is.
.venv/.synced: pyproject.toml uv.lock | $(UV)
	@[ -x $(PYTHON) ] || $(UV) venv -q --python $(PYTHON3) .venv
	@$(UV) sync -q --frozen --inexact --python $(PYTHON)
	@touch $@

$(SAM_VENV)/.installed: | .venv/.synced $(UV)
	@[ -x $(SAM_VENV)/bin/sam ] || { \
	  echo "Installing the SAM CLI $(SAM_CLI_VERSION) into $(SAM_VENV)"; \
	  $(UV) venv -q --clear --python $(PYTHON) $(SAM_VENV); \
	  $(UV) pip install -q --python $(SAM_VENV)/bin/python aws-sam-cli==$(SAM_CLI_VERSION); \
	}
	@touch $@

# Playwright's own browser builds are not used: Debian's chromium is patched by Debian.
chromium:
	@command -v chromium >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
	    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	} || { echo "chromium is missing, and the browser tests need it: apt-get install chromium" >&2; exit 1; }

# Clients that others wrote, from the npm registry. They need Node.js 20 or later; where Debian's is older, one comes
# from the registry too.
$(CLIENTS)/.installed: tests/clients/package.json tests/clients/package-lock.json
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
	    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; } \
	  || { echo "Node.js is missing, and the tests of OAuth clients need it: apt-get install nodejs npm" >&2; exit 1; }
	@cd tests/clients && npm ci --silent --no-audit --no-fund
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' \
	  || (cd tests/clients && npm install --silent --no-save --no-package-lock --no-audit --no-fund node@$(NODE_VERSION))
	@touch $@

# Other gateways, for the benchmark only.
$(PEERS)/node_modules/.installed: $(PEERS)/package.json $(PEERS)/package-lock.json | $(CLIENTS)/.installed
	@cd $(PEERS) && npm ci --silent --no-audit --no-fund
	@touch $@

# The benchmark says what it lacks where they cannot be installed.
servers:
	@command -v haproxy >/dev/null && [ -e /usr/lib/nginx/modules/ngx_http_js_module.so ] || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
	    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	      nginx-light libnginx-mod-http-js haproxy >/dev/null; \
	} || echo "The benchmark goes without nginx or HAProxy: apt-get install nginx-light libnginx-mod-http-js haproxy" >&2

lock: | $(UV)  ## write uv.lock and the layers' requirements.txt from pyproject.toml
	@$(UV) lock -q
	@export="$(UV) export -q --frozen --no-hashes --no-annotate --no-header"; \
	{ echo "# Written by 'make lock' from pyproject.toml."; $$export --no-default-groups --no-emit-project; } > layers/dependencies/requirements.txt; \
	{ echo "# Written by 'make lock' from pyproject.toml, group authorizer."; $$export --only-group authorizer; } > layers/authorizer/requirements.txt

clean:  ## remove what was built; keep .venv and .local
	@rm -rf .aws-sam .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage

help:
	@echo "Portico, a serverless API manager for AWS. Run it here: make up, then make demo."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
