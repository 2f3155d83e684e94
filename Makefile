# SkinCredible in C. `make help` lists the targets.
#
# Sources are found by folder: a new .c file in libconvlstm/, libmtcnn/ or tools/*/ is built without
# touching this file. Kernels are templates, NAME_body.c, listed below; elsewhere a file's suffix is
# its instruction set (_avx2, _avx512, _neon) and sets its flags. tools/skin-X.c becomes the tool
# skin-X; tests/unit/*/test_*.c become test programs.
#
# A line is printed for each file that is built; V=1 prints the commands instead.

# The version has one place: the public header.
VERSION := $(shell sed -n 's/^.define NBASE_VERSION_STRING "\(.*\)"/\1/p' libconvlstm/base/nbase.h)
CC ?= cc
AR ?= ar
BUILD ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
OUT ?= demo
PATIENTS ?=
EPOCHS ?=
SEED ?= 1

ifneq (1,$(words $(BUILD)))
$(error BUILD='$(BUILD)': make has no names with blanks; choose a folder without)
endif

OPT ?= -O3 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unknown-pragmas
# clang asks for every field of an initializer; what is left out here is null on purpose.
ifneq (,$(findstring clang,$(shell $(CC) --version 2>/dev/null)))
WARN += -Wno-missing-field-initializers
endif
SAN ?=
# THREADS=openmp: loops and teams on the host's OpenMP runtime instead of threads of our own.
# THREADS=none: on the calling thread alone. THREADS=wasm: on workers that share a module's memory.
THREADS ?= pool
OPENMP_LIBS :=
ifeq (undefined,$(origin OPENMP))
OPENMP := -fopenmp
# Threads of our own need of OpenMP only the runtime that OpenBLAS brings along, gcc's, and its
# header. clang would bring a second runtime into the process.
ifneq (,$(and $(filter pool,$(THREADS)),\
    $(findstring clang,$(shell $(CC) --version 2>/dev/null)),$(shell command -v gcc)))
OPENMP := -I$(BUILD)/libgomp
OPENMP_LIBS := -lgomp
$(shell mkdir -p $(BUILD)/libgomp && rm -f $(BUILD)/libgomp/omp.h && \
    sed 's/__malloc__ ([a-z_]*)/__malloc__/' \
  "$$(gcc -print-file-name=include/omp.h)" > $(BUILD)/libgomp/omp.h)
