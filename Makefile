# What an extension's user expects: make, make install, make installcheck (PG_CONFIG=... picks
# the server). What a developer needs beyond that: see the targets at the end.

EXTENSION = als
MODULE_big = als
# als--1.0.control: 1.0 does not make its schema itself.
DATA = $(wildcard sql/*.sql) als--1.0.control
SRCS = $(wildcard src/*.cpp src/report/*.cpp src/core/*/*.cpp src/pg/*/*.cpp)
# A room is compiled as one unit, build/units/pg-train.cpp, which includes its sources: reading the headers is most of
# what a small source takes. Alone are the kernels, each with flags of its own processors, and files that each name their
# function's arguments.
ALONE = $(filter src/als.cpp src/core/kernels/% src/pg/serve/%,$(SRCS))
ROOMS = $(sort $(patsubst %/,%,$(dir $(filter-out $(ALONE),$(SRCS)))))
unit = build/units/$(subst /,-,$(1:src/%=%))
OBJS = $(ALONE:.cpp=.o) $(foreach room,$(ROOMS),$(call unit,$(room)).o)
# So are the engine's tests, test/core/ROOM.
TEST_ROOMS = $(sort $(patsubst %/,%,$(dir $(wildcard test/core/*/*.cpp))))
TEST_UNITS = $(foreach room,$(TEST_ROOMS),$(call unit,$(room)).cpp)

# pg_regress takes test/sql/NAME.sql and, from the folder it runs in, expected/NAME.out.
REGRESS = $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql))
REGRESS_OPTS = --inputdir=test --load-extension=$(EXTENSION)

# -isystem: warnings in the headers of Eigen and PostgreSQL are not ours to fix.
EIGEN := $(or $(shell pkg-config --cflags-only-I eigen3 2>/dev/null),-I/usr/include/eigen3)
# Of which version the SQL is that the library is for.
ALS_VERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" als.control)
ALS_CPPFLAGS = -Isrc $(patsubst -I%,-isystem %,$(EIGEN)) -DALS_VERSION=$(ALS_VERSION) -MMD -MP
# Of `make debug` (DEBUG=1): as a debugger likes it, and everything checked that can be. COVERAGE=1: of `make coverage`.
# Else functions and lines for backtraces, and no more: with -g of PGXS the module is five times as large, and takes half
# as long again to compile.
COUNT_LINES = $(if $(COVERAGE),--coverage -fprofile-update=atomic)
OPTIMIZE = $(if $(DEBUG),-O0 -g -D_GLIBCXX_ASSERTIONS -DALS_ASSERTIONS,$(if $(COVERAGE),-O1 $(COUNT_LINES),-O3) -g1)
# -Wno-register: PostgreSQL's headers before 16 use the keyword, which C++17 took out.
ALS_CXXFLAGS = -std=c++17 $(OPTIMIZE) -pthread -fvisibility=hidden -Wall -Wextra -Wno-register \
	-Wno-unknown-warning-option

PG_CPPFLAGS = $(ALS_CPPFLAGS) -isystem $(includedir_server)
PG_CXXFLAGS = $(ALS_CXXFLAGS)
# PGXS links with the C compiler. What the server does not look up is nobody else's: the instances of the C++ library's
# templates above all, each of which the loader would look for in some forty libraries of the server.
SHLIB_LINK += -Wl,--version-script=src/als.map -lstdc++ -lpthread $(COUNT_LINES)
EXTRA_CLEAN = $(OBJS:.o=.d) build

ifeq ($(SRCS),)
$(error als is built in the folder of its sources: cd there, or make -C there)
endif

# Bitcode lets the server inline C functions into JIT-compiled expressions; C++ gains nothing.
override with_llvm = no

