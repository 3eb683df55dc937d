#!/usr/bin/env bash
# make install: programs that run from there, man pages that say what the programs say, completion that completes.
. "$(dirname "$0")/../lib/sys.sh"
check "everything is installed below PREFIX" make -C "$ROOT" --no-print-directory install PREFIX="$T/usr"
P=$T/usr
for p in pacs storescp router viewer-cli xcode-worker; do check "$p is there" test -x "$P/bin/$p"; done
check "pacs runs from there" "$P/bin/pacs" help
for page in man1/pacs.1 man1/viewer-cli.1 man5/pacs.conf.5 man8/storescp.8 man8/router.8; do
	f=$P/share/man/$page
	check "$page is there" test -s "$f"
	is "$(mandoc -T lint -W warning "$f" 2>&1)" "" "$page is clean for mandoc"
	is "$(groff -K utf8 -man -ww -z -T utf8 "$f" 2>&1)" "" "$page is clean for groff"
done
# Every line that the programs say stands in a page.
flat() { tr -s ' \n\t' '\n' | sed 's/[‐−–]/-/g; s/[‘’]/'"'"'/g; s/[“”]/"/g'; }
shown() { mandoc -T utf8 -O width=400 "$1" | col -bx | flat | sort -u; }
words_missing() { comm -23 <(flat | sort -u) <(shown "$1") | head -5; }
shown "$P/share/man/man1/pacs.1" > "$T/words"
for c in $("$P/bin/pacs" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	is "$("$P/bin/pacs" help "$c" | flat | sort -u | comm -23 - "$T/words" | head -3)" "" "pacs(1) has all of: pacs help $c"
done
is "$("$P/bin/pacs" help conf | words_missing "$P/share/man/man5/pacs.conf.5")" "" "pacs.conf(5) has all of: pacs help conf"
for c in list claim pull show complete release; do
	is "$("$P/bin/viewer-cli" help $c | words_missing "$P/share/man/man1/viewer-cli.1")" "" "viewer-cli(1) has all of: viewer-cli help $c"
done

# Completion, as bash calls it.
. "$P/share/bash-completion/completions/pacs"
check "viewer-cli's is there too" test -e "$P/share/bash-completion/completions/viewer-cli"
complete_line() { local f=$1; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); "$f" "$1" "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[*]}"; }
is "$(complete_line _pacs "$P/bin/pacs" ver)" "verify" "pacs ver<TAB>"
is "$(complete_line _pacs "$P/bin/pacs" -C /tmp statu)" "status" "pacs -C /tmp statu<TAB>"
is "$(complete_line _pacs "$P/bin/pacs" backup --k)" "--keep" "pacs backup --k<TAB>"
is "$(complete_line _pacs "$P/bin/pacs" node p)" "pending" "pacs node p<TAB>"
is "$(complete_line _pacs "$P/bin/pacs" queue re)" "retry" "pacs queue re<TAB>"
is "$(complete_line _pacs "$P/bin/pacs" init /tmp/x --level c)" "clinic county" "pacs init --level c<TAB>"
is "$(complete_line _pacs "$P/bin/pacs" help con)" "conf" "pacs help con<TAB>"
mkdir "$T/folder"
is "$(complete_line _pacs "$P/bin/pacs" -C "$T/fol")" "$T/folder" "pacs -C FOL<TAB>"
make_node n clinic
pacs n node add COUNTY --aet COUNTY1 --host 127.0.0.1 --port 11112 > /dev/null
is "$(complete_line _pacs "$P/bin/pacs" -C "$T/n" node echo C)" "COUNTY" "pacs node echo C<TAB> knows the nodes of the folder"
is "$(complete_line _pacs "$P/bin/pacs" -C "$T/n" route add up --to C)" "COUNTY" "pacs route add --to C<TAB> too"
is "$(complete_line _viewer_cli "$P/bin/viewer-cli" --node h:1 --called A cl)" "claim" "viewer-cli cl<TAB>"
is "$(complete_line _viewer_cli "$P/bin/viewer-cli" list --gr)" "--group" "viewer-cli list --gr<TAB>"
is "$(complete_line _viewer_cli "$P/bin/viewer-cli" release --reason sp)" "specialist" "viewer-cli release --reason sp<TAB>"

done_testing
