# SkinCredible in C. `make help` lists the targets.
#
# Sources are found by folder: a new .c file in libconvlstm/, libmtcnn/ or tools/*/ is built without touching this file. A file's suffix is its
# instruction set (_avx2, _avx512, _neon) and sets its flags; tools/skin-X.c becomes the tool skin-X; tests/test_*.c become test programs.

VERSION := 0.1.0
CC ?= cc
AR ?= ar
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
OUT ?= demo
PATIENTS ?=
EPOCHS ?=
SEED ?= 1

OPT ?= -O3 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unknown-pragmas
SAN ?=
CFLAGS_ALL = -std=gnu11 $(OPT) $(WARN) $(SAN) -fopenmp -ffp-contract=off -fno-math-errno -fvisibility=hidden -fPIC -D_GNU_SOURCE $(CFLAGS)
INCLUDES := -Ilibconvlstm -Ilibconvlstm/base -Ilibmtcnn -Itools/common
LDLIBS_CORE := -lopenblas -lz -lm -lpthread

MACHINE := $(shell $(CC) -dumpmachine)
ISA_FLAGS_avx2 := -mavx2 -mfma -mf16c
ISA_FLAGS_avx512 := -mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma -mf16c -mprefer-vector-width=512
ISA_FLAGS_neon :=
ifneq (,$(findstring x86_64,$(MACHINE)))
OTHER_ISA := %_neon.c
else ifneq (,$(findstring aarch64,$(MACHINE)))
OTHER_ISA := %_avx2.c %_avx512.c
else
OTHER_ISA := %_avx2.c %_avx512.c %_neon.c
endif

# ---- sources ----------------------------------------------------------------------------------------------------------------

sources = $(filter-out $(OTHER_ISA),$(sort $(wildcard $(addsuffix /*.c,$(1)))))
BASE_SRC := $(call sources,libconvlstm/base)
CONVLSTM_SRC := $(call sources,libconvlstm libconvlstm/layers libconvlstm/kernels libconvlstm/model libconvlstm/trainer)
MTCNN_SRC := $(call sources,libmtcnn libmtcnn/kernels)
TOOL_MAINS := $(sort $(wildcard tools/skin-*.c))
TOOL_SRC := $(call sources,$(filter %/,$(wildcard tools/*/)))
BENCH_SRC := $(call sources,bench)
TEST_MAINS := $(sort $(wildcard tests/test_*.c))
TEST_SRC := $(filter-out $(TEST_MAINS),$(sort $(wildcard tests/*.c)))

# ---- what the tools find on this machine --------------------------------------------------------------------------------------

have = $(shell pkg-config --exists $(1) 2>/dev/null && echo 1)
have_header = $(shell printf '\#include <stdio.h>\n\#include <$(1)>\n' | $(CC) -fsyntax-only -xc - 2>/dev/null && echo 1)
TOOL_DEFS :=
TOOL_LIBS := -ljansson
ifeq (1,$(call have,libexif))
TOOL_DEFS += -DHAVE_EXIF
TOOL_LIBS += -lexif
endif
ifeq (1,$(call have,libmicrohttpd))
TOOL_DEFS += -DHAVE_MICROHTTPD
TOOL_LIBS += -lmicrohttpd
endif
ifeq (1,$(call have,libcurl))
TOOL_DEFS += -DHAVE_CURL
TOOL_LIBS += -lcurl
endif
ifeq (1,$(call have_header,csv.h))
TOOL_DEFS += -DHAVE_CSV
TOOL_LIBS += -lcsv
endif
ifeq (1,$(call have,libexttextcat))
TOOL_DEFS += -DHAVE_TEXTCAT $(shell pkg-config --cflags libexttextcat) -DTEXTCAT_DATA='"$(shell pkg-config --variable=pkgdatadir libexttextcat)"'
TOOL_LIBS += -lexttextcat-2.0
endif
ifeq (1,$(call have,hdf5))
TOOL_DEFS += -DHAVE_HDF5 $(shell pkg-config --cflags hdf5)
TOOL_LIBS += $(shell pkg-config --libs hdf5)
endif
TOOL_DEFS += -isystem /usr/include/stb

# ---- objects, keyed by every flag that shapes them -------------------------------------------------------------------------------

KEY := $(shell printf '%s' '$(CC) $(CFLAGS_ALL) $(TOOL_DEFS)' | cksum | cut -d' ' -f1)
OBJ := $(BUILD)/obj-$(KEY)
objects = $(patsubst %.c,$(OBJ)/%.o,$(1))
LIB_CONVLSTM := $(BUILD)/lib/libconvlstm.a
LIB_MTCNN := $(BUILD)/lib/libmtcnn.a
LIB_TOOLS := $(OBJ)/libtools.a
TOOLS := $(patsubst tools/%.c,$(BUILD)/bin/%,$(TOOL_MAINS))
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_MAINS))
BENCH := $(if $(BENCH_SRC),$(BUILD)/bin/bench)

isa_of = $(filter avx2 avx512 neon,$(lastword $(subst _, ,$(basename $(notdir $(1))))))

.DEFAULT_GOAL := all
.PHONY: all build check check-isa check-embed bench demo weights install uninstall clean help deps asan-check ubsan-check tsan-check
.DELETE_ON_ERROR:
.SECONDARY:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | column -t -s'|'

all: deps ## build the libraries, tools and bench (build/lib, build/bin)
	@+$(MAKE) --no-print-directory build

build: $(LIB_CONVLSTM) $(LIB_MTCNN) $(TOOLS) $(BENCH)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(ISA_FLAGS_$(call isa_of,$<)) $(INCLUDES) $(DEFS) -MMD -MP -c $< -o $@
$(call objects,$(TOOL_SRC) $(TOOL_MAINS) $(BENCH_SRC) $(TEST_SRC) $(TEST_MAINS)): DEFS = $(TOOL_DEFS) -DSKIN_ROOT='"$(CURDIR)"'

$(LIB_CONVLSTM): $(call objects,$(BASE_SRC) $(CONVLSTM_SRC))
$(LIB_MTCNN): $(call objects,$(BASE_SRC) $(MTCNN_SRC))
$(LIB_TOOLS): $(call objects,$(TOOL_SRC))
$(LIB_CONVLSTM) $(LIB_MTCNN) $(LIB_TOOLS):
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

LINK = $(CC) $(CFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) -Wl,--as-needed $(TOOL_LIBS) $(LDLIBS_CORE) $(LDLIBS)
$(BUILD)/bin/%: $(OBJ)/tools/%.o $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/bin/bench: $(call objects,$(BENCH_SRC)) $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/tests/%: $(OBJ)/tests/%.o $(call objects,$(TEST_SRC)) $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK) -lcmocka

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

clean: ## remove build/ (not weights/, not the demo's output)
	rm -rf $(BUILD)
