# One file, no recursion. `make help` lists the targets.
#
#   FLAVOUR  release (default) | asan | tsan | fault   each in build/FLAVOUR; release programs also in build/bin
#   CC       gcc or clang
SHELL := /bin/bash
.DELETE_ON_ERROR:
FLAVOUR ?= release
CC := gcc
CXX := g++
O := build/$(FLAVOUR)
BIN := $(if $(filter release,$(FLAVOUR)),build/bin,$(O)/bin)

PKGS := libuv sqlite3 libconfuse jansson libopenjp2 libturbojpeg libzstd libdeflate libxxhash libseccomp chafa libpng zlib icu-uc libarchive libcrypto
# libcharls ships its .pc as charls, DCMTK as dcmtk, OpenJPH one with -l missing; all link by plain names.
EXTRA_LIBS := -lcharls -lopenjph -ldcmimage -ldcmimgle -ldcmjpeg -ldcmjpls -ldcmdata -loflog -lofstd -lstdc++ -lm -lpthread

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wswitch-enum -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
GCC_ONLY := $(if $(findstring clang,$(CC)),,-ftrivial-auto-var-init=zero)
OPT_release := -O2 -g -D_FORTIFY_SOURCE=3
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
OPT_fault := -O1 -g -DPACS_FAULTS
OPT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr,function -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT := $(OPT_$(FLAVOUR))

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CPPFLAGS := -I. -I$(O)/gen -D_GNU_SOURCE $(PKG_CFLAGS)
CFLAGS = -std=c11 $(OPT) $(WARN) $(HARDEN) $(GCC_ONLY) -MMD -MP
CXXFLAGS = -std=c++17 $(OPT) -Wall -Wextra -Werror $(HARDEN) -MMD -MP -isystem /usr/include/dcmtk
LDFLAGS := $(OPT) -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LDLIBS := $(PKG_LIBS) $(EXTRA_LIBS)