PG_CONFIG ?= pg_config
export PG_CONFIG
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# What sessions do at the same time: test/specs/NAME.spec, test/expected/NAME.out. Debian's 13 comes without the program
# that tries it.
ifneq ($(wildcard $(dir $(PGXS))../test/isolation/pg_isolation_regress),)
ISOLATION = $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec))
ISOLATION_OPTS = --inputdir=test --outputdir=build/isolation
endif

ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
# Some versions of PGXS put PG_CXXFLAGS before their own -O2, which would win.
override CXXFLAGS := $(CXXFLAGS:-O2=$(OPTIMIZE))
# What only leads from the server to the engine gains nothing by -O3, and takes a seventh longer to compile.
$(filter src/pg/% build/units/pg-% build/units/report.o,$(OBJS)): override CXXFLAGS := $(CXXFLAGS:-O3=-O2)
# PGXS does not track headers.
-include $(OBJS:.o=.d)
# pg_isolation_regress makes one folder, not two; `make clean` may have come in between, as in a build of packages.
installcheck: | build
build:
	mkdir -p $@
# Written only where it changes: several makes may be at it.
define room_unit
$(call unit,$(1)).cpp: INCLUDES = printf '\#include "%s"\n' $(patsubst test/core/%,%,$(patsubst src/%,%,$(wildcard $(1)/*.cpp)))
$(call unit,$(1)).cpp: FORCE
	@mkdir -p $$(@D); $$(INCLUDES) | cmp -s - $$@ || $$(INCLUDES) >$$@
endef
$(foreach room,$(ROOMS) $(TEST_ROOMS),$(eval $(call room_unit,$(room))))
# Nor for which server objects are made: those of one version are no good for another.
MADE_FOR = $(shell $(PG_CONFIG) --version) $(includedir_server)
build/made-for: FORCE
	@mkdir -p $(@D); echo '$(MADE_FOR)' | cmp -s - $@ || echo '$(MADE_FOR)' >$@
.PHONY: FORCE
$(OBJS): build/made-for | check-deps
als.so: src/als.map
build/units/pg-sql.o build/sanitized/build/units/pg-sql.o: als.control

# Beside the module: README.md and what it leads to.
DOC_DIR = $(DESTDIR)$(docdir)/$(EXTENSION)
DOC_FILES = README.md CHANGELOG.md CONTRIBUTING.md LICENSE SECURITY.md $(wildcard docs/*.md docs/*/*)
.PHONY: install-docs uninstall-docs
install: install-docs
install-docs:
	for file in $(DOC_FILES); do $(INSTALL) -D -m 644 $$file '$(DOC_DIR)'/$$file || exit 1; done
uninstall: uninstall-docs
uninstall-docs:
	rm -rf '$(DOC_DIR)'
else
all install installcheck clean: check-deps
endif

# Everything anew, since nothing tells the objects of one kind from those of the other: `make clean` leads back.
.PHONY: debug
debug:
	$(MAKE) --no-print-directory clean
	$(MAKE) --no-print-directory all DEBUG=1

TOOLS = test/tools

# Which room of src/ may include which: layers.txt.
.PHONY: check-layers
check-layers:
	@$(TOOLS)/check-layers

# One clear line for what is missing, instead of a compiler's or PGXS's error.
.PHONY: check-deps
check-deps:
	@CXX='$(CXX)' CPPFLAGS='$(filter-out -MMD -MP,$(ALS_CPPFLAGS) $(CPPFLAGS))' \
		$(TOOLS)/install-deps --check build

# The engine's tests, without a server: build/plain with the very objects of the extension, build/sanitized under
# AddressSanitizer and UndefinedBehaviorSanitizer, build/threads under ThreadSanitizer.
ENGINE_OBJS = $(filter src/core/% build/units/core-% build/units/report.o,$(OBJS))
ENGINE_TEST_SRCS = $(ENGINE_OBJS:.o=.cpp) $(TEST_UNITS)
build/plain/build/units/test-core-%.o: FLAVOUR = -O1
# -fPIC: the module has the same objects.
build/sanitized/%: FLAVOUR = -g1 -O1 -fno-omit-frame-pointer -fPIC -fsanitize=address,undefined -fno-sanitize-recover=all
# Half the time to compile, and a test that follows a null pointer ends anyway.
build/sanitized/build/units/test-core-%.o: FLAVOUR += -fno-sanitize=null,alignment,vptr
build/libfuzzer/%: FLAVOUR = -g1 -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
build/threads/%: FLAVOUR = -g1 -O1 -fno-omit-frame-pointer -fsanitize=thread

define flavour
build/$(1)/%.o: %.cpp
	@mkdir -p $$(@D)
	$$(CXX) $$(ALS_CPPFLAGS) -Itest/core $$(ALS_CXXFLAGS) $$(FLAVOUR) $$(SERVER_HEADERS) -c -o $$@ $$<
build/$(1)/core-tests:
	$$(CXX) $$(ALS_CXXFLAGS) $$(FLAVOUR) -o $$@ $$^ -lgtest_main -lgtest
endef
$(eval $(call flavour,plain))
$(eval $(call flavour,sanitized))
$(eval $(call flavour,threads))
$(eval $(call flavour,libfuzzer))
# pg.h refuses to be part of these.
$(ENGINE_OBJS): override CPPFLAGS := -DALS_ENGINE $(CPPFLAGS)
build/plain/core-tests: $(ENGINE_OBJS) $(TEST_UNITS:%.cpp=build/plain/%.o)
build/sanitized/core-tests: $(ENGINE_TEST_SRCS:%.cpp=build/sanitized/%.o)
build/threads/core-tests: $(ENGINE_TEST_SRCS:%.cpp=build/threads/%.o)
# Each file of test/fuzz is a fuzzer of its own.
FUZZERS = $(patsubst test/fuzz/%.cpp,build/libfuzzer/%,$(wildcard test/fuzz/*.cpp))
$(FUZZERS): build/libfuzzer/%: build/libfuzzer/test/fuzz/%.o $(ENGINE_OBJS:%=build/libfuzzer/%)
	$(CXX) $(ALS_CXXFLAGS) $(FLAVOUR) -fsanitize=fuzzer -o $@ $^
# The whole module under the sanitizers.
SANITIZED_OBJS = $(OBJS:%=build/sanitized/%)
BRIDGE_OBJS = $(filter-out $(ENGINE_OBJS),$(OBJS))
$(BRIDGE_OBJS:%=build/sanitized/%): SERVER_HEADERS = -isystem $(includedir_server)
$(BRIDGE_OBJS:%=build/sanitized/%): build/made-for
build/sanitized/als.so: $(SANITIZED_OBJS)
	$(CXX) $(ALS_CXXFLAGS) $(FLAVOUR) -shared -o $@ $^
-include $(TEST_UNITS:%.cpp=build/plain/%.d) $(TEST_UNITS:%.cpp=build/sanitized/%.d) $(SANITIZED_OBJS:.o=.d)
-include $(ENGINE_TEST_SRCS:%.cpp=build/threads/%.d) $(ENGINE_OBJS:%.o=build/libfuzzer/%.d) $(FUZZERS:build/libfuzzer/%=build/libfuzzer/test/fuzz/%.d)

.PHONY: bench bench-all bench-distributed bench-features bench-growth bench-guard bench-kernels \
	bench-profile bench-round-trip bench-scale bench-serving bench-throughput bench-top-k bench-train bench-tune \
	build-core-tests check-compilers check-docs coverage demo demo-cluster deps dist lint soak test \
	test-arm64 test-assert test-core test-docs test-faults test-fuzz test-libfuzzer test-package \
	test-sanitized-server test-sql test-sqlsmith test-tap test-threads test-upgraded test-valgrind \
	test-versions

# What PGXN takes: the files of HEAD.
VERSION = $(shell sed -n 's/^  "version": "\(.*\)",/\1/p' META.json)
dist:
	@mkdir -p build
	git archive --format zip --prefix als-$(VERSION)/ -o build/als-$(VERSION).zip HEAD

# Installs what is missing for building, testing and the demo.
deps:
	@$(TOOLS)/install-deps build server test data

# Trains and queries models of MovieLens on a throw-away server; needs nothing but this clone.
demo:
	@$(TOOLS)/run-demo

# The same over three servers, by postgres_fdw and dblink.
demo-cluster:
	@MORE_SERVERS='two three' $(TOOLS)/run-demo cluster

# Every test there is; needs nothing but this clone. The last line holds the counts.
test:
	@$(TOOLS)/run-tests

# What takes long or needs root, beside the tests, within three hours; PARTS="stress memory" picks.
soak:
	@$(TOOLS)/soak $(PARTS)

# als beside other libraries; BENCH="--help" lists the options. The whole set takes hours.
bench:
	@test/bench/bench $(BENCH)

# Every benchmark of the documents; BENCH=--quick for the same on small data.
bench-all:
	@test/bench/all $(BENCH)

# How a training grows from 10 to 100 million ratings; BENCH="--rows 1000000,2000000" takes others.
bench-growth:
	@BENCH_SCRIPT=growth.py test/bench/bench $(BENCH)

# How fast models are read; the same.
bench-serving:
	@test/bench/serving $(BENCH)

# Calls a second by many connections, beside a row by its primary key; BENCH="SECONDS CONNECTIONS...".
bench-throughput: all
	@test/bench/throughput $(BENCH)

# Models of other libraries served by als, and the way back: are they the same?
bench-round-trip:
	@test/bench/round-trip

-include $(wildcard build/plain/test/bench/*.d)
build/plain/kernels build/plain/top_k build/plain/train build/plain/guard build/plain/profile build/plain/features: build/plain/%: build/plain/test/bench/%.o $(ENGINE_OBJS)
	$(CXX) $(ALS_CXXFLAGS) -o $@ $^

# The inner loops alone, in GFLOP/s.
bench-kernels: build/plain/kernels
	build/plain/kernels

# The search for the best items alone, in microseconds.
bench-top-k: build/plain/top_k
	build/plain/top_k

# Instructions of small trainings against those recorded; GUARD=--record records them.
bench-guard: build/plain/guard
	@test/bench/guard $(GUARD)

# A training's iterations on 1, 2, 4 ... threads.
bench-train: build/plain/train
	build/plain/train

# Where a training's time goes, beside what the processor could do.
bench-profile: build/plain/profile
	build/plain/profile

# What features of items cost a training's iterations.
bench-features: build/plain/features
	build/plain/features

# als.tune beside as many trainings; FILES="..." for other ratings than MovieLens 100K.
bench-tune: all
	@test/bench/tune $(FILES)

# What distributed trainings cost, and the formulas; BENCH=-c on Citus.
bench-scale: all
	@test/bench/scale $(BENCH)

# The same training in one place, on Citus and on stock servers; BENCH="3000000 15 3" for fewer ratings
# and runs. As root.
bench-distributed: all
	@test/bench/distributed $(BENCH)

build-core-tests: build/plain/core-tests build/sanitized/core-tests

# FILTER='TopK*' picks tests.
FILTER ?= *
test-core: build-core-tests
	build/plain/core-tests --gtest_filter='$(FILTER)'
	build/sanitized/core-tests --gtest_filter='$(FILTER)'

# REGRESS="basics options" picks tests.
test-sql: all
	$(TOOLS)/with-server $(MAKE) --no-print-directory installcheck

# The SQL tests where the extension has been updated from 1.0.
test-upgraded: all
	@$(TOOLS)/test-upgraded

# T=test/t/003_concurrency.pl picks tests.
test-tap: all
	$(TOOLS)/run-tap $(T)

# The tests of sql and tap on a server that checks itself, built here the first time, which takes minutes.
test-assert:
	@$(TOOLS)/test-assert

# The SQL tests with the whole module under AddressSanitizer and UndefinedBehaviorSanitizer; REGRESS="basics options"
# picks tests.
test-sanitized-server: all build/sanitized/als.so
	@CXX='$(CXX)' $(TOOLS)/test-sanitized-server $(if $(filter command line environment,$(origin REGRESS)),$(REGRESS))

# The engine's tests under ThreadSanitizer, which understands threads of our own.
test-threads: build/threads/core-tests
	TSAN_OPTIONS=halt_on_error=1 build/threads/core-tests --gtest_filter='$(FILTER)'

# The engine's entry points by libFuzzer, each for so many seconds; needs a clang with its runtime. FUZZ="SECONDS NAME..."
# picks some.
test-libfuzzer:
	@$(TOOLS)/test-libfuzzer $(FUZZ)

# The tests on each release of Debian, in roots that debootstrap makes, as root; ON="trixie /path/to/pg_config" picks
# releases and servers, TESTS="sql core" groups of tests.
test-versions:
	@$(TOOLS)/test-versions $(ON)

# The engine's tests compiled for arm64, under qemu; FILTER='TopK*' picks.
test-arm64:
	@$(TOOLS)/test-arm64 '$(FILTER)'

# The Debian package, built twice, looked at, installed and tried in bare roots, as root; ON=trixie picks the release.
test-package:
	@$(TOOLS)/test-package $(ON)

# A module in which calls can be made to fail: the plain one's objects, linked with test/faults. EVERY=1 ONLY=recommend%
# tries all points of some functions.
FAULT_POINTS = $(shell cat test/faults/points)
FAULT_WRAPPED = $(FAULT_POINTS) _ZN3als2pg18throw_server_errorEPFvPvES1_ _Znwm _Znam _ZnwmSt11align_val_t \
	_ZnamSt11align_val_t malloc calloc _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE
build/faults/faults.inc: als.so test/faults/points
	@mkdir -p $(@D)
	nm -D --undefined-only als.so | sed 's/^ *U //; s/@.*//' | grep -Fx -f test/faults/points \
		| sed 's/.*/ALS_FAULT_POINT(&)/' >$@
build/faults/faults.o: test/faults/faults.cpp build/faults/faults.inc
	$(CXX) $(ALS_CPPFLAGS) $(ALS_CXXFLAGS) -fPIC -Ibuild/faults -isystem $(includedir_server) -c -o $@ $<
build/faults/als.so: $(OBJS) build/faults/faults.o
	$(CXX) -shared -o $@ $^ $(FAULT_WRAPPED:%=-Wl,--wrap=%) $(SHLIB_LINK)
-include build/faults/faults.d

test-faults: all build/faults/als.so
	@$(TOOLS)/with-server $(TOOLS)/test-faults $(or $(EVERY),10) '$(or $(ONLY),%)'

# Some SQL tests with the server under valgrind; TESTS="basics options" picks.
test-valgrind: all
	@$(TOOLS)/test-valgrind $(TESTS)

# Random queries by sqlsmith; FUZZ="QUERIES SEED" for other than 2000.
test-sqlsmith: all
	@$(TOOLS)/test-sqlsmith $(FUZZ)

# Calls every function with arguments of all kinds, in three sessions; FUZZ="SECONDS SEED SESSIONS" for other than a minute.
test-fuzz: all
	@$(TOOLS)/with-server test/fuzz/fuzz $(FUZZ)

# The SQL examples of README.md and docs/; PAGE="docs/tutorial.md ..." for some pages, UPDATE=--update writes what they
# print into the pages.
test-docs: all
	$(TOOLS)/with-server $(TOOLS)/doc-examples $(UPDATE) $(PAGE)

# How much of src/ the tests run; GROUPS="sql core" picks from sql, tap and core.
coverage:
	@$(TOOLS)/coverage $(GROUPS)

# Whether the reference is complete, links lead somewhere, and lines are short enough.
check-docs:
	$(TOOLS)/check-docs

LINT_SRCS = $(SRCS) $(wildcard test/core/*/*.cpp test/bench/*.cpp)
LINT_HEADERS = $(wildcard src/report/*.h src/*/*/*.h src/core/*/*.inl test/core/*.h test/core/*/*.h test/bench/*.h)
LINT_FLAGS = $(filter-out -MMD -MP,$(ALS_CPPFLAGS)) -Itest/core $(ALS_CXXFLAGS) \
	-isystem $(shell $(PG_CONFIG) --includedir-server)
# Includes against layers.txt, format, and what clang-tidy finds, on all processors, in the units of the build: it takes
# minutes, and would take hours by each source.
LINT_UNITS = $(OBJS:.o=.cpp) $(TEST_UNITS) $(wildcard test/bench/*.cpp)
lint: check-layers $(LINT_UNITS)
	clang-format --dry-run -Werror $(LINT_SRCS) $(LINT_HEADERS)
	printf '%s\n' $(LINT_UNITS) | xargs -P "$$(nproc)" -n 1 \
		sh -c 'clang-tidy --quiet "$$@" -- -x c++ $(LINT_FLAGS)' clang-tidy

# Every source with every compiler that als is to compile with and that is here; COMPILERS="g++-12 clang++-19" picks.
check-compilers:
	@SRCS='$(LINT_SRCS)' FLAGS='$(LINT_FLAGS)' $(TOOLS)/check-compilers $(COMPILERS)