endif
endif
# OPENMP=none: without an OpenMP runtime; BLAS=none: products by our own loops. What OpenBLAS's
# OpenMP build does is OpenMP's, so that BLAS needs both.
BLAS ?= openblas
# ZLIB=none: archives are written uncompressed, and compressed ones are refused.
ZLIB ?= zlib
ifeq (openblas none,$(BLAS) $(OPENMP))
$(error OPENMP=none needs BLAS=none: OpenBLAS's OpenMP build brings its runtime along)
endif
CFLAGS_ALL = -std=gnu11 $(OPT) $(WARN) $(SAN) $(OPENMP:none=-DNBASE_NO_OPENMP) -ffp-contract=off \
             -fno-math-errno \
             -fvisibility=hidden $(PIC) \
             $(if $(and $(PIC),$(findstring linux,$(MACHINE))),-fno-semantic-interposition) \
             -ffunction-sections -fdata-sections \
             -D_GNU_SOURCE $(SYSTEM_FLAGS) $(if $(filter 0,$(REF)),-DNBASE_NO_REF) \
             $(if $(filter 0,$(TRAIN)),-DNBASE_NO_TRAINING) \
             $(CFLAGS)
INCLUDES := -Ilibconvlstm -Ilibconvlstm/base -Ilibmtcnn -Itools -Itools/common
LDLIBS_CORE := $(if $(filter none,$(BLAS)),,-lopenblas) $(if $(filter none,$(ZLIB)),,-lz) \
               $(OPENMP_LIBS) -lm -lpthread

# With -m32 a compiler still names the 64-bit machine.
MACHINE := $(if $(filter -m32,$(CC)),i686-linux-gnu,$(shell $(CC) -dumpmachine))
ISA_FLAGS_avx2 := -mavx2 -mfma -mf16c
ISA_FLAGS_avx512 := -mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma -mf16c \
                    -mprefer-vector-width=512
ISA_FLAGS_neon :=
ISA_FLAGS_wasm :=
# The instruction sets of this kind of machine, ref being plain C.
ISAS := ref
ifneq (,$(findstring x86_64,$(MACHINE)))
ISAS += avx2 avx512
else ifneq (,$(findstring aarch64,$(MACHINE))$(findstring arm64,$(MACHINE))) # arm64: Apple's name
ISAS += neon
else ifneq (,$(findstring wasm32,$(MACHINE)))
ISAS += wasm
endif
OTHER_ISA := $(foreach isa,$(filter-out $(ISAS),avx2 avx512 neon wasm),%_$(isa).c)

# The system that base/os.h is implemented for.
PIC := -fPIC
SYSTEM := posix
SYSTEM_FLAGS :=
ifneq (,$(findstring wasm32,$(MACHINE)))
SYSTEM := wasm
PIC :=
SYSTEM_FLAGS := -msimd128 -ffunction-sections -fdata-sections \
                $(if $(filter wasm,$(THREADS)),-matomics -mbulk-memory -ftls-model=local-exec)
else ifneq (,$(findstring mingw,$(MACHINE)))
SYSTEM := windows
PIC :=
# Formats as C has them. On Windows a stack is aligned to 16 bytes, and gcc saves wider vectors
# there by instructions that want more.
SYSTEM_FLAGS := -D__USE_MINGW_ANSI_STDIO=1 -D_WIN32_WINNT=0x0602 -Wa,-muse-unaligned-vector-move
endif

# ---- sources ------------------------------------------------------------------------------------

sources = $(filter-out $(OTHER_ISA) %_body.c,$(sort $(wildcard $(addsuffix /*.c,$(1)))))
OTHER_BASE := $(addprefix threads_,$(filter-out $(THREADS).c,pool.c openmp.c none.c wasm.c) \
              $(if $(filter openmp none,$(THREADS)),together.c)) \
              $(addprefix os_,$(filter-out $(SYSTEM).c,posix.c windows.c wasm.c)) \
              $(if $(filter none,$(BLAS)),gemm.c,gemm_none.c) \
              $(if $(filter none wasm,$(THREADS)),background.c,background_none.c) \
              $(if $(filter none,$(ZLIB)),deflate.c,deflate_none.c) \
              $(if $(filter posix,$(SYSTEM)),,quota.c)
BASE_SRC := $(filter-out $(addprefix libconvlstm/base/,$(OTHER_BASE)),\
            $(call sources,libconvlstm/base))
CONVLSTM_SRC := $(call sources,libconvlstm libconvlstm/layers libconvlstm/cells \
                libconvlstm/kernels libconvlstm/model libconvlstm/trainer)
MTCNN_SRC := $(call sources,libmtcnn libmtcnn/kernels)
TOOL_MAINS := $(sort $(wildcard tools/skin.c tools/skin-*.c))
# Not part of the tools: what knows MPI is a module, which they load under a launcher.
MODULE_SRC := tools/ranks/mpi_link.c
TOOL_ROOMS := $(patsubst %/,%,$(filter %/,$(wildcard tools/*/)))
OTHER_TOOLS := %_windows.c
WINDOWS_TOOLS := augment evaluate faces info predict split train
ifeq (windows,$(SYSTEM)) # what those need
TOOL_ROOMS := $(addprefix tools/,arrays common data faces feed import keras photos pictures \
              predict ranks report score split store train)
OTHER_TOOLS := %_posix.c %/mtcnn_import.c
endif
TOOL_SRC := $(filter-out $(MODULE_SRC) $(OTHER_TOOLS),$(call sources,$(TOOL_ROOMS)))
BENCH_SRC := # it measures against BLAS
ifneq (none,$(BLAS))
BENCH_SRC += $(call sources,bench) \
             $(if $(wildcard bench/*.c),$(wildcard tests/help/convlstm_ref*.c))
endif
TEST_MAINS := $(sort $(wildcard tests/unit/*/test_*.c))
FUZZ_MAINS := $(sort $(wildcard tests/fuzz/fuzz_*.c))
TEST_SRC := $(sort $(wildcard tests/help/*.c))

# ---- what the tools find on this machine --------------------------------------------------------

hash := \#
comma := ,
# 1 if such C compiles.
compiles = $(shell printf '$(hash)include <stdio.h>\n$(1)\n' | \
           $(CC) -fsyntax-only -xc - 2>/dev/null && echo 1)
# OPTIONAL=none: without any library that the tools can do without, even if it is there.
OPTIONAL ?= $(if $(filter windows,$(SYSTEM)),none,found)
ifeq (none,$(OPTIONAL))
JPEG := stb
MPI := no
else
have = $(shell pkg-config --exists "$(1)" 2>/dev/null && echo 1)
have_header = $(call compiles,$(hash)include <$(1)>)
endif
TOOL_DEFS :=
TOOL_LIBS := -ljansson
# Programs of one file, which begin with the command line in UTF-16
# (tools/common/process_windows.c).
ifeq (windows,$(SYSTEM))
WINDOWS_JANSSON ?= $(BUILD)/jansson
TOOL_DEFS += -D_FILE_OFFSET_BITS=64 -D_POSIX_THREAD_SAFE_FUNCTIONS \
             -include tools/common/gnu_windows.h -isystem $(WINDOWS_JANSSON)/include
TOOL_LIBS := -L$(WINDOWS_JANSSON)/lib -ljansson -static -municode -Wl,--stack,8388608
endif
ifeq (1,$(call have,libmicrohttpd gnutls))
TOOL_DEFS += -DHAVE_MICROHTTPD
TOOL_LIBS += -lmicrohttpd -lgnutls
endif
ifeq (1,$(call have,nettle))
TOOL_DEFS += -DHAVE_NETTLE
TOOL_LIBS += -lnettle
endif
ifeq (1,$(call have,libcurl gnutls expat))
TOOL_DEFS += -DHAVE_CURL
TOOL_LIBS += -lcurl -lgnutls -lexpat
endif
ifeq (1,$(call have_header,csv.h))
TOOL_DEFS += -DHAVE_CSV
TOOL_LIBS += -lcsv
endif
ifeq (1,$(call have,libexttextcat))
TOOL_DEFS += -DHAVE_TEXTCAT $(shell pkg-config --cflags libexttextcat) \
             -DTEXTCAT_DATA='"$(shell pkg-config --variable=pkgdatadir libexttextcat)"'
TOOL_LIBS += -lexttextcat-2.0
endif
ifeq (1,$(call have,libseccomp))
TOOL_DEFS += -DHAVE_SECCOMP
TOOL_LIBS += -lseccomp
endif
ifeq (1,$(call have,hdf5))
TOOL_DEFS += -DHAVE_HDF5 $(shell pkg-config --cflags hdf5)
TOOL_LIBS += $(shell pkg-config --libs hdf5)
endif
# JPEG=stb: without libjpeg-turbo, even if it is there. Another libjpeg does not count.
ifneq (stb,$(JPEG))
ifeq (1,$(call compiles,$(hash)include <jpeglib.h>\nint v = LIBJPEG_TURBO_VERSION_NUMBER;))
TOOL_DEFS += -DHAVE_JPEG_TURBO
TOOL_LIBS += -ljpeg
endif
endif
ifeq (1,$(call have,libwebp libwebpdemux))
TOOL_DEFS += -DHAVE_WEBP
TOOL_LIBS += -lwebp -lwebpdemux
endif
ifeq (1,$(call have,libheif >= 1.15 libde265))
TOOL_DEFS += -DHAVE_HEIF
TOOL_LIBS += -lheif -lde265
ifeq (1,$(call have,aom))
TOOL_DEFS += -DHAVE_AOM
TOOL_LIBS += -laom
endif
endif
ifeq (1,$(call have,lcms2))
TOOL_DEFS += -DHAVE_LCMS
TOOL_LIBS += -llcms2
endif
TOOL_DEFS += -isystem /usr/include/stb
TOOL_LIBS += $(if $(filter windows,$(SYSTEM)),,-ldl)
# MPI=no: without the module, even if Open MPI is there.
MPICC ?= mpicc
ifneq (no,$(MPI))
MPI_LIBS := $(shell $(MPICC) --showme:link 2>/dev/null)
MPI_CFLAGS := $(shell $(MPICC) --showme:compile 2>/dev/null)
endif
BENCH_LIBS := # bench compares with oneDNN 2 if it is there
ifeq (1,$(call compiles,$(hash)include <dnnl.h>\nchar is_two[DNNL_VERSION_MAJOR == 2 ? 1 : -1];))
TOOL_DEFS += -DHAVE_DNNL
BENCH_LIBS := -ldnnl
endif

# ---- objects, keyed by every flag that shapes them ----------------------------------------------

# Without -j, a target that calls make again uses every core.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc || sysctl -n hw.ncpu))

KEY := $(shell printf '%s' \
       '$(CC) $(CFLAGS_ALL) $(TOOL_DEFS) $(THREADS) $(BLAS) $(ZLIB) $(MPI_CFLAGS)' | \
       cksum | cut -d' ' -f1)
# An object's list of headers names it as make did then: one name, whatever that of BUILD is.
OBJ := $(subst $(CURDIR)/,,$(BUILD))/obj-$(KEY)
# What is put together from objects is made anew when the flags change: this file is written then.
STAMP := $(BUILD)/key
ifneq ($(KEY),$(shell cat $(STAMP) 2>/dev/null))
$(shell mkdir -p $(BUILD) && echo $(KEY) > $(STAMP))
endif
objects = $(patsubst %.c,$(OBJ)/%.o,$(1))
LIB_CONVLSTM := $(BUILD)/lib/libconvlstm.a
LIB_MTCNN := $(BUILD)/lib/libmtcnn.a
LIB_TOOLS := $(OBJ)/libtools.a
# Shared libraries, as Linux has them. The number changes when a program that was linked with the
# library no longer works: tests/embed/abi.sh. Sanitizers' symbols are the program's.
ABI := 0
SHARED ?= $(if $(and $(findstring linux,$(MACHINE)),$(if $(SAN),,1)),1,0)
shared = $(BUILD)/lib/$(1).so.$(ABI)
LIBS_SHARED := $(if $(filter 1,$(SHARED)),$(foreach lib,libconvlstm libmtcnn,$(call shared,$(lib))))
TOOLS := $(patsubst tools/%.c,$(BUILD)/bin/%,$(TOOL_MAINS))
TESTS := $(addprefix $(BUILD)/tests/,$(notdir $(basename $(TEST_MAINS))))
# Replay their corpus; tests/fuzz/run.sh fuzzes.
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(FUZZ_MAINS))
# The second is its name as a tool.
BENCH := $(if $(strip $(BENCH_SRC)),$(BUILD)/bin/bench $(BUILD)/bin/skin-bench)
PROGRAMS := $(TOOLS) $(filter %/skin-bench,$(BENCH))
MODULE := $(if $(MPI_LIBS),$(BUILD)/lib/skincredible/skin-mpi.so)

# quiet CC,the/file: prints that; with V=1 the command itself is printed instead.
quiet = $(if $(V),,@printf '%-5s %s\n' '$(1)' '$(2)' &&)

isa_of = $(filter avx2 avx512 neon wasm,$(lastword $(subst _, ,$(basename $(notdir $(1))))))

.DEFAULT_GOAL := all
.PHONY: all build check check-isa check-s3 check-clinic check-embed bench demo demo-full weights \
    install uninstall clean help deps asan-check ubsan-check
.DELETE_ON_ERROR:
.PRECIOUS: $(OBJ)/%.o

## list the targets
help:
	@awk '/^## / { text = text substr($$0, 3); next } \
	  /^[a-z0-9-]+:/ && text != "" { print "  " substr($$1, 1, length($$1) - 1) "|" substr(text, 2) } \
	  { text = "" }' $(filter %Makefile %.mk,$(MAKEFILE_LIST)) | column -t -s'|'

## build the libraries, tools and bench (build/lib, build/bin)
all: deps
	@+$(MAKE) $(JOBS) --no-print-directory build

build: $(LIB_CONVLSTM) $(LIB_MTCNN) $(LIBS_SHARED) $(TOOLS) $(BENCH) $(MODULE)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(CFLAGS_ALL) $(ISA_FLAGS_$(call isa_of,$<)) $(INCLUDES) $(DEFS) -MMD \
	  -MP -c $< -o $@
$(call objects,$(BENCH_SRC) $(TEST_SRC) $(TEST_MAINS) $(FUZZ_MAINS) tests/fuzz/replay.c): \
    INCLUDES += -Itests -Itests/help
$(call objects,$(TOOL_SRC) $(TOOL_MAINS) $(BENCH_SRC) $(TEST_SRC) $(TEST_MAINS)): DEFS = \
    $(TOOL_DEFS) -DSKIN_ROOT='"$(CURDIR)"' $(if $(filter pool,$(THREADS)),-DNBASE_THREADS_POOL) \
    $(if $(filter none,$(BLAS)),-DNBASE_NO_BLAS)
ifeq (none,$(OPENMP))
$(call objects,$(TEST_SRC) $(TEST_MAINS)): INCLUDES += -Itests/help/serial
endif

# What has no loop over numbers is as fast and a quarter smaller (tests/embed/link.sh has a limit).
CONTROL_SRC := $(filter-out %/frames.c,$(wildcard libconvlstm/model/*.c)) \
               $(addprefix libconvlstm/cells/,cell_direct.c cell_winograd.c) \
               $(addprefix libconvlstm/layers/,conv2d.c conv2d_transpose.c conv3d.c \
               conv3d_transpose.c conv_lstm2d_node.c \
                 conv_lstm2d_training.c net.c node.c state_node.c strided_node.c) \
               $(addprefix libconvlstm/base/,archive.c file.c index.c json.c npy.c safetensors.c \
               text.c zip_read.c)
$(call objects,$(CONTROL_SRC)): SYSTEM_FLAGS += $(patsubst -O3,-O2,$(filter -O3,$(OPT)))

# stb_image_write shifts into an int's sign bit: harmless, and not ours to mend.
$(OBJ)/tools/pictures/images_write.o: CFLAGS_ALL += $(if $(SAN),-fno-sanitize=shift)

# ---- kernels ----
#
# A family of kernels is a template, FOLDER/BODY_body.c, compiled once for each of some instruction
# sets to templates/FOLDER/FAMILY_<isa>.o. libconvlstm/base/vec.h says what is defined for all of
# them; the template's own parameters are PARAMETERS. FLAGS_<family>_<isa> are flags beyond the
# set's own.
#
#   $(call kernels,FOLDER,FAMILY,BODY,INSTRUCTION SETS,PARAMETERS)
kernels = $(foreach isa,$(4),$(eval $(call kernel,$(1),$(2),$(3),$(isa),$(5))))
define kernel
KERNELS_$(1) += $(OBJ)/templates/$(1)/$(2)_$(4).o
$(OBJ)/templates/$(1)/$(2)_$(4).o: $(1)/$(3)_body.c
	@mkdir -p $$(@D)
	$$(call quiet,CC,$(1)/$(2)_$(4))$$(CC) $$(CFLAGS_ALL) $$(ISA_FLAGS_$(4)) $$(FLAGS_$(2)_$(4)) \
	  -DISA=$(4) -DFAMILY=$(2) $(5) $$(INCLUDES) -MMD -MP -c $$< -o $$@
endef

# The dot products of bfloat16 are an extension of AVX-512 that not every processor with AVX-512
# has: kernels.c asks for it at run time.
FLAGS_winograd_bf16_avx512 := -mavx512bf16
# So are tiles of bfloat16 (AMX): cpu.c asks for them.
FLAGS_direct_avx512 := -mavx512bf16 -mamx-tile -mamx-bf16
# In plain C these stand in for a tile unit in tests alone: small, not fast.
FLAGS_direct_ref := -Os
# Weights are transformed once for a model. Without vectors of their own these would be unrolled to
# ten times their size; and what is for unscaled frames only may take a little longer there.
FLAGS_weights_ref := -O2
FLAGS_weights_avx2 := -O2
FLAGS_grid_fine_ref := -O2
FLAGS_winograd_fine_ref := -O2
FLAGS_winograd5_fine_ref := -O2

$(call kernels,libconvlstm/kernels,math,math,$(ISAS))
$(call kernels,libconvlstm/kernels,tiles,tiles,$(ISAS))
# REF=0: without the large kernels in plain C, for a small library.
REF ?= 1
# TRAIN=0: without the kernels of training, and without trainers.
TRAIN ?= 1
LEAN_ISAS := $(if $(filter 0,$(REF)),$(filter-out ref,$(ISAS)),$(ISAS))
$(call kernels,libconvlstm/kernels,gates,winograd_gates,$(LEAN_ISAS))
$(call kernels,libconvlstm/kernels,weights,weights,$(LEAN_ISAS))
$(call kernels,libconvlstm/kernels,winograd,winograd,$(LEAN_ISAS),-DTAPS=3 -DBF16=0)
$(call kernels,libconvlstm/kernels,winograd1,winograd,$(LEAN_ISAS),-DTAPS=1 -DBF16=0)
$(call kernels,libconvlstm/kernels,winograd5,winograd,$(LEAN_ISAS),-DTAPS=5 -DBF16=0)
$(call kernels,libconvlstm/kernels,winograd_fine,winograd,$(LEAN_ISAS),-DTAPS=3 -DBF16=0 -DFINE=1)
$(call kernels,libconvlstm/kernels,winograd5_fine,winograd,$(LEAN_ISAS),-DTAPS=5 -DBF16=0 -DFINE=1)
$(call kernels,libconvlstm/kernels,winograd_bf16,winograd,\
    $(filter ref avx512,$(LEAN_ISAS)),-DTAPS=3 -DBF16=1)
$(call kernels,libconvlstm/kernels,direct,direct,$(filter ref avx512,$(LEAN_ISAS)),-DLANES=16)
$(call kernels,libconvlstm/kernels,grid,grid,$(LEAN_ISAS))
$(call kernels,libconvlstm/kernels,grid_fine,grid,$(LEAN_ISAS),-DFINE=1)
$(call kernels,libmtcnn/kernels,nets,nets,$(filter-out ref,$(ISAS)))

# ---- libraries and programs ----

$(LIB_CONVLSTM): $(call objects,$(BASE_SRC) $(CONVLSTM_SRC)) $(KERNELS_libconvlstm/kernels)
# base is in both archives, so that each is whole. In the second what it defines is weak, so that a
# program can take all objects of both (-Wl,--whole-archive). What it needs is not: nothing would
# bring in a library for weak symbols alone.
ifneq (,$(findstring linux,$(MACHINE)))
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy)
NM ?= $(shell $(CC) -print-prog-name=nm)
BASE_WEAK := $(patsubst %.c,$(OBJ)/weak/%.o,$(BASE_SRC))
$(OBJ)/weak/%.o: $(OBJ)/%.o
	@mkdir -p $(@D)
	@$(NM) -g --defined-only -P $< | cut -d' ' -f1 > $(@:.o=.defined)
	@$(OBJCOPY) --weaken-symbols=$(@:.o=.defined) $< $@
else
BASE_WEAK := $(call objects,$(BASE_SRC))
endif
$(LIB_MTCNN): $(BASE_WEAK) $(call objects,$(MTCNN_SRC)) $(KERNELS_libmtcnn/kernels)
$(call shared,libconvlstm): libconvlstm/libconvlstm.map \
    $(call objects,$(BASE_SRC) $(CONVLSTM_SRC)) $(KERNELS_libconvlstm/kernels)
# The detector multiplies no matrices: without what does, its library does not load BLAS.
$(call shared,libmtcnn): libmtcnn/libmtcnn.map \
    $(call objects,$(filter-out %/gemm.c %/gemm_none.c,$(BASE_SRC)) $(MTCNN_SRC)) \
    $(KERNELS_libmtcnn/kernels)
$(foreach lib,libconvlstm libmtcnn,$(call shared,$(lib))): $(STAMP)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(CFLAGS_ALL) -shared -o $@ -Wl,-soname,$(@F) \
	  -Wl,--version-script=$(filter %.map,$^) \
	  -Wl,-z,defs -Wl,-Bsymbolic-functions -Wl,--gc-sections $(filter %.o,$^) -Wl,--as-needed \
	  $(LDLIBS_CORE) $(LDFLAGS)
	@ln -sf $(@F) $(basename $@)
$(LIB_TOOLS): $(call objects,$(TOOL_SRC))
$(OBJ)/tools/serve/assets.o: $(wildcard tools/serve/page/*) # copied in by the assembler
# Link-time optimisation does not see the names that the assembler defines.
$(OBJ)/tools/serve/assets.o: CFLAGS_ALL += -fno-lto
$(LIB_CONVLSTM) $(LIB_MTCNN) $(LIB_TOOLS): $(STAMP)
	@mkdir -p $(@D)
	@rm -f $@
	$(call quiet,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

# What stands in for instructions that a machine lacks (kernels.inc) is there for our own programs.
STAND_INS := $(if $(findstring linux,$(MACHINE)),\
             $(patsubst %,-Wl$(comma)-u$(comma)convlstm__%_ref,direct winograd_bf16))
AS_NEEDED := $(if $(findstring darwin,$(MACHINE)),,-Wl$(comma)--as-needed)
# OpenBLAS first: the loader looks for each of its 10,000 symbols in the libraries in this order.
LINK = $(call quiet,LINK,$@)$(CC) $(CFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
       $(STAND_INS) $(AS_NEEDED) $(LDLIBS_CORE) $(TOOL_LIBS) $(LDLIBS)
$(BUILD)/bin/%.exe: $(OBJ)/tools/%.o $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/bin/%: $(OBJ)/tools/%.o $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/bin/bench: $(call objects,$(BENCH_SRC)) $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK) $(BENCH_LIBS)
$(BUILD)/bin/skin-bench: $(BUILD)/bin/bench
	@ln -sf bench $@
$(BUILD)/lib/skincredible/skin-mpi.so: $(call objects,$(MODULE_SRC)) $(STAMP)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(CFLAGS_ALL) -shared -o $@ $(filter %.o,$^) $(MPI_LIBS)
$(call objects,$(MODULE_SRC)): DEFS = $(MPI_CFLAGS)
define test_program # from its main file
$(BUILD)/tests/$(notdir $(basename $(1))): $(OBJ)/$(basename $(1)).o
endef
$(foreach main,$(TEST_MAINS),$(eval $(call test_program,$(main))))
$(TESTS): $(call objects,$(TEST_SRC)) $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK) -lcmocka
# FUZZER=-fsanitize=fuzzer: libFuzzer's main in place of ours (tests/fuzz/run.sh).
$(FUZZ): $(BUILD)/tests/%: $(OBJ)/tests/fuzz/%.o $(if $(FUZZER),,$(OBJ)/tests/fuzz/replay.o) \
    $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK) $(FUZZER)

# The module's calls in a native program, to compare with (tests/system/check-wasm.sh).
$(BUILD)/tests/web_native: $(OBJ)/tests/wasm/native.o $(LIB_TOOLS) $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(LINK)

# A program that has the two libraries and nothing else (tests/system/check-windows.sh).
$(BUILD)/tests/libraries: $(OBJ)/tests/windows/libraries.o $(LIB_CONVLSTM) $(LIB_MTCNN)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(CFLAGS_ALL) $(if $(filter windows,$(SYSTEM)),-static) -o $@ $^ \
	  $(LDLIBS_CORE)

# The checks of the kernels by themselves, without BLAS or a test framework: for another kind of
# machine, under an emulator (tests/system/check-neon.sh).
BARE_SRC := $(addprefix libconvlstm/base/,core.c cpu.c os_$(SYSTEM).c rng.c status.c \
              toom_cook.c tuning.c) \
            $(if $(filter posix,$(SYSTEM)),libconvlstm/base/quota.c) tests/help/guarded.c
$(BUILD)/bare/kernels: $(KERNELS_libconvlstm/kernels) \
  $(call objects,$(BARE_SRC) $(addprefix libconvlstm/kernels/,kernels.c rows.c tiles.c \
  training_kernels.c) \
    $(addprefix libconvlstm/cells/,cell_direct.c cell_winograd.c frame.c frame_rows.c \
    frame_tiles.c patches.c strided.c winograd_weights.c) \
    $(addprefix tests/help/,direct_check.c kernel_check.c strided_check.c winograd_case.c \
    winograd_check.c \
      naive_cell.c) tests/bare/kernels.c)
$(BUILD)/bare/mtcnn: $(KERNELS_libmtcnn/kernels) \
  $(call objects,$(BARE_SRC) $(addprefix libmtcnn/kernels/,layers_ref.c nets_ref.c table.c toom.c) \
    $(addprefix libmtcnn/,buffer.c crops.c filters.c level_rows.c pixels.c profile.c resize.c) \
    $(addprefix tests/help/,mtcnn_kernel_check.c mtcnn_strips.c) tests/bare/mtcnn.c)
BARE_LINK := $(if $(filter wasm,$(SYSTEM)),-Wl$(comma)-z$(comma)stack-size=1048576,\
             $(if $(findstring darwin,$(MACHINE)),,-static)) # macOS has no static programs
$(BUILD)/bare/%:
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(CFLAGS_ALL) $(BARE_LINK) -o $@ $^ -lm \
	  $(if $(filter wasm,$(SYSTEM)),,-lpthread)
$(OBJ)/tests/bare/%.o: INCLUDES += -Itests/help

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

## remove build/ (not weights/, not the demo's output)
clean:
	rm -rf $(BUILD)

# ---- what the system must have ------------------------------------------------------------------

APT_BUILD := gcc make pkg-config libopenblas-openmp-dev zlib1g-dev libstb-dev libjansson-dev \
             libcsv-dev libmicrohttpd-dev \
             libcurl4-openssl-dev libgnutls28-dev nettle-dev libexpat1-dev libexttextcat-dev \
             libhdf5-dev libseccomp-dev libwebp-dev \
             libheif-dev libde265-dev libaom-dev liblcms2-dev libopenmpi-dev libcmocka-dev
APT_RUN := python3 locales python3-pip python3-venv curl jq python3-skimage openssl \
           python3-jsonschema python3-yaml openmpi-bin
APT_QEMU := qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross

# Installs what is missing, or says what to install. $(1): packages.
define need
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | \
	  grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then tools/install-packages.sh $$missing; fi
endef

## install the system packages that a build needs, if they are missing
deps:
	$(call need,$(APT_BUILD))
deps-run:
	$(call need,$(APT_BUILD) $(APT_RUN))
deps-browser:
# npm may be from elsewhere, and then Debian's conflicts with it.
	$(call need,$(APT_BUILD) chromium $(if $(shell command -v npm),,nodejs npm))
deps-local: deps-browser
	$(call need,firefox-esr)
deps-load:
	$(call need,$(APT_BUILD) $(APT_RUN))
deps-deploy:
	$(call need,$(APT_BUILD) $(APT_RUN) nginx-light strace buildah debootstrap iproute2)
deps-format: # clang-format 14: other versions lay out a few lines differently
	$(call need,clang-format-14)
deps-analyze: # other versions find other things
	$(call need,$(APT_BUILD) clang-14)
deps-compilers: # those that Debian 12 has
# gcc-multilib would remove the compilers for other machines.
	$(call need,$(APT_BUILD) gcc-11 clang-14 clang-15 clang-16 clang-19 gcc-12-multilib \
	  libc6-dev-i386 musl-tools)
deps-wasm:
	$(call need,clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32)
deps-windows:
	$(call need,gcc-mingw-w64-x86-64-posix libz-mingw-w64-dev)
deps-deb:
	$(call need,$(APT_BUILD) dpkg-dev debhelper lintian)
deps-chroot:
	$(call need,debootstrap)
deps-neon:
	$(call need,$(APT_QEMU))
.PHONY: deps-run deps-deb deps-chroot deps-compilers deps-format deps-analyze deps-neon \
    deps-browser deps-local deps-load deps-deploy

# ---- the main job -------------------------------------------------------------------------------

## the whole job on a simulated clinic: PATIENTS=, EPOCHS=, SEED=, OUT=demo
demo: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@PATIENTS='$(PATIENTS)' EPOCHS='$(EPOCHS)' SEED='$(SEED)' tools/demo.sh $(BUILD)/bin '$(OUT)'

demo-full: OUT = demo-full

## the original's network, 80x80, on 2,000 simulated patients: most of an hour on 2 cores; the
## variables of demo
demo-full: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@PATIENTS='$(or $(PATIENTS),2000)' EPOCHS='$(or $(EPOCHS),10)' SEED='$(SEED)' PRESET=skincredible \
	  IMAGE_SIZE=80 TEST=0.2 \
	  tools/demo.sh $(BUILD)/bin '$(OUT)'

## fetch MTCNN's pretrained coefficients, check and convert them (weights/README.md)
weights: $(BUILD)/bin/skin-import
	@weights/fetch.sh $(BUILD)/bin

include tests/checks.mk tools/packaging/platforms.mk tools/packaging/install.mk
