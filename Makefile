# What there is to do. Each target is one line here; the work is in tests/run/.

.DEFAULT_GOAL := help
.PHONY: help demo test build lint docs argument-table live bench fuzz clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "make %-16s %s\n", $$1, $$2 }'

demo: ## shows what Hearth does, on a stand-in server or, with GRAFANA_URL set, on yours
	@tests/run/demo.sh

test: ## all tests; tests/run/all.sh --list names the parts, and runs those it is given
	@tests/run/all.sh

build: ## the modules, ready for use, into library/
	@tests/run/modules.sh

lint: ## the parts of the tests that only read
	@tests/run/all.sh format clippy yaml ansible shell docs

docs: ## writes docs/modules/ and the pages for ansible-doc anew
	@cargo xtask docs

argument-table: ## writes the table of what AnsibleModule does with arguments anew
	@tests/run/environment.sh
	@.venv/bin/python tests/python/argument_table.py

live: ## the acceptance tests on a real Grafana, see tests/live/README.md
	@tests/run/live.sh

bench: ## measures the modules beside what people use today, and says on what
	@tests/run/environment.sh
	@tests/run/modules.sh
	@cargo bench --bench grafana

fuzz: ## each fuzz target for a minute
	@tests/run/fuzz.sh

clean: ## removes everything that was built or installed here
	rm -rf target .venv .cache .ansible
	git clean -fdXq library
