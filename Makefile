# pyinspect: see README.md. `make help` lists what can be made.
#
#   CC=clang            another compiler (gcc and clang are tested)
#   BUILD=san           objects under AddressSanitizer and UndefinedBehaviorSanitizer
#   TESTS="unit"        which tests `make check` runs (unit live)
#   BENCH_SIZES="..."   how many objects the heaps of `make bench` have (200000 2000000 10000000)
#   DYGRAPHS=DIR        where dygraph.min.js and .css are (/usr/share/javascript/dygraphs)
#   PREFIX, DESTDIR     where `make install` puts things

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= release
TESTS ?= unit live
PKG_CONFIG ?= pkg-config

# All cores, unless the command line says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += --no-print-directory -j$(shell nproc)
endif

OUT := build/$(BUILD)-$(notdir $(firstword $(CC)))
LIBS := libdw libelf libprotobuf-c libseccomp sqlite3 zlib

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
    -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum \
    -Wold-style-definition -Wcast-qual
# The tests' own objects take longer to compile than to run, and a report of the sanitizers names
# lines, which is all that they need to know. Nothing is looked for in what is built for its warnings.
ifeq ($(BUILD),san)
CFLAGS ?= -O2 -g1
TEST_CFLAGS ?= -O0 -g1
else ifeq ($(BUILD),werror)
CFLAGS ?= -O2
else
CFLAGS ?= -O2 -g
endif
TEST_CFLAGS ?= $(CFLAGS)
HARDEN := -fstack-protector-strong -fPIE
ifneq ($(BUILD),san)
HARDEN += -D_FORTIFY_SOURCE=2
endif
# Asked once, but not before pkg-config itself is there.
LIBS_CFLAGS = $(eval LIBS_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(LIBS)))$(LIBS_CFLAGS)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -I$(OUT) $(WARNINGS) $(HARDEN) $(SAN) $(CFLAGS) \
    $(LIBS_CFLAGS) -pthread
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS) -pthread
ALL_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lm
ifeq ($(BUILD),san)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifeq ($(BUILD),werror)
WARNINGS += -Werror
endif

# `make V=1` shows each command.
QUIET := $(if $(V),,@)

.DELETE_ON_ERROR:
.PRECIOUS: $(OUT)/have-%
.DEFAULT_GOAL := all

RESIDENT := inspector/sandbox/resident.c
SOURCES := $(sort $(filter-out $(RESIDENT),\
    $(wildcard symbols/*.c symbols/*/*.c inspector/*.c inspector/*/*.c)))
LIBRARY := $(filter-out inspector/main.c,$(SOURCES))
TEST_SOURCES := $(sort $(wildcard tests/unit/*.c tests/live/*.c tests/support/*.c))
HEADERS := $(sort $(wildcard symbols/*.h symbols/*/*.h inspector/*/*.h tests/support/*.h))
SCRIPTS := $(sort $(wildcard .ci/run tests/*/*.sh))

all: build/pyinspect ## build build/pyinspect

build/pyinspect: $(OUT)/pyinspect
	@mkdir -p $(@D) && cp -f $< $@

$(OUT)/pyinspect: $(SOURCES:%.c=$(OUT)/%.o)
	@echo "  link $@"
	$(QUIET)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(OUT)/libpyinspect.a: $(LIBRARY:%.c=$(OUT)/%.o)
	@rm -f $@
	$(QUIET)$(AR) rcs $@ $^

$(OUT)/%.o: %.c Makefile | $(OUT)/have-build
	@mkdir -p $(@D)
	@echo "  $(CC) $<"
	$(QUIET)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The bundled layouts, each line a string. Written each time, and touched only where that changed
