# AIP gateway. `make help` lists the targets; each installs what it needs on Debian 12.
CC ?= cc
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CFLAGS ?= -O2 -g
SANITIZE ?=
FUZZ_RUNS ?= 2000
FUZZ_SECONDS ?= 60

PACKAGES := libsodium libcrypto libmicrohttpd gnutls libcurl jansson sqlite3 yaml-0.1 libpcre2-8 libutf8proc zlib
# Hyperscan runs on x86-64 only; without it PCRE2 does its work.
HYPERSCAN := $$(pkg-config --exists libhs && echo "-DAIP_HYPERSCAN $$(pkg-config --cflags libhs)")
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Wformat=2 -Wswitch-enum -Werror
HARDENING := -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
# Looked up when a compiler runs, so that `make` can install pkg-config first.
COMPILE = $(CC) -std=c17 -D_GNU_SOURCE -pthread $(WARNINGS) $(HARDENING) -Iinclude -Isrc -I. \
	$$(pkg-config --cflags $(PACKAGES)) $(HYPERSCAN) $(CFLAGS) $(SANITIZE)
LINK = $(CC) -pthread -pie -Wl,-z,relro,-z,now $(CFLAGS) $(SANITIZE)
LIBS = $$(pkg-config --libs $(PACKAGES)) $$(pkg-config --exists libhs && pkg-config --libs libhs) -lb64 -lm

BUILD_DEBS := build-essential pkg-config libsodium-dev libssl-dev libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev libjansson-dev libsqlite3-dev libyaml-dev $(if $(filter x86_64 amd64,$(shell uname -m)),libhyperscan-dev) libpcre2-dev libutf8proc-dev libb64-dev zlib1g-dev
DEMO_DEBS := curl
TEST_DEBS := $(DEMO_DEBS) git openssl python3 nodejs npm clang libclang-rt-14-dev

