# Part of the Makefile: installation, manual pages, and packages.

INC := $(DESTDIR)$(PREFIX)/include/skincredible
DESTLIB := $(DESTDIR)$(LIBDIR)
# Programs find the shared libraries where the system's loader does not look.
RPATH = $(if $(filter /usr /usr/local,$(PREFIX)),, -Wl,-rpath,$$\{libdir\})
PUBLIC := libconvlstm/convlstm.h libconvlstm/convlstm_group.h libmtcnn/mtcnn.h \
          libconvlstm/base/nbase.h \
          libconvlstm/convlstm.hpp libmtcnn/mtcnn.hpp

## install libraries, headers, tools and pkg-config files under PREFIX (/usr/local)
install: build pages
	install -d $(INC) $(DESTLIB)/pkgconfig $(DESTDIR)$(PREFIX)/bin \
	  $(DESTDIR)$(PREFIX)/share/skincredible
	install -m 644 $(PUBLIC) $(INC)
	install -m 644 $(LIB_CONVLSTM) $(LIB_MTCNN) $(DESTLIB)
	for lib in $(LIBS_SHARED); do \
	  name=$$(basename $$lib); \
	  install -m 644 $$lib $(DESTLIB)/$${name%.$(ABI)}.$(VERSION); \
	  ln -sf $${name%.$(ABI)}.$(VERSION) $(DESTLIB)/$$name; \
	  ln -sf $$name $(DESTLIB)/$${name%.$(ABI)}; \
	done
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	$(if $(MODULE),install -D -m 644 $(MODULE) $(DESTDIR)$(PREFIX)/lib/skincredible/skin-mpi.so)
	for page in $(PAGE_FILES); do install -D -m 644 $(BUILD)/share/$$page \
	  $(DESTDIR)$(PREFIX)/share/$$page; done
	if [ -f weights/mtcnn.safetensors ]; then install -m 644 weights/mtcnn.safetensors \
	  $(DESTDIR)$(PREFIX)/share/skincredible; fi
	for lib in convlstm mtcnn; do \
	  fill="s|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|"; \
	  fill="$$fill; s|@RPATH@|$(RPATH)|; s|@NAME@|$$lib|g"; \
	  sed "$$fill" lib$$lib/$$lib.pc.in > $(DESTLIB)/pkgconfig/$$lib.pc; \
	  install -d $(DESTLIB)/cmake/$$lib; \
	  sed "$$fill" tools/packaging/config.cmake.in > $(DESTLIB)/cmake/$$lib/$$lib-config.cmake; \
	  sed "$$fill" tools/packaging/version.cmake.in > \
	  $(DESTLIB)/cmake/$$lib/$$lib-config-version.cmake; \
	done

# Manual pages and completion are what the tools print of their tables of options.
PAGES := $(patsubst $(BUILD)/bin/%,$(BUILD)/share/man/man1/%.1,$(PROGRAMS))

## manual pages and completion for bash, zsh and fish (build/share)
pages: $(PAGES)
$(PAGES): $(BUILD)/share/man/man1/%.1: $(BUILD)/bin/%
	@mkdir -p $(@D) $(PAGE_DIRS)
	$(call quiet,PAGE,$@)$< --help-as man > $@
	@$< --help-as bash > $(BUILD)/share/bash-completion/completions/$*
	@$< --help-as zsh > $(BUILD)/share/zsh/site-functions/_$*
	@$< --help-as fish > $(BUILD)/share/fish/vendor_completions.d/$*.fish
PAGE_DIRS := $(addprefix $(BUILD)/share/,bash-completion/completions zsh/site-functions \
             fish/vendor_completions.d)
PAGE_FILES := $(foreach t,$(notdir $(PROGRAMS)),man/man1/$(t).1 bash-completion/completions/$(t) \
              zsh/site-functions/_$(t) \
                fish/vendor_completions.d/$(t).fish)
.PHONY: pages

## the sources as an archive, which builds without git (build/dist)
dist:
	@tools/packaging/dist.sh $(VERSION) $(BUILD)/dist

## Debian's packages (build/deb): libraries, -dev, tools, -doc; judged by lintian
deb: deps-deb
	@tools/packaging/deb.sh $(VERSION) $(BUILD)/deb
.PHONY: dist deb

## remove what install put there
uninstall:
	rm -f $(addprefix $(INC)/,$(notdir $(PUBLIC))) \
	  $(foreach lib,libconvlstm libmtcnn,$(addprefix $(DESTLIB)/$(lib).,a so so.$(ABI) so.$(VERSION)))
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(notdir $(PROGRAMS))) \
	  $(addprefix $(DESTLIB)/pkgconfig/,convlstm.pc mtcnn.pc)
	rm -rf $(addprefix $(DESTLIB)/cmake/,convlstm mtcnn)
	rm -rf $(DESTDIR)$(PREFIX)/share/skincredible $(DESTDIR)$(PREFIX)/lib/skincredible
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/,$(PAGE_FILES))
	-rmdir $(INC) 2>/dev/null