# something: a table that went away does so too.
$(OUT)/symbols/layouts.c: always
	@mkdir -p $(@D)
	@set -e; { \
	echo '#include "symbols/layout_bundled.h"'; \
	echo 'const struct bundled_layout bundled_layouts[] = {'; \
	for table in $$(printf '%s\n' $(wildcard symbols/layouts/*.layout) | LC_ALL=C sort -V); do \
	    echo "{\"$$(basename $$table .layout)\","; \
	    sed 's/[\\"?]/\\&/g; s/.*/"&\\n"/' $$table; \
	    echo ", $$(wc -c <$$table)},"; \
	done; \
	echo '{NULL, NULL, 0}};'; \
	echo 'const size_t bundled_layout_count = sizeof(bundled_layouts) / sizeof(bundled_layouts[0]) - 1;'; \
	} >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(OUT)/symbols/layouts.o: $(OUT)/symbols/layouts.c symbols/layout_bundled.h Makefile | $(OUT)/have-build
	@echo "  $(CC) $<"
	$(QUIET)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# What a page for a browser has inside: the chart library as Debian's libjs-dygraphs has it, and our
# own style and script. Each file becomes a string.
DYGRAPHS ?= /usr/share/javascript/dygraphs
PAGE_PARTS := library_style:$(DYGRAPHS)/dygraph.min.css library_script:$(DYGRAPHS)/dygraph.min.js \
    library_licence:inspector/report/html/dygraphs-licence.txt \
    page_style:inspector/report/html/page.css page_script:inspector/report/html/page.js
$(OUT)/inspector/report/page_parts.c: always | $(OUT)/have-build
	@mkdir -p $(@D)
	@set -e; { \
	echo '#include "inspector/report/render_html.h"'; \
	for part in $(PAGE_PARTS); do \
	    echo "const struct html_part html_$${part%%:*} = {"; \
	    sed '/sourceMappingURL=/d; s/[\\"?]/\\&/g; s/.*/"&\\n"/' "$${part#*:}"; \
	    echo ", $$(sed '/sourceMappingURL=/d' "$${part#*:}" | wc -c)};"; \
	done; \
	} >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(OUT)/inspector/report/page_parts.o: $(OUT)/inspector/report/page_parts.c \
    inspector/report/render_html.h Makefile | $(OUT)/have-build
	@echo "  $(CC) $<"
	$(QUIET)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The messages of a pprof profile, by protobuf-c's compiler.
PROFILE := inspector/store/profile
$(OUT)/$(PROFILE).pb-c.c: $(PROFILE).proto | $(OUT)/have-build
	@mkdir -p $(@D)
	$(QUIET)protoc-c --c_out=$(OUT) $<

$(OUT)/$(PROFILE).pb-c.h: $(OUT)/$(PROFILE).pb-c.c

$(OUT)/$(PROFILE).pb-c.o: $(OUT)/$(PROFILE).pb-c.c Makefile | $(OUT)/have-build
	@echo "  $(CC) $<"
	$(QUIET)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(foreach made,o checked,$(OUT)/inspector/store/traces_pprof.$(made) \
    $(OUT)/tests/unit/test_traces_export.$(made)): $(OUT)/$(PROFILE).pb-c.h

# The program that is left in a sandbox's child: without a library, sanitizers or relocations, and
# position independent. It is built into a block of bytes.
RESIDENT_CFLAGS = -std=c11 -D_GNU_SOURCE -I. $(WARNINGS) -O2 -fPIE -ffreestanding \
    -fno-stack-protector -fno-stack-clash-protection -fno-jump-tables -fvisibility=hidden \
    -fno-asynchronous-unwind-tables -fno-unwind-tables -U_FORTIFY_SOURCE
$(OUT)/inspector/sandbox/resident.o: $(RESIDENT) Makefile | $(OUT)/have-build
	@mkdir -p $(@D)
	@echo "  $(CC) $<"
	$(QUIET)$(CC) $(RESIDENT_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/inspector/sandbox/resident.program: $(OUT)/inspector/sandbox/resident.o \
    inspector/sandbox/resident.ld
	@if readelf -rW $< | grep -E 'R_X86_64_(64|32)'; then \
	    echo "$(RESIDENT): would have to be relocated"; exit 1; fi
	$(QUIET)$(CC) -nostdlib -static -Wl,--build-id=none -Wl,--oformat=binary \
	    -Wl,-T,inspector/sandbox/resident.ld -o $@ $<

$(OUT)/inspector/sandbox/resident_program.c: $(OUT)/inspector/sandbox/resident.program
	@{ \
	echo '#include "inspector/sandbox/resident.h"'; \
	echo 'const unsigned char resident_program[] = {'; \
	od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; \
	echo '0};'; \
	echo 'const uint64_t resident_program_size = sizeof(resident_program) - 1;'; \
	} >$@

$(OUT)/inspector/sandbox/resident_program.o: $(OUT)/inspector/sandbox/resident_program.c \
    inspector/sandbox/resident.h Makefile | $(OUT)/have-build
	@echo "  $(CC) $<"
	$(QUIET)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(OUT)/pyinspect $(OUT)/libpyinspect.a objects: $(OUT)/symbols/layouts.o \
    $(OUT)/inspector/report/page_parts.o $(OUT)/inspector/sandbox/resident_program.o \
    $(OUT)/$(PROFILE).pb-c.o

layouts: all ## make the tables of symbols/layouts from the interpreters that are found
	@tests/interpreters/layouts.sh

# What the build (or the tests) need is installed once, if it is not there.
$(OUT)/have-%: tests/support/install-dependencies.sh
	@$< $* $(firstword $(CC))
	@mkdir -p $(@D) && touch $@

-include $(SOURCES:%.c=$(OUT)/%.d) $(RESIDENT:%.c=$(OUT)/%.d) $(TEST_SOURCES:%.c=$(OUT)/%.d)

interpreters: ## fetch CPython 3.11, 3.13 to 3.15, debug builds too, and PyPy from Debian
	@tests/interpreters/fetch.sh

# The tests run on objects under the sanitizers, and so does the program that they start.
check: ## run the tests under ASan and UBSan on every interpreter that is found
	-@tests/interpreters/fetch.sh
	@$(MAKE) BUILD=san run-tests

tests: $(TESTS:%=$(OUT)/%-tests) $(OUT)/pyinspect

run-tests: tests
	@tests/support/run-tests.sh $(OUT) $(TESTS)

$(OUT)/%-tests: $(OUT)/libpyinspect.a
	@echo "  link $@"
	$(QUIET)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $< $(ALL_LIBS) $$($(PKG_CONFIG) --libs criterion)

test_objects = $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/$(1)/*.c))
$(OUT)/unit-tests: $(call test_objects,unit) $(call test_objects,support)
$(OUT)/live-tests: $(call test_objects,live) $(call test_objects,support)
$(TEST_SOURCES:%.c=$(OUT)/%.o): CFLAGS := $(TEST_CFLAGS)
$(TEST_SOURCES:%.c=$(OUT)/%.o) $(TEST_SOURCES:%.c=$(OUT)/%.checked): | $(OUT)/have-check

# The parts go side by side, and one that fails does not end the others. What gcc makes without a
# warning is the program that is looked into: it is not built twice.
lint: ## check the layers, what may be named where, sizes, formats and warnings
	@tests/support/install-dependencies.sh lint || [ "$$CI" != true ]
	+@$(MAKE) -k lint-layers lint-sizes lint-formats lint-program

lint-layers:
	@tests/lint/layers.sh docs/architecture.md

lint-sizes:
	@tests/lint/sizes.sh

lint-formats:
	@tests/lint/formats.sh $(SCRIPTS)

lint-program:
	+@status=0; \
	tests/lint/warnings.sh || status=1; \
	tests/lint/words.sh build/werror-gcc/pyinspect || status=1; \
	exit $$status

# All that a compiler can warn of without making anything, which for clang is everything.
syntax: $(patsubst %.c,$(OUT)/%.checked,$(SOURCES) $(RESIDENT) $(TEST_SOURCES)) \
    $(HEADERS:%=$(OUT)/%.alone)
$(RESIDENT:%.c=$(OUT)/%.checked): ALL_CFLAGS = $(RESIDENT_CFLAGS)

$(OUT)/%.checked: %.c Makefile | $(OUT)/have-build
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(@:.checked=.d) -MT $@ -fsyntax-only $<
	@touch $@

objects: $(SOURCES:%.c=$(OUT)/%.o) $(TEST_SOURCES:%.c=$(OUT)/%.o) $(HEADERS:%=$(OUT)/%.alone)

$(OUT)/%.h.alone: %.h Makefile | $(OUT)/have-build
	@mkdir -p $(@D)
	$(QUIET)echo '#include "$<"' | $(CC) $(ALL_CFLAGS) -fsyntax-only -x c -
	@touch $@

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 build/pyinspect $(DESTDIR)$(PREFIX)/bin/pyinspect
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/pyinspect/LICENSE
	for page in $(wildcard docs/*.1); do \
	    install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man1/$${page##*/} || exit; \
	done

uninstall: ## remove what `make install` put there
	rm -f $(DESTDIR)$(PREFIX)/bin/pyinspect
	rm -f $(patsubst docs/%,$(DESTDIR)$(PREFIX)/share/man/man1/%,$(wildcard docs/*.1))
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/pyinspect

demo: all ## start a small service and inspect it from outside
	@tests/demo/demo.sh

# No part of `make check`: it fails when a target is missed, which a busy machine is enough for.
bench: all ## hold pyinspect against objgraph inside the same process
	@tests/bench/bench.sh

bench-latency: all ## how much slower a gunicorn answers while it is watched
	@tests/bench/latency.sh

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: all interpreters check tests run-tests lint lint-layers lint-sizes lint-formats \
    lint-program syntax objects install uninstall demo bench bench-latency \
    clean help layouts always