# ---- sources: every room is in the library, every program is one main ----
ROOMS := pacs/base pacs/dicom pacs/orders pacs/hl7 pacs/ul pacs/net pacs/store pacs/xcode pacs/render pacs/send pacs/ctl pacs/media conf db storescp router hl7d viewer-cli pacs
MAIN_pacs := pacs/main.c
MAIN_storescp := storescp/main.c
MAIN_router := router/main.c
MAIN_viewer-cli := viewer-cli/main.c
MAIN_xcode-worker := pacs/xcode/worker_main.c
MAIN_hl7d := hl7d/main.c
MAINS := pacs/main.c storescp/main.c router/main.c hl7d/main.c viewer-cli/main.c pacs/xcode/worker_main.c
PROGRAMS := $(foreach p,pacs storescp router hl7d viewer-cli xcode-worker,$(if $(wildcard $(MAIN_$(p))),$(p)))
LIB_SRC := $(filter-out $(MAINS),$(foreach r,$(ROOMS),$(wildcard $(r)/*.c)))
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o) $(patsubst %.cc,$(O)/%.o,$(wildcard pacs/xcode/*.cc)) $(O)/gen/dict_table.o $(O)/gen/han_table.o
LIB := $(O)/libpacs.a
TESTS := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/*_test.c))
TOOLS := $(patsubst test-data/%.c,$(O)/tools/%,$(wildcard test-data/*.c)) \
	$(patsubst tests/bench/%.c,$(O)/tools/%,$(wildcard tests/bench/*.c)) \
	$(patsubst tests/crash/%.c,$(O)/tools/%,$(wildcard tests/crash/*.c)) \
	$(patsubst tests/peer/%.c,$(O)/tools/%,$(wildcard tests/peer/*.c)) $(O)/tools/power $(O)/tools/librecorder.so \
	$(O)/tools/libslow_sync.so
# Beside the folder of the programs, where viewer-cli looks for them.
CATALOGUES := $(patsubst viewer-cli/po/%.po,$(BIN)/../locale/%/LC_MESSAGES/viewer-cli.mo,$(wildcard viewer-cli/po/*.po))
FAULT_TESTS := $(patsubst tests/fault/%.c,$(O)/fault/%,$(wildcard tests/fault/*_test.c))

.PHONY: all help deps build run test check unit sys crash fault asan tsan bench bench-archive bench-pixels proof-chain proof-archive proof-pixels proof-render proof-power man install clang memcheck fuzz clean
all: build

help:
	@sed -n 's/^## //p' Makefile

## make deps         install the Debian packages of packages.txt (sudo when not root)
deps:
	@./tests/lib/deps.sh packages.txt

## make build        the programs, to build/bin/
build: $(patsubst %,$(BIN)/%,$(PROGRAMS)) $(TOOLS) $(CATALOGUES)

## make run          install packages, build, and show the main job with three nodes (ARGS=--once: verify and exit)
run: deps
	@$(MAKE) --no-print-directory -j2 build
	@build/bin/pacs demo $(ARGS)

## make test         install packages, then every test
test: deps
	@$(MAKE) --no-print-directory check

## make check        every test, packages being there
check:
	@$(MAKE) --no-print-directory -j2 build
	@$(MAKE) --no-print-directory -j2 FLAVOUR=fault build fault-tests
	@$(MAKE) --no-print-directory -j2 unit-tests
	prove --timer $(TESTS) $(patsubst $(O)/fault/%,build/fault/fault/%,$(FAULT_TESTS)) $(sort $(wildcard tests/sys/*_test.sh tests/crash/*_test.sh))

unit-tests: $(TESTS)
fault-tests: $(FAULT_TESTS)

## make unit         the tests of the rooms
unit: unit-tests
	prove $(TESTS)

## make sys          real programs, real clients
sys: build
	prove --timer $(sort $(wildcard tests/sys/*_test.sh))

## make asan         unit and sys with address and undefined-behaviour sanitizers
asan:
	@$(MAKE) --no-print-directory -j2 FLAVOUR=asan build unit-tests
	@$(MAKE) --no-print-directory -j2 build
	tests/lib/sanitized.sh asan $(TESTS:$(O)/%=build/asan/%) $(sort $(wildcard tests/sys/*_test.sh))

## make tsan         unit and sys with the thread sanitizer
tsan:
	@$(MAKE) --no-print-directory -j2 FLAVOUR=tsan build unit-tests
	@$(MAKE) --no-print-directory -j2 build
	tests/lib/sanitized.sh tsan $(TESTS:$(O)/%=build/tsan/%) $(sort $(wildcard tests/sys/*_test.sh))

## make proof-chain  the long form of the crash and fault tests (2,000 kills)
proof-chain:
	@$(MAKE) --no-print-directory -j2 FLAVOUR=fault build fault-tests
	@$(MAKE) --no-print-directory -j2 build
	tests/crash/proof_chain.sh

## make proof-archive  the archive at full size: a million studies, flatness, queries, retrieval (20 minutes; ARGS=--studies N)
proof-archive: build
	tests/bench/proof_archive.sh $(ARGS)

## make proof-pixels every pair of transfer syntaxes, on synthetic images and on every real object at hand (ARGS=FOLDER)
proof-pixels: build $(O)/tests/matrix_test
	tests/bench/pixels_proof.sh $(ARGS)

## make proof-render our pictures beside DCMTK's, on every image at hand (ARGS=FOLDER)
proof-render: build
	tests/bench/render_proof.sh $(ARGS)

## make bench-pixels codecs and the worker beside the bare libraries, pictures, compression beside receiving (ARGS=FOLDER)
bench-pixels: build
	tests/bench/pixels_bench.sh $(ARGS)

## make proof-power  power cuts: what may be left on disk at many moments, and what the nodes make of it (about 10 minutes)
proof-power: build
	tests/power/proof_power.sh

## make bench        ours beside the peers that are installed, and this machine's limit
bench: build
	tests/bench/bench.sh $(ARGS)

## make bench-archive  queries and retrieval beside Orthanc, at twenty thousand images
bench-archive: build
	tests/bench/archive_bench.sh $(ARGS)

## make clang        everything once through clang, and the tests of the rooms
clang:
	@$(MAKE) --no-print-directory -j2 CC=clang CXX=clang++ O=build/clang BIN=build/clang/bin build unit-tests
	PACS_BIN=$(CURDIR)/build/clang/bin prove $(TESTS:$(O)/%=build/clang/%)

# Without xcode_test: posix_spawn() tells of a program that is not there through memory that valgrind's vfork() does not share.
## make memcheck     the tests of the rooms, and a storescp at work, under valgrind
memcheck:
	@$(MAKE) --no-print-directory -j2 build
	@$(MAKE) --no-print-directory -j2 unit-tests
	tests/lib/memcheck.sh $(filter-out %/xcode_test,$(TESTS))
	tests/lib/memcheck.sh --storescp

## make fuzz         feed one room with bad bytes: FUZZ=dataset TIME=60 (names in tests/fuzz)
FUZZ ?= dataset
TIME ?= 60
fuzz:
	@$(MAKE) --no-print-directory -j2 FLAVOUR=fuzz CC=clang CXX=clang++ build/fuzz/fuzz/$(FUZZ)
	@mkdir -p build/fuzz/corpus/$(FUZZ)
	build/fuzz/fuzz/$(FUZZ) -max_total_time=$(TIME) -timeout=10 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/$(FUZZ)- build/fuzz/corpus/$(FUZZ) $(wildcard tests/fuzz/corpus/$(FUZZ))

# Pages are made from what the programs say, so every program comes first.
MAN := build/man/pacs.1
man: $(MAN)
$(MAN): docs/man/make_man.pl $(patsubst %,$(BIN)/%,$(PROGRAMS))
	@mkdir -p $(@D)
	$(call say,man,$(@D))perl $< $(BIN) $(@D)

## make install      programs, man pages and bash completion, below PREFIX (/usr/local)
PREFIX ?= /usr/local
install: build man
	@install -d $(DESTDIR)$(PREFIX)/bin $(foreach s,1 5 8,$(DESTDIR)$(PREFIX)/share/man/man$(s)) $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	@install $(patsubst %,$(BIN)/%,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin
	@$(foreach s,1 5 8,install -m 644 build/man/*.$(s) $(DESTDIR)$(PREFIX)/share/man/man$(s) &&) true
	@$(foreach c,$(patsubst viewer-cli/po/%.po,%,$(wildcard viewer-cli/po/*.po)),install -D -m 644 $(BIN)/../locale/$(c)/LC_MESSAGES/viewer-cli.mo $(DESTDIR)$(PREFIX)/share/locale/$(c)/LC_MESSAGES/viewer-cli.mo &&) true
	@install -m 644 docs/completion/pacs.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pacs
	@ln -sf pacs $(DESTDIR)$(PREFIX)/share/bash-completion/completions/viewer-cli

$(BIN)/../locale/%/LC_MESSAGES/viewer-cli.mo: viewer-cli/po/%.po
	@mkdir -p $(@D)
	$(call say,msg,$@)msgfmt --check-format -o $@ $<

clean:
	rm -rf build

# ---- rules ----
# One short line for each file; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2);)
# The data dictionary is a table made from the one that DCMTK's package installs.
DICOM_DIC := $(firstword $(wildcard /usr/share/libdcmtk*/dicom.dic))
$(O)/gen/dict_table.c: pacs/dicom/make_dict.pl $(DICOM_DIC)
	@mkdir -p $(@D)
	$(Q)perl $< $(DICOM_DIC) > $@
$(O)/gen/dict_table.o: $(O)/gen/dict_table.c
	$(call say,cc,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Pinyin and traditional characters: tables made from ICU's transliterators.
$(O)/gen/han_table.c: pacs/dicom/make_han.pl
	@mkdir -p $(@D)
	$(Q)perl $< > $@
$(O)/gen/han_table.o: $(O)/gen/han_table.c
	$(call say,cc,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(O)/%.o: %.cc
	@mkdir -p $(@D)
	$(call say,cxx,$@)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<
$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(call say,ar,$@)ar rcs $@ $^

$(BIN)/pacs: $(O)/pacs/main.o $(LIB)
$(BIN)/storescp: $(O)/storescp/main.o $(LIB)
$(BIN)/router: $(O)/router/main.o $(LIB)
$(BIN)/hl7d: $(O)/hl7d/main.o $(LIB)
$(BIN)/viewer-cli: $(O)/viewer-cli/main.o $(LIB)
$(BIN)/xcode-worker: $(O)/pacs/xcode/worker_main.o $(LIB)
$(patsubst %,$(BIN)/%,$(PROGRAMS)):
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/tests/fs_model_test: $(O)/tests/power/fs_model.o
$(O)/tests/%: $(O)/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/fault/%: $(O)/tests/fault/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/fuzz/%: $(O)/tests/fuzz/%_fuzz.o $(O)/tests/lib/county.o $(LIB)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
$(O)/tools/%: $(O)/test-data/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/tools/%: $(O)/tests/bench/%.o $(O)/tests/lib/scu.o $(O)/tests/lib/wire.o $(O)/tests/lib/qr.o $(O)/tests/lib/county.o $(LIB)
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/tools/%: $(O)/tests/crash/%.o $(O)/tests/lib/scu.o $(O)/tests/lib/wire.o $(O)/tests/lib/verify.o $(LIB)
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/tools/%: $(O)/tests/peer/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/tools/power: $(O)/tests/power/power.o $(O)/tests/power/fs_model.o $(O)/tests/lib/scu.o $(O)/tests/lib/wire.o $(O)/tests/lib/verify.o $(LIB)
	@mkdir -p $(@D)
	$(call say,ld,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# Preloaded into other programs: without sanitizers, and nothing of ours in it.
define preloaded
@mkdir -p $(@D)
$(call say,ld,$@)$(CC) -I. -D_GNU_SOURCE -std=c11 -O2 -g $(WARN) -fPIC -shared -Wl,-z,defs -o $@ $< -ldl -lpthread
endef
$(O)/tools/librecorder.so: tests/power/recorder.c tests/power/power_log.h
	$(preloaded)
$(O)/tools/libslow_sync.so: tests/bench/preload/slow_sync.c
	$(preloaded)

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
