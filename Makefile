# Heeler: one Makefile, no configure step. `make help` lists the targets.
#
#   make                      release build: build/heeler
#   make CC=clang             the same with clang, in build/clang/
#   make SAN=address,undefined   sanitizer build, in build/address-undefined/
#   make ARCH=arm64           for arm64 on another machine, in build/arm64/
#   make V=1                  show the commands

ifeq ($(origin CC),default)
CC := gcc
endif
clang := $(findstring clang,$(CC))

# For another processor than this machine's: its compiler, and its libraries in a folder
# that is filled by packaging/sysroot.sh. What runs while building is this machine's.
SYSROOT :=
TARGET  :=
ifeq ($(ARCH),arm64)
SYSROOT := $(CURDIR)/build/arm64/sysroot
TRIPLET := aarch64-linux-gnu
TARGET  := --sysroot=$(SYSROOT) $(if $(clang),--target=$(TRIPLET))
AR      := $(TRIPLET)-ar
LD      := $(TRIPLET)-ld
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig pkg-config
ifneq ($(origin CC),command line)
CC := $(TRIPLET)-gcc
endif
else ifeq ($(origin ARCH),command line)
$(error ARCH: expected arm64, or nothing for this machine's, got "$(ARCH)")
endif

# The one place that says it.
VERSION := 0.3.0
PREFIX  ?= /usr/local
# Where `make install` puts the rest. The unit runs as SERVICE_USER, or as a user of its own
# making; with SYSCONFDIR a file of settings is installed, and the unit names it.
LIBDIR  ?= $(PREFIX)/lib
SYSCONFDIR ?=
SERVICE_USER ?=
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions

comma := ,
empty :=
space := $(empty) $(empty)
B := build$(if $(SYSROOT),/$(ARCH))$(if $(clang),/clang)$(if $(SAN),/$(subst $(comma),-,$(SAN)))$(if $(FAULT),/fault-$(FAULT))

# What runs while building is compiled for this machine.
HOSTCC ?= gcc

PKG_CONFIG ?= pkg-config
PACKAGES := sqlite3 libevent libevent_openssl openssl hiredis libcurl libzstd zlib libxxhash libpcre2-8 jansson yaml-0.1 mpack
CHART_PACKAGES := jansson cairo freetype2
CALENDAR_PACKAGES := libical
TEST_PACKAGES := cmocka libprotobuf-c
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
CHART_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(CHART_PACKAGES) 2>/dev/null)
CHART_LIBS := $(shell $(PKG_CONFIG) --libs $(CHART_PACKAGES) 2>/dev/null)
CALENDAR_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(CALENDAR_PACKAGES) 2>/dev/null)
CALENDAR_LIBS := -lical
TEST_LIBS  := $(shell $(PKG_CONFIG) --libs $(TEST_PACKAGES) 2>/dev/null)

# A packager who has another compiler than ours says WERROR=.
WERROR   ?= -Werror
WARNINGS := -Wall -Wextra -Wshadow -Wconversion $(WERROR)
CFLAGS   ?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE -DHEELER_VERSION='"$(VERSION)"' $(if $(FAULT),-DHEELER_FAULT_$(FAULT)) $(if $(SAN),-DHEELER_CHECKS)
# Amid a sanitizer's code gcc guesses wrongly what is uninitialized (its manual says so).
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all $(if $(clang),,-Wno-maybe-uninitialized))
# No product is added before it is rounded, so the numbers are the same on every processor;
# gcc sees to that by itself where -std says so.
# Nor is it told where they were built.
BASE     := $(TARGET) -ffile-prefix-map=$(CURDIR)=. $(if $(SYSROOT),-ffile-prefix-map=$(SYSROOT)=) -std=c11 $(WARNINGS) -fno-omit-frame-pointer $(if $(clang),-ffp-contract=off) $(SAN_FLAGS)
LIBS     := $(PKG_LIBS) -lpthread -lm

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

# Everything but main() is one archive; the program, tests and benches link it.
SOURCES  := $(filter-out server/main.c,$(sort $(shell find config protocol flush server -name '*.c')))
OBJECTS  := $(SOURCES:%.c=$(B)/%.o)

