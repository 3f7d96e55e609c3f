# `make` alone says what there is. ARGS reaches the program: make up ARGS="--fresh --port 8081"
.DEFAULT_GOAL := help
.PHONY: help setup up demo bench scale test fuzz check secrets image-check
ARGS :=

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

setup: ## install what is missing: RabbitMQ, MariaDB, Redis (apt), Python packages (.venv)
	@sh compose/setup.sh

up: setup ## start a whole MOMO and print its addresses; Ctrl-C stops it
	@exec .venv/bin/momo up $(ARGS)

demo: setup ## play a day against the running MOMO and audit it
	@exec .venv/bin/momo demo $(ARGS)

bench: setup ## measure drain rate, latency, and others that do the same work; make bench ARGS=--quick
	@exec .venv/bin/momo bench $(ARGS)

scale: setup ## measure what a message costs, alone on this machine, and write docs/scale.md's tables anew
	.venv/bin/momo bench --cases cost,sized --json $(ARGS) > momo/sizing/costs.json.new
	mv momo/sizing/costs.json.new momo/sizing/costs.json
	.venv/bin/python -m tests.sizing.document

test: ## run every test against private servers; installs Prometheus, Chromium and nginx too
	@sh compose/setup.sh test
	@exec .venv/bin/pytest $(ARGS)

fuzz: setup ## send thousands of generated requests to a whole MOMO; make fuzz ARGS="--examples 500"
	@exec .venv/bin/python -m tests.security.fuzz $(ARGS)

image-check: ## build the images with buildah, run them, measure size and start; as root, no Docker engine needed
	@sh compose/setup.sh image
	@exec .venv/bin/python compose/image_check

secrets: ## make the passwords that compose/compose.yml mounts, at random, where they are missing
	@sh compose/secrets.sh

check: setup ## format, lint, types, import rules, contracts, known vulnerabilities
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/momo contracts check
	.venv/bin/python compose/audit.py requirements.lock
