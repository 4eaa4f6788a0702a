# The verbs: demo, test, test-heavy, minio, odapi-tests, families, study, lint, audit, bench, images, image-minio, kind-up,
# kind-demo, kind-down, clean. Each sets up what it needs in .venv first; images need nothing but docker or podman.
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
UV := $(or $(shell command -v uv),.tools/uv)
EXTRA := $(if $(shell command -v nvidia-smi),gpu,cpu)
PYTHON := .venv/bin/python
ENGINE = $(shell docker info >/dev/null 2>&1 && echo docker || command -v podman)
BUILD = $(or $(ENGINE),$(error images are built by docker or podman: no docker answers and no podman is on the PATH)) build
REPOSITORY := detloop
TARGETS := cpu gpu
VERSION = $(shell awk -F'"' '/^version =/ {print $$2; exit}' pyproject.toml)
REVISION = $(shell git describe --always --dirty --exclude '*')
MINIO_VERSION = $(shell python3 tools/get_servers.py --version minio)
DEMO := $(if $(QUICK),--quick) $(if $(FULL),--full) $(if $(VIDEO),--video $(VIDEO))

.PHONY: demo test test-heavy minio odapi-tests families study lint audit bench images image-minio kind-up kind-demo kind-down
.PHONY: clean env
.DELETE_ON_ERROR:

demo: .venv/ready
	$(PYTHON) -m demo.demo $(DEMO)

test: .venv/ready
	.venv/bin/pytest

odapi-tests: .venv/ready
	$(PYTHON) -m tools.odapi_tests

families: .venv/ready
	$(PYTHON) -m tools.families

study: .venv/ready
	$(PYTHON) -m tools.study --labels $(or $(LABELS),$(error give the human labels: make study LABELS=/path/to/labels.csv)) $(if $(VIDEO),--video $(VIDEO))

test-heavy: .venv/ready
	.venv/bin/pytest -m heavy

minio: .tools/minio .tools/fake-gcs-server

lint: .venv/ready
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

# OSV is the address of a mirror of osv.dev's interface, for where osv.dev itself cannot be reached.
audit: | $(UV)
	@$(UV) audit --frozen --no-dev --preview-features audit-command $(if $(OSV),--service-url $(OSV)) || { code=$$?; \
	  test $$code -eq 1 || echo "audit: not done: $(or $(OSV),osv.dev) does not answer; give a mirror of it: make audit OSV=URL"; \
	  exit $$code; } >&2

bench: .venv/ready
	$(PYTHON) -m benchmarks.run_all

kind-up kind-down: kind-%: .venv/ready
	$(PYTHON) -m tools.kind_cluster $*

kind-demo: .venv/ready
	$(PYTHON) -m tools.kind_demo $(if $(VIDEO),--video $(VIDEO)) $(if $(UI_PORT),--ui-port $(UI_PORT))

images: $(TARGETS:%=image-%)

image-%:
	$(BUILD) $(BUILD_OPTIONS) \
	  --file docker/Dockerfile --target $* --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
	  --tag $(REPOSITORY):$(VERSION)-$* --tag $(REPOSITORY):$(VERSION)-$(REVISION)-$* .

image-minio:
	$(BUILD) $(BUILD_OPTIONS) \
	  --file docker/minio/Dockerfile --build-arg VERSION=$(MINIO_VERSION) \
	  --build-arg REVISION=$(lastword $(subst -, ,$(MINIO_VERSION))) \
	  --tag detloop-minio:$(shell echo $(MINIO_VERSION) | cut -c 8-15) tools

env: .venv/ready

.venv/ready: uv.lock pyproject.toml | $(UV)
	$(UV) sync --frozen --extra $(EXTRA) --extra pipeline --extra video --group demo --compile-bytecode
	touch $@

.tools/uv:
	python3 tools/get_uv.py .tools

.tools/minio .tools/fake-gcs-server: tools/get_servers.py
	python3 tools/get_servers.py .tools $(@F)

clean:
	rm -rf .venv .tools out .pytest_cache .mypy_cache .ruff_cache .hypothesis
