# make run    apply the seed stack on the embedded cloud and show where it answers
# make stop   take it away again, the embedded cloud too
# make test   all tests; make check: what CI runs
# make soak   the long tests; make bench: figures

BIN   := bin/moldctl
STACK := specs/web-autoscale
GO    := go
# No cgo: the binary runs on any machine of its kind, and needs no C compiler.
export CGO_ENABLED = 0

.PHONY: run stop build test race bench soak check generate clean

run: build
	$(BIN) apply --auto-approve $(STACK)

stop: build
	@if [ -e $(STACK)/.moldctl ]; then $(BIN) destroy --auto-approve $(STACK); fi
	$(BIN) cloud stop

build:
	$(GO) build -o $(BIN) ./cmd/moldctl

# .ci/python brings what the tests in Python need.
test:
	MOLDCTL_TEST_PYTHON=$$(.ci/python) $(GO) test ./...

# The race detector needs cgo.
race:
	CGO_ENABLED=1 $(GO) test -race ./...

bench:
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...

# MOLDCTL_SOAK turns on what takes long: all kill points, all seeds.
soak:
	MOLDCTL_SOAK=1 MOLDCTL_TEST_PYTHON=$$(.ci/python) $(GO) test -count=1 -timeout 2h ./...

check:
	.ci/run

generate:
	$(GO) generate ./...

clean:
	rm -rf bin
