# A menu: `make help`.  Everything that is made goes to $(B).

B	?= build
PREFIX	?= /usr/local
DESTDIR	?=
CC	?= cc
CLANG	?= clang

# Where Debian's nginx-dev keeps configure, auto/ and the headers.
NGINX_SRC ?= /usr/share/nginx/src

VERSION	:= 0.1
WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	   -Wmissing-prototypes -Wpointer-arith -Wformat=2
HARDEN	:= -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	   -fstack-clash-protection \
	   $(if $(filter x86_64 i%86,$(shell uname -m)),-fcf-protection)
OPT	:= -O2 -g
CFLAGS	+= -std=gnu11 $(OPT) $(WARN) $(HARDEN) -fPIE $(SANITIZE)
CPPFLAGS += -D_GNU_SOURCE -DPAAS_VERSION='"$(VERSION)"' \
	   -DPAAS_PREFIX='"$(PREFIX)"' \
	   -Imanager -Ingx_paas_module/routedb -MMD -MP
LDFLAGS	+= -pie -Wl,-z,relro,-z,now $(SANITIZE)

objs	= $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)))

TOOL	:= $(call objs,ngx_paas_module/routedb/tool*.c)
ROUTEDB	:= $(filter-out $(TOOL),$(call objs,ngx_paas_module/routedb/*.c))
# What needs JSON is not for the programs that run as root.
RULES	:= $(call objs,manager/common/health_rule.c)
COMMON	:= $(filter-out $(RULES),$(call objs,manager/common/*.c))
MANAGER	:= $(RULES) $(call objs,manager/paas_manager.c $(foreach r, \
	   store api build schedule node routing check,manager/$(r)/*.c) \
	   manager/api/*/*.c)
SHIM	:= $(call objs,manager/launcher/shim*.c)
LOGGER	:= $(call objs,manager/logger/*.c manager/launcher/shim_log.c \
	   manager/launcher/shim_bounds.c)
DRAIN	:= $(call objs,manager/drain/*.c)
INIT	:= $(call objs,manager/launcher/init*.c \
	   manager/launcher/shim_message.c manager/common/fds.c)
LAUNCHER := $(filter-out $(SHIM) $(INIT),$(call objs,manager/launcher/*.c))
INSPECT	:= $(call objs,manager/sandbox/inspect*.c manager/sandbox/tree*.c)
SANDBOX	:= $(call objs,manager/sandbox/common*.c)
BUILDER	:= $(filter-out $(INSPECT) $(SANDBOX),$(call objs,manager/sandbox/*.c))
MANIFEST := $(RULES) \
	   $(call objs,manager/manifest/*.c manager/sandbox/common*.c)
CLI	:= $(call objs,manager/cli/*.c manager/cli/*/*.c)
GIT	:= $(call objs,manager/git/serve*.c)
HOOK	:= $(call objs,manager/git/hook*.c manager/cli/http.c \
	   manager/cli/lines.c manager/cli/clean.c)

SSH	:= $(call objs,manager/git/ssh*.c manager/cli/http.c)

PROGRAMS := $(B)/bin/paas $(B)/bin/paas-routedb \
	   $(B)/libexec/paas-manager $(B)/libexec/paas-launcher \
	   $(B)/libexec/paas-shim $(B)/libexec/paas-init \
	   $(B)/libexec/paas-logger $(B)/libexec/paas-drain \
	   $(B)/libexec/paas-build $(B)/libexec/paas-inspect \
	   $(B)/libexec/paas-git $(B)/libexec/paas-git-hook \
	   $(B)/libexec/paas-git-ssh $(B)/libexec/paas-password \
	   $(B)/libexec/paas-resolve \
	   $(B)/libexec/run $(B)/libexec/paas-rotate $(B)/bin/paas-acme
MODULE	:= $(B)/ngx_http_paas_module.so
UNITS	:= $(patsubst t/unit/%.c,$(B)/t/unit_%,$(wildcard t/unit/*.c))
HELPERS	:= $(patsubst t/lib/%.c,$(B)/t/%,$(wildcard t/lib/*.c)) \
	   $(B)/t/launcher_held
KNF	:= $(wildcard manager/*.c manager/*/*.[ch] manager/*/*/*.[ch] \
	   ngx_paas_module/routedb/*.[ch] t/unit/*.c t/lib/*.c t/fuzz/*.c t/launcher/*.c \
	   scripts/benches/*.c)

.DEFAULT_GOAL := all
.PHONY: all help programs module units benches check format layers lint docs unit \
	test asan fuzz bench install uninstall clean

help:
	@echo 'make all      programs and nginx module, in $(B)/'
	@echo 'make check    format, layers, lint and docs'
	@echo 'make format   is every file formatted?  (FIX=1 formats)'
	@echo 'make layers   do includes run one way round the loop?'
	@echo 'make lint     cppcheck and clang-tidy'
	@echo 'make docs     man pages are clean, everything is documented'
	@echo 'make unit     unit tests'
	@echo 'make test     every test (scripts/test)'
	@echo 'make asan     unit tests under AddressSanitizer and UBSan'
	@echo 'make fuzz     fuzzers, FUZZ_SECONDS each (60)'
	@echo 'make bench    measurements (scripts/bench)'
	@echo 'make install  to $$(DESTDIR)$$(PREFIX)  ($(PREFIX))'

all: programs module

programs: $(PROGRAMS)

# ---- programs ---------------------------------------------------------

$(B)/obj/%.o: %.c
	@mkdir -p $(@D); echo cc $<
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# It has them in itself.
$(B)/obj/manager/api/http/openapi_files.o: $(wildcard manager/api/schema/*.json)

LIBS_paas	:= -lcurl -ljansson -larchive -lyaml -lsodium -llmdb -lssl \
		   -lcrypto -lbsd
LIBS_routedb	:= -llmdb -lpcre2-8 -lbsd
LIBS_manager	:= -lsystemd -lmicrohttpd -lcurl -ljansson -llmdb -lsodium \
		   -lpcre2-8 -lssl -lcrypto -luuid -lbsd
LIBS_launcher	:= -lsystemd -lnftables -lmnl -lseccomp -lbsd
LIBS_shim	:= -lbsd
LIBS_git	:= -lbsd
LIBS_hook	:= -lcurl -ljansson -lbsd
LIBS_ssh	:= -lcurl -ljansson -lbsd
LIBS_build	:= -larchive -lyaml -ljansson -lsodium -lbsd

link	= @mkdir -p $(@D); echo link $@; \
	  $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^)

$(B)/bin/paas: $(CLI) $(COMMON) $(MANIFEST)
	$(link) $(LIBS_paas)
$(B)/bin/paas-routedb: $(ROUTEDB) $(TOOL)
	$(link) $(LIBS_routedb)
$(B)/libexec/paas-manager: $(MANAGER) $(COMMON) $(ROUTEDB)
	$(link) $(filter-out -luuid,$(LIBS_manager))
$(B)/libexec/paas-launcher: $(LAUNCHER) $(COMMON)
	$(link) $(LIBS_launcher)
$(B)/libexec/paas-shim: $(SHIM) $(COMMON)
	$(link) $(LIBS_shim)
$(B)/libexec/paas-logger: $(LOGGER) $(COMMON)
	$(link) $(LIBS_shim)
$(B)/libexec/paas-drain: $(DRAIN) $(COMMON)
	$(link) -lcurl -lbsd
# Runs in every instance: small, and needs nothing of the sandbox's /usr.
$(B)/libexec/paas-init: $(INIT)
	@mkdir -p $(@D); echo link $@
	@$(CC) $(if $(SANITIZE),$(LDFLAGS),-static) -o $@ $^
$(B)/libexec/paas-build: $(BUILDER) $(MANIFEST) \
	  $(call objs,manager/cli/push/ignore.c manager/cli/push/glob.c \
	  manager/common/push.c manager/common/config_name.c)
	$(link) $(LIBS_build)
$(B)/libexec/paas-inspect: $(INSPECT) $(SANDBOX)
	$(link) $(LIBS_build)
$(B)/libexec/paas-git: $(GIT) $(COMMON)
	$(link) $(LIBS_git)
$(B)/libexec/paas-git-hook: $(HOOK) $(COMMON)
	$(link) $(LIBS_hook)
$(B)/libexec/paas-git-ssh: $(SSH) $(COMMON)
	$(link) $(LIBS_ssh)
$(B)/libexec/paas-password: $(call objs,manager/helper/password.c)
	$(link) -lsodium
$(B)/libexec/paas-resolve: $(call objs,manager/helper/resolve.c)
	$(link) -lresolv
$(B)/libexec/run: scripts/sandbox/run
	@mkdir -p $(@D)
	install -m 755 $< $@

$(B)/libexec/paas-rotate: scripts/service/paas-rotate
	@mkdir -p $(@D)
	install -m 755 $< $@

$(B)/bin/paas-acme: scripts/service/paas-acme
	@mkdir -p $(@D)
	install -m 755 $< $@

# ---- the module, against the installed nginx --------------------------

module: $(MODULE)

$(MODULE): config $(wildcard ngx_paas_module/*.[ch] ngx_paas_module/routedb/*.[ch])
	@test -x $(NGINX_SRC)/configure || { \
	    echo 'nginx-dev is missing: apt-get install nginx-dev' >&2; exit 1; }
	@mkdir -p $(B)
	rm -rf $(B)/nginx && cp -r $(NGINX_SRC) $(B)/nginx
	cd $(B)/nginx && bash -c '. ./conf_flags && \
	    ./configure "$${NGX_CONF_FLAGS[@]}" \
	    --with-cc-opt="$(OPT) -Wextra -Wno-unused-parameter $(HARDEN) -fPIC" \
	    --with-ld-opt="-Wl,-z,relro,-z,now -fPIC" \
	    --add-dynamic-module=$(CURDIR)' > configure.log || \
	    { cat configure.log; exit 1; }
	$(MAKE) -C $(B)/nginx -f objs/Makefile modules
	cp $(B)/nginx/objs/ngx_http_paas_module.so $@

# ---- tests ------------------------------------------------------------

# A test's first line names what it is linked with.
$(B)/t/unit_%: t/unit/%.c programs
	@mkdir -p $(@D); echo unit $*
	@s=$$(sed -n '1s/.*sources:\([^;]*\);.*/\1/p' $<); \
	l=$$(sed -n '1s/.*libs:\([^;*]*\).*/\1/p' $<); \
	o=; for c in $$s; do o="$$o $(B)/obj/$${c%.c}.o"; done; \
	$(MAKE) -s --no-print-directory $$o && \
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $$o -lcmocka -lbsd $$l

$(B)/t/%: t/lib/%.c
	@mkdir -p $(@D); echo helper $*
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lbsd

# Who is held at a step, and killed there.
$(B)/t/launcher_held: $(B)/obj/t/launcher/kill_points.o $(LAUNCHER) $(COMMON)
	$(link) -Wl,--wrap=step_run,--wrap=step_undo $(LIBS_launcher)

$(B)/bench/fill_%: $(B)/obj/scripts/benches/fill_%.o $(COMMON) \
	  $(call objs,manager/store/*.c)
	$(link) $(LIBS_manager)
# Runs in an instance, and is to be nothing but its own first instruction.
$(B)/bench/first_instruction: $(B)/obj/scripts/benches/first_instruction.o
	@mkdir -p $(@D); echo link $@
	@$(CC) $(if $(SANITIZE),$(LDFLAGS),-static) -o $@ $^
$(B)/bench/%: $(B)/obj/scripts/benches/%.o $(ROUTEDB)
	$(link) $(LIBS_routedb)

benches: $(HELPERS) $(patsubst scripts/benches/%.c,$(B)/bench/%,$(wildcard scripts/benches/*.c))

units: $(UNITS) $(HELPERS) benches

unit: units
	prove --exec '' $(UNITS)

test:
	scripts/test

asan:
	$(MAKE) B=$(B)/asan OPT='-O1 -g -fno-omit-frame-pointer' HARDEN= \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' \
	    unit

FUZZ_SECONDS ?= 60
fuzz:
	scripts/lib/fuzz $(B) $(FUZZ_SECONDS)

bench:
	scripts/bench

# ---- what a reviewer would say ----------------------------------------

check: format layers lint docs

format:
	@clang-format $(if $(FIX),-i,--dry-run -Werror) $(KNF)

layers:
	@scripts/lib/check-layers

lint:
	@scripts/lib/check-lint

docs:
	@scripts/lib/check-docs

# ---- installation -----------------------------------------------------

I	= $(DESTDIR)$(PREFIX)
# Where each shell looks for what completes its lines.
COMPLETION = share/bash-completion/completions/paas \
	  share/zsh/site-functions/_paas share/fish/vendor_completions.d/paas.fish
INSTALLED = $(COMPLETION) bin/paas bin/paas-routedb bin/paas-acme libexec/paas lib/paas share/paas

# Folders that are taken away if nobody else has anything there.
EMPTIED	= $(if $(filter /usr,$(PREFIX)),,share/man/man1 share/man/man5 \
	  share/man/man8 $(foreach c,$(COMPLETION),$(dir $(c))) \
	  share/bash-completion share/zsh share/fish libexec $(if $(filter /usr/local,$(PREFIX)),, \
	  share/man share lib bin))

install: all
	install -d $(I)/bin $(I)/libexec/paas $(I)/lib/paas $(I)/share/paas \
	    $(I)/share/man/man1 $(I)/share/man/man5 $(I)/share/man/man8
	install $(B)/bin/* $(I)/bin/
	install $(B)/libexec/* $(I)/libexec/paas/
	install -d $(I)/libexec/paas/hooks
	ln -sf ../paas-git-hook $(I)/libexec/paas/hooks/pre-receive
	ln -sf ../paas-git $(I)/libexec/paas/hooks/reference-transaction
	install -m 644 $(MODULE) $(I)/lib/paas/
	rm -rf $(I)/share/paas/buildpacks $(I)/share/paas/etc
	cp -r --no-preserve=ownership scripts/buildpacks $(I)/share/paas/
	cp -r --no-preserve=ownership manager/etc $(I)/share/paas/
	install -d $(foreach c,$(COMPLETION),$(I)/$(dir $(c)))
	$(foreach s,bash zsh fish,$(B)/bin/paas completion $s > \
	    $(I)/$(filter share/$s%,$(COMPLETION)) &&) true
	for s in 1 5 8; do for m in manager/man/*.$$s; do test -e $$m || \
	    continue; install -m 644 $$m $(I)/share/man/man$$s/; done; done

uninstall:
	cd $(I) && rm -rf $(INSTALLED)
	for m in manager/man/*.[158]; do \
	    rm -f $(I)/share/man/man$${m##*.}/$${m##*/}; done
	test ! -d $(I) || cd $(I) && rmdir $(EMPTIED) 2>/dev/null || true
	$(if $(filter /usr /usr/local,$(PREFIX)),,rmdir $(I) 2>/dev/null || true)

clean:
	rm -rf $(B)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