LIBRARY := $(wildcard src/base/*.c src/crypto/*.c src/net/*.c did/*.c src/token/*.c src/chain/*.c src/proof/*.c src/policy/*.c src/dlp/*.c src/store/*.c src/audit/*.c src/gateway/*.c)
OBJECTS := $(LIBRARY:%.c=$(BUILD)/%.o)
CLI_SHARED := $(BUILD)/src/cli/options.o $(BUILD)/src/cli/keys.o
CLI_LOOKUP := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/cli/lookup*.c))
DID_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/cli/aip_did.c src/cli/did_*.c))
TOKEN_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/cli/aip_token.c src/cli/token_*.c src/cli/proven.c src/cli/mcp_client.c))
GATEWAY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/cli/aip_gateway.c src/cli/gateway_*.c))
AUDIT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/cli/aip_audit.c src/cli/audit_*.c))
CONFORM_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/vectors/*.c))
PROGRAMS := $(BUILD)/aip-did $(BUILD)/aip-token $(BUILD)/aip-gateway $(BUILD)/aip-audit $(BUILD)/tests/aip-conform
EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(wildcard examples/delegation/*.c))
UNIT := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
PROPERTY := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/property/*.c))
BENCH_PARTS := $(BUILD)/tests/bench/gateway_load $(BUILD)/tests/bench/gateway_upstream
BENCHES := $(filter-out $(BENCH_PARTS),$(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c)))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*_fuzz.c))

.PHONY: all programs test unit vector property fuzz-replay lint e2e demo bench fuzz asan tsan cover format install dist clean help build-deps demo-deps test-deps
.SECONDARY:
.DELETE_ON_ERROR:

all: build-deps ## install what the build needs and build everything
	@$(MAKE) --no-print-directory programs
programs: $(PROGRAMS) $(EXAMPLES)

build-deps:
	@sh tests/install-debs.sh $(BUILD_DEBS)
demo-deps:
	@sh tests/install-debs.sh $(BUILD_DEBS) $(DEMO_DEBS)
test-deps:
	@sh tests/install-debs.sh $(BUILD_DEBS) $(TEST_DEBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c $< -o $@

$(BUILD)/libaip.a: $(OBJECTS)
	@rm -f $@
	ar rcs $@ $(OBJECTS)

$(BUILD)/aip-did: $(DID_OBJECTS) $(CLI_LOOKUP) $(CLI_SHARED) $(BUILD)/libaip.a
$(BUILD)/aip-token: $(TOKEN_OBJECTS) $(CLI_LOOKUP) $(CLI_SHARED) $(BUILD)/libaip.a
$(BUILD)/aip-gateway: $(GATEWAY_OBJECTS) $(CLI_SHARED) $(BUILD)/libaip.a
$(BUILD)/aip-audit: $(AUDIT_OBJECTS) $(CLI_SHARED) $(BUILD)/libaip.a
$(BUILD)/tests/aip-conform: $(CONFORM_OBJECTS) $(CLI_SHARED) $(BUILD)/libaip.a
$(PROGRAMS):
	@mkdir -p $(@D)
	$(LINK) $^ $(LIBS) -o $@

$(EXAMPLES) $(UNIT) $(PROPERTY) $(BENCHES) $(BENCH_PARTS): $(BUILD)/%: $(BUILD)/%.o $(CLI_SHARED) $(BUILD)/libaip.a
	$(LINK) $^ $(LIBS) -o $@
$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/tests/fuzz/standalone.o $(BUILD)/libaip.a
	$(LINK) $^ $(LIBS) -o $@

test: test-deps ## all tests: unit, vectors, properties, fuzz corpora, lint, end to end
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) MAKE="$(MAKE)" bash tests/run.sh
unit: $(UNIT) ## unit tests
	@set -e; for t in $(UNIT); do $$t; done
property: $(PROPERTY) $(BUILD)/tests/aip-conform ## seeded property tests
	@set -e; for t in $(PROPERTY); do $$t; done
	@BUILD=$(BUILD) python3 tests/property/model.py
vector: $(BUILD)/tests/aip-conform ## public and own vectors through the conformance driver
	@BUILD=$(BUILD) python3 tests/vectors/run.py
fuzz-replay: $(FUZZERS) ## every fuzz target over its corpus and some seeded mutations
	@set -e; for t in $(FUZZERS); do name=$$(basename $$t _fuzz); \
		$$t --random $(FUZZ_RUNS) 1 tests/fuzz/corpus/$$name; done; \
	echo "fuzz replay: $(words $(FUZZERS)) passed, 0 failed"
lint: ## the rules of the house
	@BUILD=$(BUILD) bash tests/lint/run.sh
e2e: programs ## real programs, servers and clients on loopback
	@BUILD=$(BUILD) bash tests/e2e/run.sh
demo: demo-deps ## a three-hop delegation in front of a real MCP server
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) bash examples/delegation/run.sh
bench: build-deps ## measured ratios, side by side in one run
	@$(MAKE) --no-print-directory programs $(BENCHES) $(BENCH_PARTS)
	@set -e; for b in $(BENCHES); do $$b; done
	@BUILD=$(BUILD) bash tests/bench/gateway_bench.sh

fuzz: test-deps ## coverage-guided fuzzing of every target, FUZZ_SECONDS each
	@set -e; for f in $(wildcard tests/fuzz/*_fuzz.c); do \
		name=$$(basename $$f _fuzz.c); mkdir -p $(BUILD)/fuzz/$$name; \
		clang -std=c17 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isrc -I. \
			$$(pkg-config --cflags $(PACKAGES)) $(HYPERSCAN) $$f $(LIBRARY) $(LIBS) -pthread -o $(BUILD)/fuzz/$$name.bin; \
		$(BUILD)/fuzz/$$name.bin -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 \
			$(BUILD)/fuzz/$$name tests/fuzz/corpus/$$name; done
asan: test-deps ## the test suite under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan CFLAGS="-O1 -g" \
		SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" test
tsan: test-deps ## the test suite under ThreadSanitizer
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan CFLAGS="-O1 -g" SANITIZE="-fsanitize=thread" test
cover: test-deps ## line coverage of the tests, as gcov files in BUILD/cover
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/cover CFLAGS="-O0 -g --coverage" test
	@find $(BUILD)/cover/src $(BUILD)/cover/did -name '*.gcda' -exec gcov -n {} + | awk '/^File .(src|did|include)/{f=$$2} /^Lines/{if(f){print $$2,f; f=""}}'
format: ## clang-format over the tree
	clang-format -i $$(git ls-files '*.c' '*.h')
install: all ## programs into DESTDIR/PREFIX/bin
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 $(BUILD)/aip-did $(BUILD)/aip-token $(BUILD)/aip-gateway $(BUILD)/aip-audit $(DESTDIR)$(PREFIX)/bin
dist: ## a source archive of the commit
	@mkdir -p $(BUILD)
	git archive --prefix=aip-gateway/ -o $(BUILD)/aip-gateway.tar.gz HEAD
clean: ## remove what was built
	rm -rf $(BUILD)
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(OBJECTS:.o=.d) $(patsubst %.c,$(BUILD)/%.d,$(wildcard src/cli/*.c tests/*/*.c examples/*/*.c))
