#!/usr/bin/env bash
# The admin commands as a person uses them: init, serve, wait, status, node, route, check; and what is refused.
. "$(dirname "$0")/../lib/sys.sh"

json() { python3 -c 'import json, sys; v = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }
# Everything below a folder, with contents: to see that nothing was touched.
state_of() { (cd "$1" && find . -type f -not -path './run/*' -exec sha256sum {} + | sort); }

any_alive() { local p; for p; do kill -0 "$p" 2>/dev/null && return 0; done; return 1; }

# ---- init ----
check "init makes a data folder" "$BIN/pacs" init "$T/a" --aet A1 --level county --port 11199
is "$(ls "$T/a" | tr '\n' ' ')" "pacs.conf quarantine run spool store " "with pacs.conf and four folders"
is "$("$BIN/pacs" -C "$T/a" --json check | json 'v["ok"]')" True "and check finds nothing wrong with it"
before=$(state_of "$T/a")
check_exit 1 "a data folder that is there is not made again" "$BIN/pacs" init "$T/a" --aet OTHER
is "$(state_of "$T/a")" "$before" "and is not changed"
mkdir "$T/full" && echo x > "$T/full/letter"
check_says "not empty" "a folder with other things in it is refused" "$BIN/pacs" init "$T/full"
is "$(ls "$T/full")" letter "and stays as it was"
check_exit 2 "an AE title of 17 characters is a wrong command line" "$BIN/pacs" init "$T/b" --aet ABCDEFGHIJKLMNOPQ
check_exit 2 "a command that does not exist too" "$BIN/pacs" frobnicate
check_exit 2 "an option that does not exist too" "$BIN/pacs" init "$T/b" --colour red
[ -e "$T/b" ] && not_ok "and nothing is made" || ok "and nothing is made"

# ---- help ----
for command in init serve wait status reload node route study queue worklist check demo; do
	check_says "pacs [-C DIR] $command" "there is help for $command" "$BIN/pacs" help "$command"
done
check_says "# MB kept free" "help conf explains the options" "$BIN/pacs" help conf

# ---- what must not start ----
mkdir "$T/strange"
check_exit 78 "a folder without pacs.conf is not served" "$BIN/pacs" -C "$T/strange" serve
is "$(ls "$T/strange")" "" "and nothing is put into it"
make_node bad clinic 'nonsense = 1'
check_says "pacs.conf:" "a wrong pacs.conf is not served, and the line is named" pacs bad serve
check_exit 78 "with exit code 78" pacs bad serve
make_node two clinic 'reserve = much
quiet = never'
is "$(pacs two check | grep -c 'pacs.conf:[0-9]*:')" 2 "check tells both mistakes of a file in one run"
make_node gone clinic && rmdir "$T/gone/spool"
check_says "gone/spool" "a missing folder is named" pacs gone serve
make_node busy clinic
python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); print("up", flush=True); time.sleep(600)' "${PORT[busy]}" > "$T/holder" &
PID[holder]=$!
wait_for 5 "grep -q up $T/holder"
before=$(state_of "$T/busy")
check_says "port ${PORT[busy]} on 127.0.0.1 is in use" "a port in use is named" pacs busy serve
check_exit 78 "with exit code 78" pacs busy serve
is "$(state_of "$T/busy")" "$before" "and nothing was touched"
start_node newer clinic && stop_node newer
for db in index.db work.db; do
	python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); v = d.execute("pragma user_version").fetchone()[0]
d.execute("pragma user_version=%d" % (v + 1000)); d.commit()' "$T/newer/$db"
	before=$(sha256sum < "$T/newer/$db")
	check_exit 78 "a node with an $db from a newer version is not served, nor tried for ever" timeout 20 "$BIN/pacs" -C "$T/newer" serve
	is "$(sha256sum < "$T/newer/$db")" "$before" "and $db is as it was"
	python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); v = d.execute("pragma user_version").fetchone()[0]
d.execute("pragma user_version=%d" % (v - 1000)); d.commit()' "$T/newer/$db"
done

make_node foreign clinic
python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); d.execute("create table t(x)"); d.commit()' "$T/foreign/index.db"
before=$(sha256sum < "$T/foreign/index.db")
check_exit 78 "an index.db that another program made is not served" timeout 20 "$BIN/pacs" -C "$T/foreign" serve
is "$(sha256sum < "$T/foreign/index.db")" "$before" "and is as it was"

# ---- a node that runs ----
start_node n clinic || exit 1
check "wait returns when the node answers" pacs n wait --timeout 10
wait_for 5 '[ -s "$T/n.out" ]'     # the supervisor asks too, and may be told a moment later
is "$(cat "$T/n.out")" "ready: N listens on 127.0.0.1:${PORT[n]}" "serve says so in one line"
check "status is 0" pacs n status
check_exit 1 "a second serve on the folder is refused" pacs n serve
check_says "runs already" "and told why" pacs n serve
is "$(field n index.images)" 0 "the index is empty"
check_exit 3 "wait gives 3 for a node that does not run" pacs a wait --timeout 0
check_exit 3 "and status too" pacs a status

