# pyinspect: see README.md. `make help` lists what can be made.
#
#   CC=clang            another compiler (gcc and clang are tested)
#   BUILD=san           objects under AddressSanitizer and UndefinedBehaviorSanitizer
#   PREFIX, DESTDIR     where `make install` puts things

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= release
PKG_CONFIG ?= pkg-config

OUT := build/$(BUILD)-$(notdir $(firstword $(CC)))
LIBS := libdw libelf

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
    -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum \
    -Wold-style-definition -Wcast-qual
CFLAGS ?= -O2 -g
HARDEN := -fstack-protector-strong -fPIE
ifneq ($(BUILD),san)
HARDEN += -D_FORTIFY_SOURCE=2
endif
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. $(WARNINGS) $(HARDEN) $(SAN) $(CFLAGS) \
    $(shell $(PKG_CONFIG) --cflags $(LIBS)) -pthread
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS) -pthread
ALL_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS))
ifeq ($(BUILD),san)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

SOURCES := $(sort $(wildcard symbols/*.c symbols/*/*.c inspector/*.c inspector/*/*.c))
LIBRARY := $(filter-out inspector/main.c,$(SOURCES))

all: build/pyinspect ## build build/pyinspect

build/pyinspect: $(OUT)/pyinspect
	@mkdir -p $(@D) && cp -f $< $@

$(OUT)/pyinspect: $(SOURCES:%.c=$(OUT)/%.o)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(SOURCES:%.c=$(OUT)/%.d)

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all clean help