# The program that draws pictures: all but its main() is an archive too. It alone links Cairo.
CHART    := $(patsubst %.c,$(B)/%.o,$(filter-out chart/main.c,$(sort $(wildcard chart/*.c))))
PAGE     := $(sort $(shell find server/http/page -type f -not -name README.md))
PROTO    := $(B)/proto/tests/support/intake.pb-c
SUPPORT  := $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c)) $(PROTO).o
TESTS    := $(patsubst %.c,$(B)/%,$(sort $(shell find tests -name 'test_*.c')))

BENCH    := $(patsubst %,$(B)/bench/%.o,core heeler_bench load profile scrape search sink span_load spans subject)

.PHONY: all deps deps-arm64 deps-build deps-check deps-package demo run test test-programs test-qemu fault-builds test-thread vectors clients page-test page-pictures deps-page differential faults kills siege watchers checks-test checks-soak checks-image-test mail-test alerts fleet \
	bench bench-memory benches bench-against bench-instructions bench-peers bench-picture soak traces-soak fuzz fuzz-inputs fuzz-programs check format docs man completions install install-server install-chart install-calendar install-checks install-bench bench-program deb package-test upgrade-test reproducible clean help
.SECONDARY:

all: $(B)/heeler $(B)/heeler-chart $(B)/heeler-calendar $(B)/heeler-checks

$(B)/%.o: %.c $(if $(SYSROOT),| $(SYSROOT)/complete)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(BASE) $(CFLAGS) -MMD -MP -c -o $@ $<

# What says the version is compiled anew when the Makefile says another one.
$(patsubst %.c,$(B)/%.o,$(shell grep -rl HEELER_VERSION --include='*.c' config flush server chart calendar tests)): Makefile

# The files of the page, compressed, as bytes of the program: server/http/page_table.h.
$(B)/page/%.gz: server/http/page/%
	@mkdir -p $(@D)
	$(Q)gzip -9n <$< >$@

$(B)/page.o: $(PAGE:server/http/page/%=$(B)/page/%.gz)
	$(call say,PAGE,server/http/page)
	$(Q)cd $(B)/page && $(LD) -r -z noexecstack -b binary -o ../page.o $(^:$(B)/page/%=%)

$(B)/libheeler.a: $(OBJECTS) $(B)/page.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/heeler: $(B)/server/main.o $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# What `heeler checks` becomes is not built: beside the program is a link to it.
$(B)/heeler-checks:
	@mkdir -p $(@D)
	$(Q)ln -sfn $(CURDIR)/server/checks/heeler-checks $@

# The same, which looks for its libraries in ../lib, and these for theirs: so it is no RUNPATH,
# which would be the program's alone. The programs that it starts are beside it.
BUNDLED := -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/../lib'
$(B)/bundle/heeler: $(B)/server/main.o $(B)/libheeler.a | $(B)/bundle/heeler-chart $(B)/bundle/heeler-calendar
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) $(BUNDLED) -o $@ $^ $(LIBS)

$(B)/chart/%.o $(B)/tests/chart/%.o: PKG_CFLAGS += $(CHART_CFLAGS)

$(B)/libchart.a: $(CHART)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/heeler-chart: $(B)/chart/main.o $(B)/libchart.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CHART_LIBS) -lm

$(B)/bundle/heeler-chart: $(B)/chart/main.o $(B)/libchart.a $(B)/libheeler.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) $(BUNDLED) -o $@ $^ $(CHART_LIBS) -lm

# What the tests share: an archive, and libraries as needed, so that a test is linked with what it
# calls and no more; the rest would be loaded and searched for leaks by each of them.
$(B)/libsupport.a: $(SUPPORT)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/chart/test_%: $(B)/tests/chart/test_%.o $(B)/libsupport.a $(B)/libchart.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(CHART_LIBS) $(TEST_LIBS) $(LIBS)

# The program that knows when downtimes recur. It alone links libical.
$(B)/calendar/%.o $(B)/tests/calendar/%.o: PKG_CFLAGS += $(CALENDAR_CFLAGS)

$(B)/heeler-calendar: $(B)/calendar/main.o $(B)/calendar/occur.o $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CALENDAR_LIBS)

$(B)/bundle/heeler-calendar: $(B)/calendar/main.o $(B)/calendar/occur.o $(B)/libheeler.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) $(BUNDLED) -o $@ $^ $(CALENDAR_LIBS)

$(B)/tests/calendar/test_%: $(B)/tests/calendar/test_%.o $(B)/calendar/occur.o $(B)/libsupport.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(CALENDAR_LIBS) $(TEST_LIBS) $(LIBS)

$(filter-out $(B)/tests/chart/% $(B)/tests/calendar/%,$(TESTS)): %: %.o $(B)/libsupport.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(TEST_LIBS) $(LIBS)

# It stands between the library and the allocator.
$(B)/tests/flush/redis/test_redis_exhaustion: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

# The tests decode what we encode with a decoder of other hands, made by protoc-c.
$(PROTO).c $(PROTO).h &: tests/support/intake.proto
	$(call say,PROTO,$<)
	@mkdir -p $(B)/proto
	$(Q)protoc-c --c_out=$(B)/proto $<

$(PROTO).o: $(PROTO).c
	$(Q)$(CC) $(TARGET) -I$(B)/proto -std=c11 $(CFLAGS) $(if $(SAN),-fsanitize=$(SAN)) -c -o $@ $<

PROTO_READERS := $(B)/tests/support/decode.o $(B)/tests/support/msgpack_in.o
$(PROTO_READERS): $(PROTO).h
$(PROTO_READERS): CPPFLAGS += -I$(B)/proto

$(B)/tests/vectors: $(B)/tests/vectors.o $(B)/libsupport.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(TEST_LIBS) $(LIBS)

$(B)/tests/model/asker $(B)/tests/model/counter: %: %.o $(B)/libsupport.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(TEST_LIBS) $(LIBS)

# What the script tests send with and listen on.
$(B)/tests/tools/%: $(B)/tests/tools/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)

$(B)/tests/tools/flat: TOOL_LIBS := -lyaml

$(B)/tests/tools/teller: TOOL_LIBS := $(B)/libheeler.a $(LIBS)
$(B)/tests/tools/teller: $(B)/libheeler.a

# A disk that fails or hangs, to be preloaded.
$(B)/tests/tools/disk.so: tests/tools/disk.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET) $(CPPFLAGS) -std=c11 $(WARNINGS) $(CFLAGS) -fPIC -shared -o $@ $<

# make vectors DIR=path: any folder with parse.jsonl, aggregation.jsonl ...
vectors: $(B)/tests/vectors
	$(Q)$< $(or $(DIR),tests/data)

$(B)/bench/bench_%: $(B)/bench/bench_%.o $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bench/bench_traces: $(B)/bench/spans.o

# ---- fuzzing: tests/fuzz/fuzz_NAME.c and its seeds, tests/fuzz/corpus_NAME/ ------
#
# The library and what the tests share are compiled once, as in any other build, and
# linked with each target. The committed corpus is only read; what a run finds stays
# in build/fuzz. A long run may be had in parts:
#   make fuzz FUZZ_SECONDS=600 FUZZERS="parse state"
FUZZ_SECONDS ?= 10
FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BUILD   := B=build/fuzz CC=clang SAN=fuzzer-no-link,address,undefined FAULT= CFLAGS='-O1 -g'

$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/libsupport.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) -fsanitize=fuzzer $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(TEST_LIBS) $(LIBS)

fuzz-programs: $(FUZZERS:%=$(B)/tests/fuzz/fuzz_%)

fuzz: deps deps-check
	@$(MAKE) --no-print-directory $(FUZZ_BUILD) fuzz-programs
	@tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS) $(FUZZERS)

# The same targets without a fuzzer, for compilers and processors that have none: each runs
# over the inputs that are there.
$(B)/tests/fuzz/inputs_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/inputs.o $(B)/libsupport.a $(B)/libheeler.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(TEST_LIBS) $(LIBS)

# Each of both archives may need the other.
CHART_FUZZ := $(B)/tests/fuzz/fuzz_chart $(B)/tests/fuzz/inputs_chart
$(CHART_FUZZ): $(B)/libchart.a
$(CHART_FUZZ): LIBS := -Wl,--start-group $(B)/libchart.a $(B)/libheeler.a -Wl,--end-group $(CHART_LIBS) $(LIBS)
$(B)/tests/fuzz/fuzz_chart.o: PKG_CFLAGS += $(CHART_CFLAGS)

fuzz-inputs: $(FUZZERS:%=$(B)/tests/fuzz/inputs_%)

# The load generator shares no code with the server that it measures.
$(B)/bench/heeler-bench: $(BENCH)
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpthread -lm

bench-program: $(B)/bench/heeler-bench

$(B)/tests/bench/test_profile: $(B)/bench/profile.o
$(B)/tests/bench/test_core: $(B)/bench/core.o
$(B)/tests/bench/test_spans: $(B)/bench/spans.o

# ---- the two commands of the README -------------------------------------------

# Debian 12's names. npm of other origin than Debian's comes with node and has no
# package of its own.
BUILD_PACKAGES  := gcc libc6-dev pkg-config libevent-dev libssl-dev libhiredis-dev libcurl4-openssl-dev libzstd-dev zlib1g-dev libxxhash-dev libpcre2-dev libjansson-dev libyaml-dev libsqlite3-dev libmpack-dev libcairo2-dev fonts-dejavu-core libical-dev tzdata ca-certificates
TEST_PACKAGES_DEB := libcmocka-dev libprotobuf-c-dev protobuf-c-compiler redis-server redis-tools mandoc
CHECK_PACKAGES  := clang clang-format clang-tidy cppcheck libclang-rt-14-dev python3-pyflakes
PAGE_PACKAGES   := $(if $(shell command -v npm),,nodejs npm) chromium
CLIENT_PACKAGES := $(if $(shell command -v npm),,nodejs npm) python3 python3-zstandard python3-msgpack openssl python3-statsd python3-aiodogstatsd ruby ruby-statsd perl libnet-statsd-perl

CHECKS_PACKAGES := python3 python3-yaml python3-zstandard postgresql-15 mariadb-server python3-psycopg2 python3-pymysql

PACKAGE_PACKAGES := debhelper lintian debootstrap systemd-container

# $(call install_debs,packages): what is missing, with apt-get, as root or by sudo;
# under make -j one after the other.
install_debs = exec 9<Makefile && flock 9; missing=""; \
	installed=" $$(dpkg-query -W -f='$${Package} $${Status}\n' $(1) 2>/dev/null | sed -n 's/ [a-z]* ok installed$$//p' | tr '\n' ' ')"; \
	for p in $(1); do case $$installed in *" $$p "*) ;; *) missing="$$missing $$p" ;; esac; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

deps:
	@$(call install_debs,$(BUILD_PACKAGES) $(TEST_PACKAGES_DEB))

deps-build:
	@$(call install_debs,$(BUILD_PACKAGES))

deps-check:
	@$(call install_debs,$(CHECK_PACKAGES))

# What makes the Debian packages and tries them.
deps-package: deps-build
	@$(call install_debs,$(PACKAGE_PACKAGES))

# What a build for arm64 needs on this machine, and the libraries for arm64 in a folder of
# their own: the machine's packages and what apt-get knows stay as they are.
LIBRARIES := $(filter %-dev,$(BUILD_PACKAGES) $(TEST_PACKAGES_DEB))
deps-arm64:
	@$(call install_debs,gcc-aarch64-linux-gnu qemu-user $(filter-out gcc %-dev,$(BUILD_PACKAGES) $(TEST_PACKAGES_DEB)))
	@packaging/sysroot.sh arm64 build/arm64/sysroot $(LIBRARIES)

ifdef SYSROOT
$(SYSROOT)/complete:
	@echo "make deps-arm64 comes first: it gets what a build for arm64 needs" >&2; false
endif

# pkg-config is asked when the Makefile is read, so what needs packages that may
# be missing runs in a make of its own, after they are installed.
demo: deps-build
	@$(MAKE) --no-print-directory build/heeler
	@tests/demo.sh build/heeler

run: build/heeler
	build/heeler run

SANITIZE := address,undefined

test: deps
	@$(MAKE) --no-print-directory SAN=$(SANITIZE) test-programs
	@$(MAKE) --no-print-directory build/heeler build/heeler-chart build/heeler-calendar build/heeler-checks man completions build/tests/tools/probe build/tests/tools/manager build/tests/tools/pty build/tests/tools/disk.so \
		build/tests/tools/container build/tests/tools/flat build/tests/tools/frozen build/bundle/heeler fault-builds
	@tests/run.sh build/$(subst $(comma),-,$(SANITIZE))/tests build/heeler

test-programs: $(TESTS) $(B)/heeler $(B)/heeler-chart $(B)/heeler-calendar

# Builds that lose one value or one point on purpose: the books must say so.
fault-builds:
	@$(MAKE) --no-print-directory FAULT=lose_value build/fault-lose_value/heeler
	@$(MAKE) --no-print-directory FAULT=lose_point build/fault-lose_point/heeler

# What crosses threads, under ThreadSanitizer.
THREAD_NAMES := inbox outbox delivery delivery_hand_over syncer log log_writer server timestamps handover ask worker source stream unix reload control desk http_stream status sender_tally tap tail capture recent history submit checks_status dashboards dashboard_files monitors downtimes monitor_files past_reader journal answer_events snapshot units notifier traces private_server upstream kept_traces kept_notes
THREAD_TESTS := $(foreach name,$(THREAD_NAMES),$(filter %/test_$(name),$(TESTS)))
test-thread: deps
	@$(MAKE) --no-print-directory SAN=thread $(THREAD_TESTS:$(B)/%=build/thread/%)
	@$(MAKE) --no-print-directory SAN= build/heeler-chart
	@cp build/heeler-chart build/thread/heeler-chart # of one thread; the sanitizer would make it slow
	@tests/run.sh build/thread/tests "" $(THREAD_NAMES)

# The tests and the fuzz targets' inputs on an emulated arm64, on each of its code paths.
test-qemu: deps-arm64
	@$(MAKE) --no-print-directory ARCH=arm64 CC=aarch64-linux-gnu-gcc SAN= FAULT= \
		build/arm64/tests/vectors test-programs fuzz-inputs
	@tests/qemu/run.sh build/arm64 qemu-aarch64 -L build/arm64/sysroot

# Real client libraries against the built program; then random lines against an
# independent model. CLIENT_SECONDS and SEEDS make them longer.
CLIENT_SECONDS ?= 60
TRACE_ROUNDS   ?= 300
SEEDS          ?= 1 2 3
QUESTIONS      ?= 10000
FLEET_QUESTIONS ?= 1000
SPANS          ?= 100000
clients: deps
	@$(call install_debs,$(CLIENT_PACKAGES))
	@$(MAKE) --no-print-directory build/heeler build/heeler-calendar
	cd tests/clients && npm ci --ignore-scripts --omit=optional --no-audit --no-fund --silent
	/usr/bin/python3 tests/clients/run.py --heeler build/heeler --seconds $(CLIENT_SECONDS)
	/usr/bin/python3 tests/clients/traces.py --heeler build/heeler --rounds $(TRACE_ROUNDS)
	/usr/bin/python3 tests/clients/expect.py --heeler build/heeler

# The page in a headless browser, beside the built program: CASES="no barrier" chooses.
page-test: deps-page
	@node tests/page/run.js build/heeler "$(CASES)"

# Its pictures for README.md and docs/questions.md, of a server under load: docs/now.png and docs/query.png.
page-pictures: deps-page
	@node tests/page/pictures.js build/heeler docs

deps-page: deps
	@$(call install_debs,$(PAGE_PACKAGES))
	@$(MAKE) --no-print-directory build/heeler build/heeler-calendar
	@cd tests/page && npm ci --ignore-scripts --no-audit --no-fund --silent

differential: deps
	@$(call install_debs,python3 python3-zstandard redis-server)
	@$(MAKE) --no-print-directory build/heeler build/tests/model/asker build/tests/model/counter
	/usr/bin/python3 tests/model/check_model.py
	set -e; for seed in $(SEEDS); do \
		/usr/bin/python3 tests/model/differential.py --heeler build/heeler --seed $$seed; \
		/usr/bin/python3 tests/model/query_differential.py --asker build/tests/model/asker --seed $$seed \
			--questions $(QUESTIONS); \
		/usr/bin/python3 tests/model/query_differential.py --heeler build/heeler --seed $$seed \
			--questions $(FLEET_QUESTIONS); \
		/usr/bin/python3 tests/model/trace_differential.py --counter build/tests/model/counter --seed $$seed \
			--spans $(SPANS); done

# An intake that fails in every way that we know of, an outage with a kill in its
# middle, and a dead intake beside a live one. FAULT_SECONDS makes them longer.
FAULT_SECONDS ?= 3
OUTAGE_SECONDS ?= 20
faults: deps
	@$(call install_debs,python3 python3-zstandard openssl util-linux)
	@$(MAKE) --no-print-directory build/heeler
	/usr/bin/python3 tests/slow/faults.py --heeler build/heeler --seconds $(FAULT_SECONDS)
	/usr/bin/python3 tests/slow/outage.py --heeler build/heeler --seconds $(OUTAGE_SECONDS) --backoff-base 0.2 --backoff-max 2
	set -e; for fault in hang dns; do \
		/usr/bin/python3 tests/slow/two_endpoints.py --heeler build/heeler --series 20000 --interval 2 \
			--seconds $(OUTAGE_SECONDS) --fault $$fault; done

# Servers that are killed amid a load, over and over, and pasts that are cut off anywhere; without a
# number both scripts are their short forms.
KILLS ?= 100
kills: deps
	@$(MAKE) --no-print-directory build/heeler build/tests/tools/probe
	@bash tests/check_past_kills.sh build/heeler $(KILLS)
	@bash tests/check_past_cut.sh build/heeler $(KILLS)

# Slow clients, logs and consoles that nobody reads, few descriptors, each beside an
# even load; a short form of tests/slow/siege.py.
SIEGE_SECONDS ?= 5
siege: deps
	@$(call install_debs,python3 python3-zstandard)
	@$(MAKE) --no-print-directory build/heeler build/bench/heeler-bench
	/usr/bin/python3 tests/slow/siege.py --seconds $(SIEGE_SECONDS)

# Pages, readers of lines and askers beside an even load; a short form of tests/slow/watchers.py.
WATCH_SECONDS ?= 20
watchers: deps
	@$(call install_debs,python3)
	@$(MAKE) --no-print-directory build/heeler build/bench/heeler-bench
	/usr/bin/python3 tests/slow/watchers.py --seconds $(WATCH_SECONDS)

# Spans beside lines, a minute; make traces-soak TRACE_SECONDS=10 SPANS=20000 LINES=200000: a short form.
TRACE_SECONDS ?= 60
traces-soak: deps
	@$(call install_debs,python3)
	@$(MAKE) --no-print-directory build/heeler build/bench/heeler-bench
	/usr/bin/python3 tests/slow/traces.py --seconds $(TRACE_SECONDS) --spans $(or $(SPANS),50000) --lines $(or $(LINES),1000000)

# Checks in Python: their parts, an independent model, real databases, and the real server with checks
# that misbehave for CHECKS_SECONDS beside others; CHECKS_SECONDS=600 is the long form. NAMES chooses
# among tests/checks/**/test_NAME.py.
CHECKS_SECONDS ?= 60
checks-test: deps
	@$(call install_debs,$(CHECKS_PACKAGES))
	@$(MAKE) --no-print-directory build/heeler build/heeler-checks
	@HEELER=build/heeler CHECKS_SECONDS=$(CHECKS_SECONDS) /usr/bin/python3 -B tests/checks/run.py $(NAMES)

checks-soak:
	@$(MAKE) --no-print-directory checks-test CHECKS_SECONDS=600 NAMES=end_to_end

# The image of checks, made by its Dockerfile's instructions in a Debian of its own, in build/slim.
checks-image-test: deps
	@$(call install_debs,debootstrap)
	@$(MAKE) --no-print-directory deb
	@$(MAKE) --no-print-directory build/heeler build/heeler-chart build/heeler-calendar build/tests/tools/probe build/tests/tools/container build/tests/tools/flat
	@bash tests/slow/checks_image.sh build/heeler build/deb/$(DEBIAN_ARCH) build/slim

# Mail to a real server, as root; skipped where exim4 is not installed.
mail-test: deps
	@$(call install_debs,python3 openssl)
	@$(MAKE) --no-print-directory build/tests/tools/teller
	/usr/bin/python3 tests/slow/mail.py

# Alerts of a server that is killed, stopped and put in its own place ALERTS times amid them, with a
# path for its state and without, beside Debian's mail server (as root), and in a loop; before that,
# where hosts send from. ALERTS=100 is the long form, of more than half an hour.
ALERTS     ?= 6
ALERT_WAYS := killed handed-over debian looping
alerts: deps
	@$(call install_debs,python3 openssl)
	@$(MAKE) --no-print-directory build/heeler build/heeler-chart build/heeler-calendar build/tests/tools/probe
	@bash tests/slow/host_addresses.sh build/heeler
	@$(MAKE) --no-print-directory -j4 -Otarget $(ALERT_WAYS:%=alerts-%)

alerts-%:
	/usr/bin/python3 tests/slow/alerts.py $* --times $(ALERTS)

# Servers that mirror to a real Redis, alone and as a cluster, under cuts, kills,
# fail-over, outages and wrong settings; a short form of tests/slow/redis_fleet.py.
fleet: deps
	@$(call install_debs,python3 python3-zstandard)
	@$(MAKE) --no-print-directory build/heeler
	/usr/bin/python3 tests/slow/redis_fleet.py --heeler build/heeler --seconds 10 --cuts 20 --outage 20 \
		--together alone cluster restart outage faults duplicates

# ---- benches --------------------------------------------------------------------

benches: $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/bench_*.c)) $(B)/bench/heeler-bench

# Each row of the table for each side in turns. ROWS: names or groups of rows, RUNS: turns of
# each, WINDOW: seconds of a window.
TURNS = /usr/bin/python3 bench/turns.py --rows "$(ROWS)" --window $(or $(WINDOW),2)
bench: deps
	@$(call install_debs,python3)
	@$(MAKE) --no-print-directory benches build/heeler
	@$(TURNS) --sides bare,heeler --pairs $(or $(RUNS),1) --json build/bench/bench.json

# Instructions a line by stage, which no neighbour disturbs.
bench-instructions: ROWS := instructions
bench-instructions: deps
	@$(call install_debs,python3 valgrind)
	@$(MAKE) --no-print-directory benches build/heeler
	@$(TURNS) --sides heeler --json build/bench/instructions.json

# make bench-against COMMIT=HEAD~1 PAIRS=9 ROWS="ingest tagged": another commit and this one in
# turns. COMMIT=HEAD BASE_CPU=sse2,xxh3 compares two code paths. BASE_CFLAGS are the compiler's
# flags for the other; a commit from before HEELER_CPU takes its plain path with BASE_CFLAGS="-O2 -g '-D__builtin_cpu_supports(x)=0'".
bench-against: export BASE_CFLAGS := $(BASE_CFLAGS)
bench-against: ROWS := $(or $(ROWS),ingest-21-1k ingest-21-1M ingest-77-1k ingest-77-1M plain tagged single timed quiet)
bench-against: deps
	@$(call install_debs,python3)
	@$(MAKE) --no-print-directory BASE_CFLAGS= benches build/heeler
	@set -e; base=$$(bench/against.sh $(or $(COMMIT),HEAD~1)); \
		$(TURNS) --sides base,heeler --pairs $(or $(PAIRS),9) --json build/bench/against.json \
			--base "$${base% *}" --base-revision "$${base#* }" --base-cflags "$$BASE_CFLAGS" \
			--base-cpu "$(or $(BASE_CPU),$(HEELER_CPU))"

# What the last three and bench-peers measured, into bench/README.md and bench/results.svg.
bench-picture:
	@/usr/bin/python3 bench/publish.py build/bench

# Seven minutes: resident memory under five loads, and of a million contexts.
bench-memory: deps
	@$(MAKE) --no-print-directory build/bench/heeler-bench build/heeler
	@bench/memory.sh

# The same loads for servers of others, side by side with ours.
PEER_PACKAGES := $(if $(shell command -v npm),,nodejs npm) netdata-core collectd-core python3
bench-peers: ROWS := $(or $(ROWS),plain single quiet quiet-single memory)
bench-peers: deps
	@$(call install_debs,$(PEER_PACKAGES))
	@$(MAKE) --no-print-directory build/bench/heeler-bench build/heeler
	cd bench/peers && npm ci --ignore-scripts --omit=optional --no-audit --no-fund --silent
	@$(TURNS) --sides bare,heeler,netdata,collectd,statsd \
		--pairs $(or $(RUNS),1) --json build/bench/peers.json

# make soak SECONDS=20 SAN=thread: with churn, over every kind of socket.
soak: deps
	@$(call install_debs,python3 curl)
	@$(MAKE) --no-print-directory $(B)/heeler
	@$(MAKE) --no-print-directory SAN= build/bench/heeler-bench
	@FLAT=$(if $(SAN),no,yes) bench/soak.sh $(B)/heeler $(or $(SECONDS),600)

# ---- keeping it clean -----------------------------------------------------------

FORMATTED := $(sort $(shell find config protocol flush server chart calendar bench tests packaging -name '*.[ch]' -not -path '*/node_modules/*'))

format:
	$(Q)clang-format -i $(FORMATTED)

check: deps-build deps-check
	$(Q)clang-format --dry-run -Werror $(FORMATTED)
	$(Q)cppcheck --quiet -i bench/peers/node_modules --error-exitcode=1 --inline-suppr --enable=warning,performance,portability --suppressions-list=.cppcheck -I. -DHEELER_VERSION='"0"' -D_GNU_SOURCE config protocol flush server chart calendar bench packaging
	$(Q)/usr/bin/python3 tests/checks/flakes.py server/checks tests/checks

# ---- the manual and the completions, from the program's own tables ------------------

# Of the libraries it takes nothing, and of their headers only what settings.h names.
build/tables: Makefile packaging/tables.c config/options.c bench/heeler_bench_table.h $(wildcard config/*.h server/commands/*.h)
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=c11 -I. -D_GNU_SOURCE -DHEELER_VERSION='"$(VERSION)"' $(WARNINGS) -O1 \
		$(if $(SYSROOT),-idirafter $(SYSROOT)/usr/include) -o $@ $(filter %.c,$^)

build/man/%: packaging/man/%.in build/tables
	@mkdir -p $(@D)
	$(Q)build/tables fill <$< >$@.new && mv $@.new $@

build/completions/%: packaging/completions/%.in build/tables
	@mkdir -p $(@D)
	$(Q)build/tables fill <$< >$@.new && mv $@.new $@

man: $(patsubst packaging/man/%.in,build/man/%,$(wildcard packaging/man/*.in))

completions: $(patsubst packaging/completions/%.in,build/completions/%,$(wildcard packaging/completions/*.in))

# The tables of settings, metrics, commands and functions are the program's own; tests/check_readme.sh.
docs: build/heeler build/tables
	sh tests/tools/tables.sh build/heeler build/docs $(patsubst %,docs/%.md,settings metrics commands questions lines)
	cp build/docs/*.md docs

UNIT_EDITS = -e 's|/usr/local/bin|$(PREFIX)/bin|' \
	$(if $(SERVICE_USER),-e 's|^DynamicUser=yes|User=$(SERVICE_USER)|') \
	$(if $(SYSCONFDIR),-e 's|^EnvironmentFile=|Environment="HEELER_OPTIONS=--config $(SYSCONFDIR)/heeler/heeler.yaml"\n&|')
install: install-server install-chart install-calendar install-checks

install-server: $(B)/heeler man completions
	install -D -m 755 $(B)/heeler $(DESTDIR)$(PREFIX)/bin/heeler
	install -d $(DESTDIR)$(LIBDIR)/systemd/system
	sed $(UNIT_EDITS) packaging/heeler.service >$(DESTDIR)$(LIBDIR)/systemd/system/heeler.service
	install -m 644 packaging/heeler.socket $(DESTDIR)$(LIBDIR)/systemd/system/heeler.socket
	$(if $(SYSCONFDIR),install -d $(DESTDIR)$(SYSCONFDIR)/heeler)
	$(if $(SYSCONFDIR),sed 's|^#\(heeler_api_key_file:\).*|\1 $(SYSCONFDIR)/heeler/api_key|' \
		packaging/heeler.yaml.example >$(DESTDIR)$(SYSCONFDIR)/heeler/heeler.yaml)
	install -D -m 644 build/man/heeler.1 $(DESTDIR)$(PREFIX)/share/man/man1/heeler.1
	install -D -m 644 build/man/heeler.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/heeler.yaml.5
	install -D -m 644 build/completions/heeler.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/heeler
	install -D -m 644 build/completions/_heeler $(DESTDIR)$(ZSH_COMPLETIONS)/_heeler

install-chart: $(B)/heeler-chart man
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/heeler-chart
	install -D -m 644 build/man/heeler-chart.1 $(DESTDIR)$(PREFIX)/share/man/man1/heeler-chart.1

install-calendar: $(B)/heeler-calendar man
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/heeler-calendar
	install -D -m 644 build/man/heeler-calendar.1 $(DESTDIR)$(PREFIX)/share/man/man1/heeler-calendar.1

# The unit's user and folders are made, where no packager does it, by systemd-sysusers and by
# systemd-tmpfiles --create.
CHECKS_UNIT_EDITS = -e 's|/usr/local/bin|$(PREFIX)/bin|' \
	$(if $(SYSCONFDIR),-e 's|^EnvironmentFile=|Environment="HEELER_CHECKS_OPTIONS=--config $(SYSCONFDIR)/heeler/heeler.yaml"\n&|')
install-checks: man
	packaging/checks.sh $(abspath $(DESTDIR)$(PREFIX)/lib/heeler)
	install -d $(DESTDIR)$(LIBDIR)/systemd/system
	sed $(CHECKS_UNIT_EDITS) packaging/heeler-checks.service >$(DESTDIR)$(LIBDIR)/systemd/system/heeler-checks.service
	$(if $(SYSCONFDIR),install -d $(DESTDIR)$(SYSCONFDIR)/heeler/conf.d $(DESTDIR)$(SYSCONFDIR)/heeler/checks.d)
	$(if $(SERVICE_USER),,set -e; for kind in sysusers tmpfiles; do \
		install -D -m 644 packaging/debian/heeler-checks.$$kind $(DESTDIR)$(LIBDIR)/$$kind.d/heeler-checks.conf; done)
	install -D -m 644 build/man/heeler-checks.1 $(DESTDIR)$(PREFIX)/share/man/man1/heeler-checks.1

install-bench: $(B)/bench/heeler-bench man
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/heeler-bench
	install -D -m 644 build/man/heeler-bench.1 $(DESTDIR)$(PREFIX)/share/man/man1/heeler-bench.1

# ---- Debian packages, in build/deb/ --------------------------------------------------

# make deb ARCH=arm64 builds them for another processor; DEB_SUFFIX=+b1 is a build of the same
# again, for an upgrade.
DEBIAN_ARCH = $(shell dpkg --print-architecture)
deb: deps-package $(if $(SYSROOT),deps-arm64)
	@SYSROOT=$(SYSROOT) packaging/deb.sh $(or $(ARCH),$(DEBIAN_ARCH)) $(VERSION)$(DEB_SUFFIX) $(BUILD_PACKAGES)
	@$(if $(DEB_SUFFIX),,cd build/deb/$(or $(ARCH),$(DEBIAN_ARCH)) && lintian --fail-on error,warning --allow-root *.changes)

PACKAGE_TEST = /usr/bin/python3 tests/slow/package.py \
	--root $(or $(PACKAGE_ROOT),build/bookworm) --seconds $(or $(PACKAGE_SECONDS),10)

# Installed, used, upgraded under load and removed in a Debian 12 of its own, in build/bookworm,
# with systemd running; as root. What is rebuilt is the same program, a new file. PACKAGE_ROOT=/
# takes this machine's Debian, behind an overlay, and PREBUILT=1 the programs as they were built.
package-test: deps-package
	@$(call install_debs,python3 python3-yaml python3-zstandard python3-statsd)
	@$(if $(PREBUILT),$(MAKE) --no-print-directory build/heeler build/heeler-chart build/heeler-calendar build/bench/heeler-bench)
	@set -e; for suffix in '' +b1; do \
		PREBUILT=$(PREBUILT) $(MAKE) --no-print-directory deb DEB_SUFFIX=$$suffix; \
		rm -rf build/deb/test$$suffix; mkdir build/deb/test$$suffix; \
		cp build/deb/$(DEBIAN_ARCH)/*.deb build/deb/test$$suffix/; done
	@sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo $(PACKAGE_TEST) --before build/deb/test --after build/deb/test+b1

# The same from the release before, as its commit builds it, to this version. It takes minutes.
RELEASED = $(or $(FROM),$(shell awk '$$2 ~ /^[0-9.]+$$/ && $$3 ~ /^.20/ { print $$2 }' CHANGELOG.md | grep -vxF $(VERSION) | head -n 1))
upgrade-test: deps-package
	@$(call install_debs,python3 python3-zstandard python3-statsd)
	@$(MAKE) --no-print-directory deb
	@tests/slow/released.sh $(RELEASED) build/deb/released
	@sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo $(PACKAGE_TEST) --before build/deb/released --after build/deb/$(DEBIAN_ARCH)

# Two builds in two folders, compared. It takes minutes.
reproducible: deps-package
	@tests/slow/reproducible.sh $(VERSION) $(BUILD_PACKAGES)

# ---- packed with its libraries, which are this machine's packages --------------------

.PHONY: bundle image test-trixie
PACKED := build/heeler-$(VERSION)

# A tarball that is unpacked anywhere: bin/heeler, lib/ and the licences.
bundle: deps-build
	@$(MAKE) --no-print-directory build/bundle/heeler man completions
	@packaging/bundle.sh build/bundle/heeler $(PACKED)-linux-$(DEBIAN_ARCH).tar.gz

# The image of packaging/Dockerfile, for `docker load`, without Docker.
image: deps-build
	@$(MAKE) --no-print-directory build/heeler build/heeler-chart build/heeler-calendar
	@packaging/image.sh build/heeler $(PACKED)-image-$(DEBIAN_ARCH).tar

# That tarball in a fresh Debian trixie, in build/trixie; as root. It takes minutes.
test-trixie: deps bundle
	@$(call install_debs,debootstrap)
	@$(MAKE) --no-print-directory build/heeler build/tests/tools/probe build/tests/tools/container
	@tests/slow/trixie.sh build/heeler $(PACKED)-linux-$(DEBIAN_ARCH).tar.gz build/trixie

# A release, in build/dist: the sources of the commit, what the programs are linked with, checksums.
.PHONY: dist
dist: deps-build
	@$(MAKE) --no-print-directory build/heeler build/heeler-chart build/heeler-calendar
	@packaging/dist.sh build/heeler $(VERSION) build/dist

clean:
	rm -rf build

help:
	@echo "make [all]         build/heeler (CC=clang, SAN=address,undefined, V=1)"
	@echo "make ARCH=arm64    build/arm64/heeler, after make deps-arm64"
	@echo "make deb           Debian packages in build/deb (ARCH=arm64)"
	@echo "make package-test  the package in a Debian of its own, with systemd (PACKAGE_SECONDS=10 of load)"
	@echo "make upgrade-test  the same from the release before to this version (FROM=0.2.0)"
	@echo "make reproducible  two builds in two folders give the same bytes"
	@echo "make bundle        a tarball with its libraries; make test-trixie: in another Debian"
	@echo "make dist          a release: sources, SPDX document, checksums"
	@echo "make image         an image for docker load, without Docker"
	@echo "make demo          install what is missing, build, show a flushed bucket"
	@echo "make test          install what is missing, build with sanitizers, run the tests"
	@echo "make run           the server with its defaults"
	@echo "make vectors       the vectors of DIR=tests/data"
	@echo "make clients       real client libraries, end to end (CLIENT_SECONDS=60)"
	@echo "make page-test     the page in a headless browser (CASES='no barrier')"
	@echo "make page-pictures docs/now.png and docs/query.png, of a server under load"
	@echo "make differential  random lines, questions and traces against independent models (SEEDS='1 2 3', QUESTIONS=10000, FLEET_QUESTIONS=1000, SPANS=100000)"
	@echo "make faults        intakes that fail, for FAULT_SECONDS=3 and OUTAGE_SECONDS=20"
	@echo "make kills         the past on disk of servers that are killed KILLS=100 times"
	@echo "make siege         slow clients, stuck logs, few descriptors (SIEGE_SECONDS=60: the long form)"
	@echo "make checks-test   checks in Python, with real databases (CHECKS_SECONDS=60, NAMES='trust end_to_end')"
	@echo "make checks-soak   ten minutes of checks that misbehave beside others"
	@echo "make checks-image-test  packaging/Dockerfile.checks without Docker (as root)"
	@echo "make mail-test     mail to a real server, where exim4 is installed (as root)"
	@echo "make alerts        alerts of a server that is ended amid them (ALERTS=100: the long form)"
	@echo "make watchers      pages, readers of lines and askers beside a load (WATCH_SECONDS=600: the long form)"
	@echo "make traces-soak   spans beside a load of lines (TRACE_SECONDS=60, SPANS=50000, LINES=1000000: a second)"
	@echo "make fleet         several servers and a real Redis that fails"
	@echo "make test-thread   what crosses threads, under ThreadSanitizer"
	@echo "make test-qemu     the tests and the fuzz targets' inputs on an emulated arm64"
	@echo "make fuzz          each fuzz target for FUZZ_SECONDS=10 (FUZZERS='parse state')"
	@echo "make bench         micro benchmarks and a short whole-server table (ROWS='ingest tagged', RUNS=3, WINDOW=10)"
	@echo "make bench-against COMMIT=HEAD~1 and this tree in PAIRS=9 turns"
	@echo "make bench-instructions  instructions a line by stage, under callgrind"
	@echo "make bench-memory  resident memory under five loads, and of a million contexts"
	@echo "make bench-peers   the same loads for statsd, netdata and collectd, in one run"
	@echo "make bench-picture what was measured last, into bench/README.md"
	@echo "make soak          ten minutes of churn (SECONDS=600, SAN=thread)"
	@echo "make check         clang-format, cppcheck, pyflakes"
	@echo "make docs          the tables of docs/settings.md, metrics.md, commands.md and others"
	@echo "make man           the manual pages, in build/man (make completions: bash and zsh)"
	@echo "make deps          install the packages for building and testing"
	@echo "make format, clean, install, install-server, install-chart, install-calendar, install-checks, install-bench (PREFIX, DESTDIR, LIBDIR, SYSCONFDIR)"

-include $(OBJECTS:.o=.d) $(CHART:.o=.d) $(SUPPORT:.o=.d) $(TESTS:=.d) $(BENCH:.o=.d) $(patsubst bench/%.c,$(B)/bench/%.d,$(wildcard bench/bench_*.c)) $(FUZZERS:%=$(B)/tests/fuzz/fuzz_%.d) $(B)/tests/fuzz/inputs.d $(B)/tests/vectors.d $(B)/tests/model/asker.d $(B)/tests/model/counter.d $(B)/server/main.d $(B)/chart/main.d $(B)/calendar/main.d $(B)/calendar/occur.d