# ---- nodes: let in without a restart ----
check_exit 1 "an unknown caller is refused" echoscu -aet CR1 -aec N 127.0.0.1 "${PORT[n]}"
wait_for 10 'pacs n --json node pending | grep -q CR1' && ok "and shown as pending" || not_ok "and shown as pending" "$(pacs n node pending)"
check "node accept lets it in" pacs n node accept CR1
check "at once" echoscu -aet CR1 -aec N 127.0.0.1 "${PORT[n]}"
is "$(pacs n --json node pending | json 'len(v)')" 0 "and it is no longer pending"
check "node add takes an address" pacs n node add SELF --aet N --host 127.0.0.1 --port "${PORT[n]}" --level county
check_says "answers" "node echo calls it" pacs n node echo SELF
check_exit 1 "node echo says when it fails" pacs n node echo CR1
is "$(pacs n --json node list | json '[x["name"] for x in v]')" "['CR1', 'SELF']" "node list shows both"
check_exit 1 "a name twice is refused" pacs n node add SELF --aet OTHER
check_exit 2 "a node without an AE title is a wrong command line" pacs n node add X
check_exit 2 "a port that is none too" pacs n node add X --aet X --host h --port none
check "node remove takes it out" pacs n node remove CR1
check_exit 1 "and it is refused again" echoscu -aet CR1 -aec N 127.0.0.1 "${PORT[n]}"
check "node accept any lets everybody in" pacs n node accept any
check "who was refused before" echoscu -aet CR1 -aec N 127.0.0.1 "${PORT[n]}"
check "node accept known undoes it" pacs n node accept known
check_exit 1 "and it is refused once more" echoscu -aet CR1 -aec N 127.0.0.1 "${PORT[n]}"


# ---- a wrong edit while it runs ----
cp "$T/n/pacs.conf" "$T/right"
echo 'nonsense = 1' >> "$T/n/pacs.conf"
check_says "goes on with the configuration it has" "a reload of a wrong file changes nothing, and says so" pacs n reload
check_exit 78 "with exit code 78" pacs n reload
kill -HUP "${PID[n]}"
wait_for 10 'grep -q "event=reload.*the former configuration stays" "$T/n.log"' && ok "SIGHUP neither" || not_ok "SIGHUP neither" "$(tail -3 "$T/n.log")"
sed 's/^port = .*/port = 11199/' "$T/right" > "$T/n/pacs.conf"
check_says 'not `port`' "what only a start can change is named" pacs n reload
cp "$T/right" "$T/n/pacs.conf"
is "$(pacs n reload)" "pacs.conf is right, in effect now" "and no longer once it is undone"

# ---- routes ----
check_exit 78 "a route to a node that is not there is refused" pacs n route add up --action forward --to NOWHERE
check "route add" pacs n route add up --modality DR,DX --action forward --to SELF
is "$(pacs n --json route list | json 'v[0]["to"]')" SELF "route list shows it"
check_exit 78 "the node that it needs cannot be removed" pacs n node remove SELF
check "route remove" pacs n route remove up
is "$(pacs n --json route list | json 'len(v)')" 0 "and it is gone"
check_says "# MB kept free" "the comments of pacs.conf are still there" cat "$T/n/pacs.conf"
check "queue list answers" pacs n queue list
check "worklist list answers" pacs n worklist list
check "study list answers" pacs n study list
check_exit 1 "study show of what is not there says so" pacs n study show 1.2.3
check_exit 2 "queue retry without saying which is a wrong command line" pacs n queue retry

# ---- the supervisor ----
old=$(child_pid n storescp)
kill -KILL "$old"
wait_for 20 '[ "$(child_pid n storescp 2>/dev/null)" != "" ] && [ "$(child_pid n storescp)" != "$old" ]' && ok "a storescp that was killed is started again" ||
	not_ok "a storescp that was killed is started again" "$(tail -5 "$T/n.log")"
check "and the node answers" pacs n wait --timeout 20
old=$(child_pid n router)
kill -KILL "$old"
wait_for 20 '[ "$(child_pid n router 2>/dev/null)" != "" ] && [ "$(child_pid n router)" != "$old" ]' && ok "a router too" || not_ok "a router too" "$(tail -5 "$T/n.log")"
pids="$(child_pid n storescp) $(child_pid n router)"
stop_node n
is $? 0 "SIGTERM ends the node with exit code 0"
any_alive $pids && not_ok "and no child is left" || ok "and no child is left"
serve_node n || exit 1
pids="$(child_pid n storescp) $(child_pid n router)"
kill_node n
wait_for 10 '! any_alive $pids' && ok "a supervisor that is killed takes its children along" || not_ok "a supervisor that is killed takes its children along"
done_testing
