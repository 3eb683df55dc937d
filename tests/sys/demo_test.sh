#!/usr/bin/env bash
# The main job from end to end, as `make run ARGS=--once` shows it; and that Ctrl-C leaves nothing behind.
. "$(dirname "$0")/../lib/sys.sh"

# processes_of FOLDER   how many run with this folder on their command line
processes_of() { pgrep -cf -- "-C $1/" ; }

"$BIN/pacs" demo --once --dir "$T/once" > "$T/once.out" 2>&1 < /dev/null
code=$?
is $code 0 "pacs demo --once verifies every step of the main job"
[ $code = 0 ] || note "$(grep -v ' s  ' "$T/once.out")"
is "$(grep -c '^FAIL' "$T/once.out")" 0 "and no step failed"
is "$(processes_of "$T/once")" 0 "and no process of it is left"

mkdir "$T/tmp"
TMPDIR="$T/tmp" "$BIN/pacs" demo > "$T/up.out" 2>&1 < /dev/null &
PID[demo]=$!
wait_for 30 'grep -q "^province" "$T/up.out"' && ok "the nodes of a demo come up" || not_ok "the nodes of a demo come up" "$(cat "$T/up.out")"
folder=$(sed -n 's/^Three nodes on this machine, in \(.*\):$/\1/p' "$T/up.out")
kill -INT "${PID[demo]}"
wait "${PID[demo]}"
is $? 0 "Ctrl-C ends it with exit code 0"
unset "PID[demo]"
is "$(processes_of "$folder")" 0 "no process is left"
[ -n "$folder" ] && [ ! -e "$folder" ] && ok "and its folder is gone" || not_ok "and its folder is gone" "$folder"
done_testing
