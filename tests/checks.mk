# Part of the Makefile: tests, and the longer proofs, each a target of its own.

tests: build $(TESTS) $(FUZZ) # the test programs

## build everything and pass the tests; T=pattern runs those whose name matches it (T='convlstm_*')
check: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory weights tests
	@T='$(T)' tests/run.sh $(BUILD)

FORMATTED = $(shell find libconvlstm libmtcnn tools bench tests -name '*.[ch]')

## lay out all C files by .clang-format
format: deps-format
	@clang-format-14 -i $(FORMATTED)

## fail where a C file breaks .clang-format, or a line of C, Python, the Makefile or prose is over
## 100 columns
check-format: deps-format
	@tests/system/check-format.sh $(FORMATTED)
.PHONY: format check-format

## the kernel and library tests once for each instruction set that this machine has, walking down
check-isa: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory weights tests
	@for isa in avx512 avx2 neon ref; do \
	  $(BUILD)/bin/skin-info --isa | grep -qw $$isa || continue; \
	  echo "== NBASE_MAX_ISA=$$isa"; NBASE_MAX_ISA=$$isa tests/run.sh $(BUILD) --programs || exit 1; \
	done

## every kernel of every instruction set against plain C (SEED=n: other data; ALL_FLOATS=1: the math
## over all floats)
checkkern: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory $(BUILD)/tests/test_checkkern
	@$(BUILD)/tests/test_checkkern
.PHONY: checkkern

## a matrix of compilers and ways of building: warnings, kernels, speed (WAYS='gcc clang-14': only
## these)
check-compilers: deps-compilers
	@tests/system/check-compilers.sh $(WAYS)
.PHONY: check-compilers

## the kernels for 64-bit ARM under qemu-user
check-neon: deps-neon
	@tests/system/check-neon.sh

## WebAssembly under node: the kernels, and the module against the native build
check-wasm: deps-run deps-wasm
	@+$(MAKE) $(JOBS) --no-print-directory build weights npm
	@tests/system/check-wasm.sh $(BUILD)

## the libraries and tools for Windows under wine (Debian's wine64), beside native builds
check-windows: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights windows-tests windows-tools
	@+$(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD)/plain OPT=-O3 BLAS=none OPENMP=none \
	  OPTIONAL=none $(patsubst %,$(BUILD)/plain/bin/skin-%,$(WINDOWS_TOOLS))
	@tests/system/check-windows.sh $(BUILD)

## apt install of Debian's packages in a clean chroot, their use, and apt purge (as root)
check-deb: deps-deb deps-chroot
	@+$(MAKE) $(JOBS) --no-print-directory deb
	@tests/system/check-deb.sh $(BUILD)
.PHONY: check-deb

## the page that analyses photos in the browser: chromium and firefox, offline; axe
check-local: deps-local deps-wasm
	@+$(MAKE) $(JOBS) --no-print-directory build weights wasm
	@tests/browser/run.sh $(BUILD) local
.PHONY: check-local

## the tools against a real S3 server, from the Python package index into a throw-away environment
check-s3: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@tests/system/check-s3.sh $(BUILD)

## the page in chromium: uploads, errors, keyboard, phone, dark; axe; screenshots in
## build/browser/shots
check-browser: deps-browser
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@tests/browser/run.sh $(BUILD)

## the odd photos of a folder CASES, as cases.json in it describes them: prints a table
check-photos: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@/usr/bin/python3 tests/system/check-photos.py $(BUILD) '$(CASES)'
.PHONY: check-photos

## skin-serve under load: none lost, latencies, memory, SIGTERM, kill -9
check-load: deps-load
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@/usr/bin/python3 tests/serve/load.py $(BUILD)/bin weights/demo.safetensors

## the attacks of tests/attack at full length
check-attack: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@LONG=1 TEST_TIMEOUT=3600 T='row*' tests/run.sh $(BUILD)

## the static analysers of gcc and clang over both libraries
check-analyze: deps-analyze
	@tests/system/check-analyze.sh

## kill -9 at 500 random moments of the tools that fill folders: they resume or refuse (KILLS=n,
## SEED=n)
check-kills: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@LONG=1 TEST_TIMEOUT=7200 T='row07_kills' tests/run.sh $(BUILD)

## slow, gone, greedy and hostile clients beside honest ones for MINUTES (30)
check-soak: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@/usr/bin/python3 -u tests/serve/soak.py $(BUILD)/bin $(or $(MINUTES),30)

## the systemd unit, nginx in front, and (as root) the Docker image, without a Docker engine
check-deploy: deps-deploy
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@tests/system/check-deploy.sh $(BUILD)
	@tests/system/check-image.sh $(BUILD)
.PHONY: check-browser check-load check-attack check-analyze check-kills check-soak check-deploy

## mpirun on several hosts, which are network namespaces (as root): bytes, messages, limited
## bandwidth (HOSTS=n)
check-machines: deps-deploy
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@tests/system/check-machines.sh $(BUILD) $(or $(HOSTS),4)
.PHONY: check-machines

## 5,000 users through getdata, faces and split: memory, SIGKILL at any time, shards (some minutes)
check-clinic: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory build weights
	@/usr/bin/python3 tests/system/check-clinic.py $(BUILD)

## the tests under the address sanitizer (leaks too)
asan-check: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory weights
	@+$(MAKE) $(JOBS) --no-print-directory BUILD=build/asan OPT='-O1 -g' \
	  SAN='-fsanitize=address -fno-omit-frame-pointer' tests
	@tests/run.sh build/asan

## the tests under the undefined-behaviour sanitizer
ubsan-check: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory weights
	@+$(MAKE) $(JOBS) --no-print-directory BUILD=build/ubsan OPT='-O1 -g' \
	  SAN='-fsanitize=undefined -fno-sanitize-recover=all' tests
	@tests/run.sh build/ubsan

## what shares data between threads of its own, under the thread sanitizer
tsan-check: deps-run
	@+$(MAKE) $(JOBS) --no-print-directory weights
	@+$(MAKE) $(JOBS) --no-print-directory BUILD=build/tsan OPT='-O1 -g' SAN=-fsanitize=thread \
	  OPENMP='-Itests/help/serial' build/tsan/bin/skin-faces build/tsan/bin/skin-serve \
	  build/tsan/tests/test_mtcnn_threads build/tsan/tests/test_convlstm_group \
	  build/tsan/tests/test_ranks
	@tests/system/check-tsan.sh build/tsan
.PHONY: tsan-check
.PHONY: tests

## measure the presets against the FMA peak of this machine
bench: all
	@+$(MAKE) $(JOBS) --no-print-directory weights
	$(BUILD)/bin/bench --set presets
