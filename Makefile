# Heeler: one Makefile, no configure step. `make help` lists the targets.
#
#   make                      release build: build/heeler
#   make CC=clang             the same with clang, in build/clang/
#   make SAN=address,undefined   sanitizer build, in build/address-undefined/
#   make V=1                  show the commands

ifeq ($(origin CC),default)
CC := gcc
endif

VERSION := 0.1.0
PREFIX  ?= /usr/local

comma := ,
empty :=
space := $(empty) $(empty)
B := build$(if $(findstring clang,$(CC)),/clang)$(if $(SAN),/$(subst $(comma),-,$(SAN)))$(if $(FAULT),/fault-$(FAULT))

PACKAGES := libevent libcurl libzstd zlib libxxhash libpcre2-8 jansson yaml-0.1 hiredis
TEST_PACKAGES := cmocka libprotobuf-c
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
TEST_LIBS  := $(shell pkg-config --libs $(TEST_PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
CFLAGS   ?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE -DHEELER_VERSION='"$(VERSION)"' $(if $(FAULT),-DHEELER_FAULT_$(FAULT))
BASE     := -std=c11 $(WARNINGS) -fno-omit-frame-pointer $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
LIBS     := $(PKG_LIBS) -lpthread -lm

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

# Everything but main() is one archive; the program, tests and benches link it.
SOURCES  := $(filter-out server/main.c,$(wildcard config/*.c protocol/*.c flush/*.c server/*.c))
OBJECTS  := $(SOURCES:%.c=$(B)/%.o)
PROTO    := $(B)/proto/tests/support/intake.pb-c
SUPPORT  := $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c)) $(PROTO).o
TESTS    := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/test_*.c))

.PHONY: all deps demo run test test-thread vectors clients bench fuzz check format install clean help
.SECONDARY:

all: $(B)/heeler

$(B)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(BASE) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libheeler.a: $(OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/heeler: $(B)/server/main.o $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/test_%: $(B)/tests/test_%.o $(SUPPORT) $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)

# The tests decode what we encode with a decoder of other hands, made by protoc-c.
$(PROTO).c $(PROTO).h &: tests/support/intake.proto
	$(call say,PROTO,$<)
	@mkdir -p $(B)/proto
	$(Q)protoc-c --c_out=$(B)/proto $<

$(PROTO).o: $(PROTO).c
	$(Q)$(CC) -I$(B)/proto -std=c11 $(CFLAGS) $(if $(SAN),-fsanitize=$(SAN)) -c -o $@ $<

$(B)/tests/support/decode.o: $(PROTO).h
$(B)/tests/support/decode.o: CPPFLAGS += -I$(B)/proto

$(B)/tests/vectors: $(B)/tests/vectors.o $(SUPPORT) $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# make vectors DIR=path: any folder with parse.jsonl, aggregation.jsonl ...
vectors: $(B)/tests/vectors
	$(Q)$< $(or $(DIR),tests/data)

$(B)/bench/%: $(B)/bench/%.o $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Each target runs FUZZ_SECONDS on its committed corpus, which is only read; what
# it finds goes to build/fuzz.
FUZZ_SECONDS ?= 10
FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS   := -std=c11 $(WARNINGS) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(SOURCES) $(wildcard protocol/*.h flush/*.h config/*.h)
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) $(PKG_CFLAGS) $(FUZZ_FLAGS) -o $@ $< $(SOURCES) $(LIBS)

fuzz: $(FUZZERS:%=build/fuzz/fuzz_%)
	$(Q)for name in $(FUZZERS); do \
		mkdir -p build/fuzz/new_$$name && \
		build/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			-artifact_prefix=build/fuzz/ build/fuzz/new_$$name tests/fuzz/corpus_$$name \
			> build/fuzz/$$name.log 2>&1 || { tail -n 60 build/fuzz/$$name.log; exit 1; }; \
		echo "$$name: $$(grep executed_units build/fuzz/$$name.log)"; \
	done

-include $(OBJECTS:.o=.d) $(SUPPORT:.o=.d) $(TESTS:=.d) $(B)/tests/vectors.d $(B)/server/main.d
