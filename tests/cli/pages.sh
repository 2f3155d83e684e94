#!/usr/bin/env bash
# Manual pages and the completion of shells, which every tool writes from its table of options, and
# `skin`, the front of them all.
#   pages.sh BIN SCRATCH
set -u
. "$(dirname "$0")/help.bash"
bin=$1
cd "$2" || exit 1
[ -n "$(ls "$bin"/skin-* 2>/dev/null)" ] || fail "no tools in $bin"

for tool in "$bin"/skin "$bin"/skin-*; do
    name=$(basename "$tool")
    run 0 "$tool" --help
    sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/\2/p' out >options
    grep -qx help-as options || fail "$name --help lists no --help-as"
    for kind in man bash zsh fish; do
        run 0 "$tool" --help-as $kind
        cp out "$name.$kind"
        while read -r option; do
            case $kind in
            man) grep -qF -- "\\-\\-${option//-/\\-}\\fR" "$name.man" ;;
            fish) grep -qF -- " -l $option" "$name.fish" ;;
            *) grep -qF -- "--$option" "$name.$kind" ;;
            esac || fail "$name --help-as $kind lacks --$option"
        done <options
    done
    bash -n "$name.bash" || fail "$name: not bash"
    if command -v zsh >/dev/null; then zsh -n "$name.zsh" || fail "$name: not zsh"; fi
    if command -v fish >/dev/null; then fish -n "$name.fish" || fail "$name: not fish"; fi
    if command -v man >/dev/null; then
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=100 man --warnings -E UTF-8 -l -Tutf8 \
            -Z "$name.man" >/dev/null 2>warnings
        [ ! -s warnings ] || { cat warnings; fail "$name: the manual page has faults"; }
    fi
    run 0 "$tool" --help-as summary
    [ "$(wc -l <out)" = 1 ] && [ "$(wc -c <out)" -gt 10 ] ||
        fail "$name says '$(cat out)' of itself"
done
run 2 "$bin/skin-info" --help-as roff
says err "--help-as 'roff': expected one of man|bash|zsh|fish|summary"
one=$(head -n 1 err)
[ "$(printf '%s\n' "$one" | wc -l)" = 1 ] || fail "not one line"

# bash completes options, choices and files.
complete_line() { # TOOL WORDS...: what bash offers for the last word
    bash -c 'compopt() { :; }; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _${1//-/_}; printf "%s\n" "${COMPREPLY[@]}"' - "$1.bash" "$@"
}
[ "$(complete_line skin-info --js)" = --json ] || fail "bash does not complete --json"
[ "$(complete_line skin-info --help-as zs)" = zsh ] || fail "bash does not complete a choice"
[ "$(complete_line skin-info option)" = options ] || fail "bash does not complete a file"

# skin
run 0 "$bin/skin" help
for tool in "$bin"/skin-*; do
    grep -qE "^  $(basename "$tool" | sed 's/^skin-//') +[A-Z].{10}" out ||
        fail "skin help lacks $tool: $(cat out)"
done
run 0 "$bin/skin" help info
cp out helped
run 0 "$bin/skin-info" --help
cmp -s out helped || fail "skin help info is not skin-info --help"
run 0 "$bin/skin" info --isa
says out ref
run 2 "$bin/skin" info
says err "skin-info: name a file"
run 2 "$bin/skin" nothing
says err "skin: 'nothing' is no command: skin help lists them"
run 2 "$bin/skin" ../skin-info
run 2 "$bin/skin" help info more
run 0 env PATH="$bin:$PATH" skin --version
echo "$(ls ./*.man | wc -l) tools have manual pages and completion"
