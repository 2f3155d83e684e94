# Part of the Makefile: the libraries and tools for browsers (WebAssembly) and for Windows.

# The libraries, and what skin-serve does with them, as one module for browsers: tools/web/module.h.
WEB_SRC := $(wildcard tools/web/*.c) tools/photos/extract.c tools/photos/quality.c \
           tools/data/series.c \
           $(addprefix tools/score/,calibration.c conformal.c course.c explain.c sequence.c) \
           tools/pictures/images.c tools/pictures/pixel_memory.c tools/common/fail.c \
           tools/common/numbers.c
ifeq (wasm,$(SYSTEM)) # it is sent over the network: small where it is not hot
$(call objects,$(filter-out %/gemm_plain.c,$(BASE_SRC)) $(WEB_SRC) \
    $(wildcard libconvlstm/layers/*.c libconvlstm/model/*.c libconvlstm/trainer/*.c)): \
    SYSTEM_FLAGS += -Os
endif
$(BUILD)/web/skin.wasm: $(call objects,$(BASE_SRC) $(CONVLSTM_SRC) $(MTCNN_SRC) $(WEB_SRC)) \
  $(KERNELS_libconvlstm/kernels) $(KERNELS_libmtcnn/kernels)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(filter-out -O%,$(CFLAGS_ALL)) -mexec-model=reactor -Wl,--strip-all \
	  -Wl,--stack-first -Wl,-z,stack-size=1048576 \
	  $(if $(filter wasm,$(THREADS)),$(WEB_SHARED)) -o $@ $^ -lm -lc-printscan-long-double
# With threads its memory is made by the host (tools/web/page/skin.mjs has the same sizes), and each
# thread has an instance with a stack of its own. wasi-libc was not compiled for threads:
# base/os_wasm.c calls it from one at a time.
WEB_SHARED := $(addprefix -Wl$(comma),--import-memory --shared-memory --initial-memory=16777216 \
              --max-memory=2147483648 \
                --no-check-features --export=__stack_pointer --export=nbase__os_join \
                --export=nbase__wasm_serve)

# WebAssembly: by clang, without a runtime of its own. It finds node's and browsers' memory, no
# more.
WASM_CC ?= clang-14 --target=wasm32-wasi
WASM_MAKE = $(MAKE) $(JOBS) --no-print-directory CC='$(WASM_CC)' OPT=-O3 BLAS=none OPENMP=none \
            ZLIB=none
WASM_ALONE = $(WASM_MAKE) BUILD=$(BUILD)/wasm THREADS=none
WASM_THREADS = $(WASM_MAKE) BUILD=$(BUILD)/wasm-threads THREADS=wasm
MODEL ?= weights/demo.safetensors

## the page that analyses photos in the browser, in build/web: any web server can offer it
## (MODEL=file)
wasm: deps-wasm weights
	@+$(WASM_ALONE) REF=0 TRAIN=0 $(BUILD)/wasm/web/skin.wasm
	@+$(WASM_THREADS) REF=0 TRAIN=0 $(BUILD)/wasm-threads/web/skin.wasm
	@mkdir -p $(BUILD)/web
	@cp $(BUILD)/wasm/web/skin.wasm $(BUILD)/web/
	@cp $(BUILD)/wasm-threads/web/skin.wasm $(BUILD)/web/skin-threads.wasm
	@tools/web/assemble.sh $(BUILD)/web weights/mtcnn.safetensors $(MODEL)

## pack the npm package skincredible: build/web/skincredible-VERSION.tgz
npm: wasm
	@tools/web/pack.sh $(BUILD)/web $(VERSION)
# Windows, by mingw-w64: the libraries, linked without any DLL of its runtime.
WINDOWS_CC ?= x86_64-w64-mingw32-gcc-posix
WINDOWS_MAKE = $(MAKE) $(JOBS) --no-print-directory CC='$(WINDOWS_CC)' AR=x86_64-w64-mingw32-ar \
               BUILD=$(BUILD)/windows OPT=-O3 BLAS=none OPENMP=none

## the libraries for 64-bit Windows: build/windows/lib
windows: deps-windows
	@+$(WINDOWS_MAKE) $(BUILD)/windows/lib/libconvlstm.a $(BUILD)/windows/lib/libmtcnn.a

## the tools for 64-bit Windows (docs/windows.md): build/windows/bin (WINDOWS_JANSSON=prefix of a
## jansson for it)
windows-tools: deps-windows
	@$(if $(WINDOWS_JANSSON),,tools/packaging/windows-jansson.sh $(BUILD)/windows/jansson \
	  '$(WINDOWS_CC)' x86_64-w64-mingw32-ar)
	@+$(WINDOWS_MAKE) $(patsubst %,$(BUILD)/windows/bin/skin-%.exe,$(WINDOWS_TOOLS))
windows-tests: deps-windows
	@+$(WINDOWS_MAKE) $(BUILD)/windows/bare/kernels $(BUILD)/windows/bare/mtcnn \
	  $(BUILD)/windows/tests/libraries
windows-tools windows-tests: | windows # once, where both are made at the same time
.PHONY: windows windows-tools windows-tests check-windows deps-windows
wasm-kernels:
	@+$(WASM_ALONE) $(BUILD)/wasm/bare/kernels $(BUILD)/wasm/bare/mtcnn
.PHONY: wasm npm wasm-kernels check-wasm deps-wasm
