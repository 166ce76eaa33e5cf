# The words people type; meson does the work.
BUILD ?= build
# The distribution's, even where another stands first in PATH.
MESON ?= $(firstword $(wildcard /usr/bin/meson) meson)

all:
	@test -f $(BUILD)/build.ninja || $(MESON) setup $(BUILD)
	@ninja -C $(BUILD)

install: all
	@$(MESON) install -C $(BUILD) --no-rebuild

check:
	@./test

asan:
	@test -f build-asan/build.ninja || $(MESON) setup build-asan -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-asan
	@$(MESON) test -C build-asan --no-rebuild --print-errorlogs

tsan:
	@test -f build-tsan/build.ninja || $(MESON) setup build-tsan -Db_sanitize=thread -Db_lundef=false
	@ninja -C build-tsan
	@$(MESON) test -C build-tsan --no-rebuild --print-errorlogs -t 5

fuzz:
	@tools/run_fuzz.sh 60

mutants:
	@tools/mutants.py

bench: all
	@bench/run.sh

format:
	@git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]' | xargs clang-format -i

clean:
	@rm -rf build build-*

.PHONY: all install check asan tsan fuzz mutants bench format clean
