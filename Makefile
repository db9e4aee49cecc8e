# rightsize. `make help` says what each target does.

SHELL  := /bin/sh
CARGO  ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help demo test dist demo-models fetch tools test-tools lint

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools fetch ## Build, run the demo bake-off, print the path of its report (the first build compiles llama.cpp: about 10 minutes on 2 cores)
	$(CARGO) build --release --package rightsize
	$(TARGET)/release/rightsize demo

test: test-tools fetch ## Run every test
	@sh ci/test.sh

dist: tools ## Write the release archives to dist/
	@bash ci/dist.sh

demo-models: tools ## Train both bundled models again, write the suites' test data (80 minutes on 2 cores with AVX-512, 140 without)
	@sh ci/demo-models.sh

fetch: ## Fetch SmolLM2-135M-Instruct (98 MB) into the user's cache, unless it is there
	@bash ci/fetch-smollm2.sh

tools: ## Install what the build lacks: a C++ compiler, cmake, clang, libclang
	@sh ci/install-tools.sh build

test-tools: ## Install what the tests need besides: Chromium
	@sh ci/install-tools.sh build test

lint: tools ## Formatting, clippy and documentation, warnings denied
	@sh ci/lint.sh
