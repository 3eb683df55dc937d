#!/usr/bin/env bash
# `viewer-cli read` in a real terminal (tmux): list, claim, images, window, frames, cine, side by side, help, Chinese, resize, complete,
# give back, two readers; and a terminal that is whole again after every kind of end.
. "$(dirname "$0")/../lib/sys.sh"
command -v tmux >/dev/null || { skip "the terminal" "no tmux"; done_testing; }
# Texts wait for: the terminal is slow only where the machine is.
SECONDS_EACH=20
S=$T/tmux
mux() { tmux -S "$S" -f /dev/null "$@"; }
screen_of() { mux capture-pane -p -t "$1"; }
sees() { screen_of "$1" | grep -qF -- "$2"; }
# sees_soon PANE TEXT SENTENCE
sees_soon()
{
	if wait_for $SECONDS_EACH "sees '$1' '$2'"; then ok "$3"; else not_ok "$3" "wanted \"$2\" on:"$'\n'"$(screen_of "$1")"; fi
}
picture() { screen_of "$1" | sed -n 3,26p; }
# still PANE: its picture is what it was at the last look; for wait_for, so that no half-drawn one is taken. It stays in $T/picture
still() { picture "$1" > "$T/look"; cmp -s "$T/look" "$T/picture" || { mv "$T/look" "$T/picture"; return 1; }; }
# is_again PANE FILE SENTENCE
is_again() { if wait_for 20 "picture '$1' | cmp -s - '$2'"; then ok "$3"; else not_ok "$3" "wanted:"$'\n'"$(cat "$2")"$'\n'"on:"$'\n'"$(screen_of "$1")"; fi; }
is_another() { if wait_for 20 "! picture '$1' | cmp -s - '$2'"; then ok "$3"; else not_ok "$3" "$(screen_of "$1")"; fi; }
gone_soon() { if wait_for $SECONDS_EACH "! sees '$1' '$2'"; then ok "$3"; else not_ok "$3" "\"$2\" is still on:"$'\n'"$(screen_of "$1")"; fi; }
key() { local pane=$1; shift; mux send-keys -t "$pane" "$@"; }
type_line() { mux send-keys -t "$1" -l "$2"; mux send-keys -t "$1" Enter; }
# terminal PANE READER COLUMNSxLINES [ENV...]   a shell in a terminal of its own
terminal()
{
	local name=$1 reader=$2 size=$3; shift 3
	mux new-session -d -s "$name" -x "${size%x*}" -y "${size#*x}" env XDG_STATE_HOME="$T/state-$reader" TMPDIR="$T/tmp-$reader" HOME="$T" PS1='$ ' HISTFILE=/dev/null "$@" bash --norc --noprofile
	mkdir -p "$T/tmp-$reader"
	PID[tmux]=$(mux display -p '#{pid}')
	type_line "$name" "stty -a > $T/$name.stty; clear"
	wait_for 10 "[ -s '$T/$name.stty' ]"
}
read_as() { type_line "$1" "$BIN/viewer-cli --node 127.0.0.1:${PORT[county]} --called COUNTY --calling $2; echo \"end=\$?\"; stty -a > $T/$1.after; echo put''back"; }
# whole PANE CODE SENTENCE   the shell is back: its exit code, stty as before, its own screen, the cursor shown, no files left
whole()
{
	wait_for $SECONDS_EACH "sees '$1' putback" || { not_ok "$3" "$(screen_of "$1")"; return; }
	local now; now="$(screen_of "$1" | grep -o 'end=[0-9]*' | tail -1) $(cmp -s "$T/$1.stty" "$T/$1.after" && echo stty) alternate=$(mux display -p -t "$1" '#{alternate_on}') cursor=$(mux display -p -t "$1" '#{cursor_flag}') left=$(ls "$T/tmp-$4" | wc -l)"
	is "$now" "end=$2 stty alternate=0 cursor=1 left=0" "$3"
	type_line "$1" clear
}
child_of() { pgrep -P "$(pgrep -P "$(mux display -p -t "$1" '#{pane_pid}')" -x viewer-cli)" -x viewer-cli; }

# ---- a node with a DX, a cine and an earlier study of one patient, and a case of somebody else ----
start_node county county 'accept = any
quiet = 1
route "dx" { modality = "DX" action = worklist group = "ALL" }
route "us" { modality = "US" action = worklist group = "ALL" }' || { not_ok "the node starts"; done_testing; }
"$TOOLS/phantom" --out "$T/in" --set test --seed 7 >/dev/null
mkdir "$T/send"
# image FILE FROM STUDY NAME ID BORN MODALITY CLASS DATE   a phantom as an image of this patient
image()
{
	cp "$T/in/$2.dcm" "$T/send/$1.dcm"
	dcmodify -nb -q -imt -i "(0008,0005)=ISO_IR 192" -i "(0010,0010)=$4" -i "(0010,0020)=$5" -i "(0010,0030)=$6" -i "(0010,0040)=F" -i "(0008,0060)=$7" -i "(0008,0016)=$8" \
		-i "(0008,0020)=$9" -i "(0020,000d)=$3" -i "(0020,000e)=$3.1" -i "(0008,0018)=$3.1.${10}" -i "(0020,0011)=1" -i "(0020,0013)=${10}" "$T/send/$1.dcm"
}
DX=1.2.840.10008.5.1.4.1.1.1.1 US=1.2.840.10008.5.1.4.1.1.3.1
image prior t_u16 1.2.3.9 'Zhang^San=张^三' P1 19700101 CR 1.2.840.10008.5.1.4.1.1.1 20250101 1
image dx1 t_u12 1.2.3.1 'Zhang^San=张^三' P1 19700101 DX $DX 20260301 1
image dx2 t_s12 1.2.3.1 'Zhang^San=张^三' P1 19700101 DX $DX 20260301 2
image cine t_cine 1.2.3.2 'Li^Si=李^四' P2 19800202 US $US 20260302 1
dcmodify -nb -q -i '(0018,1063)=40' "$T/send/cine.dcm"
# A presentation state for the first image: turned, with a text.
cat > "$T/state.dump" <<'D'
(0008,0005) CS [ISO_IR 192]
(0008,0016) UI =GrayscaleSoftcopyPresentationStateStorage
(0008,0018) UI [1.2.3.1.9.1]
(0008,0020) DA [20260301]
(0008,0060) CS [PR]
(0008,1115) SQ
(fffe,e000) na
(0008,1140) SQ
(fffe,e000) na
(0008,1155) UI [1.2.3.1.1.1]
(fffe,e00d) na
(fffe,e0dd) na
(0020,000e) UI [1.2.3.1.1]
(fffe,e00d) na
(fffe,e0dd) na
(0010,0010) PN [Zhang^San=张^三]
(0010,0020) LO [P1]
(0010,0030) DA [19700101]
(0010,0040) CS [F]
(0020,000d) UI [1.2.3.1]
(0020,000e) UI [1.2.3.1.9]
(0020,0011) IS [9]
(0020,0013) IS [1]
(0070,0001) SQ
(fffe,e000) na
(0070,0008) SQ
(fffe,e000) na
(0070,0006) ST [骨折线]
(fffe,e00d) na
(fffe,e0dd) na
(fffe,e00d) na
(fffe,e0dd) na
(0070,0042) US 90
(0070,0080) CS [ARROW]
(0070,0082) DA [20260301]
(0070,0083) TM [120000]
(0070,005a) SQ
(fffe,e000) na
(0070,0052) SL 1\1
(0070,0053) SL 16\8
(fffe,e00d) na
(fffe,e0dd) na
D
dump2dcm -q +te "$T/state.dump" "$T/send/state.dcm"
image third t_u10 1.2.3.3 'Wang^Wu=王^五' P3 19900303 DX $DX 20260303 1
storescu -aec COUNTY 127.0.0.1 "${PORT[county]}" "$T"/send/*.dcm || not_ok "the node takes the images"
listed() { XDG_STATE_HOME=$T/state-x "$BIN/viewer-cli" --node "127.0.0.1:${PORT[county]}" --called COUNTY --calling X list --json "$@" | grep -c '"item"'; }
wait_for 30 '[ "$(listed)" = 3 ]' && ok "three cases wait" || not_ok "three cases wait" "$(listed)"

# ---- the list, in English ----
terminal a A 100x30 LANG=C.UTF-8
read_as a A
sees_soon a "3 waiting, 0 yours" "the list comes by itself"
sees_soon a "张 三" "with names in Chinese"
key a '?'; sees_soon a "claim the case and bring its images" "? shows the keys"
key a Escape; gone_soon a "claim the case and bring its images" "and any key hides them"
row_of() { screen_of "$1" | grep -nF -- "$2" | head -1 | cut -d: -f1; }
go_to() { local n; n=$(row_of "$1" "$2"); key "$1" g; for ((i = 3; i < n; i++)); do key "$1" j; done; }

# ---- a case: claimed, its images, window, zoom ----
go_to a "张 三"; key a Enter
sees_soon a "Case 2026-03-01 DX" "Enter claims a case and shows its first image"
sees_soon a "1/2" "one of two"
wait_for 20 '[ "$(listed --state "IN PROGRESS")" = 1 ]' && ok "the node knows that it is claimed" || not_ok "the node knows that it is claimed"
sees_soon a "Centre/width" "the window is told"
sees_soon a "Presentation states: 1 (a)" "a presentation state of the image is announced"
wait_for 20 '! sees a "Looking for" && ! sees a "Bringing"' && wait_for 20 'still a' && cp "$T/picture" "$T/before"
window=$(screen_of a | grep -o 'width [-0-9]* / [0-9]*')
key a W; key a W; key a W
wait_for 20 '! sees a "$window"' && ok "W makes the window wider" || not_ok "W makes the window wider" "$(screen_of a)"
key a i; sees_soon a "inverted" "i inverts"
is_another a "$T/before" "and the picture is another"
key a +; sees_soon a "125 %" "+ enlarges"
key a 0; sees_soon a "100 %" "0 is as at first"
is_again a "$T/before" "to the last cell"
key a a; sees_soon a "Presentation state 1/1 ARROW" "a applies it"
sees_soon a "骨折线" "its text is told"
is_another a "$T/before" "and the picture is as it says"
key a a; sees_soon a "Without presentation state" "a again is without"
is_again a "$T/before" "and as before"
key a n; sees_soon a "2/2" "n is the next image"
key a s; sees_soon a "Prior 2025-01-01" "s shows an earlier study beside it"
key a Tab; sees_soon a "● Prior" "Tab goes over to it"
key a s; gone_soon a "Prior 2025" "s again, and it is gone"
mux resize-window -t a -x 60 -y 20
sees_soon a "Case 2026-03-01 DX" "a smaller terminal is drawn anew"
is "$([ "$(screen_of a | LC_ALL=C.UTF-8 wc -L)" -le 60 ] && echo fits)" fits "and nothing is wider than it"
mux resize-window -t a -x 100 -y 30; wait_for 10 '[ "$(screen_of a | tail -1 | cut -c2-7)" = "? keys" ]' && ok "and a larger one" || not_ok "and a larger one" "$(screen_of a)"

# ---- complete, with a question ----
key a c; sees_soon a "Complete this case?" "c asks first"
key a n; gone_soon a "Complete this case?" "n is no"
key a c; key a y
sees_soon a "The case is completed." "y completes it"
wait_for 20 '[ "$(listed --state COMPLETED)" = 1 ]' && ok "and the node knows" || not_ok "and the node knows"
is "$(ls "$T/state-A/viewer-cli" | wc -l)" 0 "its key is gone"

# ---- cine ----
sees_soon a "2 waiting" "the list is asked again"
go_to a "李 四"; key a Enter
sees_soon a "Frame 1/10" "a cine begins with its first frame"
key a .; sees_soon a "Frame 2/10" ". is the next frame"
key a ,; key a ,; sees_soon a "Frame 10/10" ", the one before, round the end"
key a Space; sees_soon a "▶" "Space plays it"
wait_for 20 'sees a "Frame 5/10"' && ok "and it runs" || not_ok "and it runs" "$(screen_of a)"
key a Space; gone_soon a "▶" "Space stops it"

# ---- two readers ----
terminal b B 100x30 LANG=zh_CN.UTF-8
read_as b B
sees_soon b "待读列表" "another reader, in Chinese, on a machine without that locale"
gone_soon b "李 四" "does not see what is claimed"
key b '?'; sees_soon b "领取检查并取回图像" "the keys too are in Chinese"
key b x; gone_soon b "领取检查并取回图像" "and go"
key a x; sees_soon a "Give back: 1 not mine" "x asks for a reason"
key a 2; sees_soon a "The case was given back." "and gives the case back"
wait_for 20 'sees a "王 五" && sees b "王 五"'
go_to a "王 五"; go_to b "王 五"
key a Enter; key b Enter
# Exactly one of both is in the case; the other is told.
settled() { [ "$( (sees a "Case 2026-03-03" && echo a; sees b "本次 2026-03-03" && echo b) | wc -l)" = 1 ] && { sees a "Another reader has just claimed" || sees b "另一位医生刚刚领取了"; }; }
wait_for 20 settled && ok "of two readers who open a case at once one gets it, the other is told" || not_ok "of two readers who open a case at once one gets it, the other is told" "$(screen_of a; screen_of b)"

# ---- ends ----
in_case=a; sees a "Case 2026-03-03" || in_case=b
key $in_case q; wait_for 10 "sees a 'Leave?' || sees b '退出？'"; key $in_case y
[ $in_case = a ] || key a q
whole a 0 "q leaves, and the terminal is as it was" A
read_as a A; sees_soon a "Reading list of COUNTY" "Ctrl-C: begun"
key a C-c; whole a 0 "Ctrl-C leaves it whole" A
read_as a A; sees_soon a "Reading list of COUNTY" "SIGTERM: begun"
kill -TERM "$(pgrep -P "$(mux display -p -t a '#{pane_pid}')" -x viewer-cli)"; whole a 143 "SIGTERM leaves it whole" A
read_as a A; sees_soon a "Reading list of COUNTY" "SIGHUP: begun"
kill -HUP "$(pgrep -P "$(mux display -p -t a '#{pane_pid}')" -x viewer-cli)"; whole a 129 "SIGHUP leaves it whole" A
read_as a A; sees_soon a "Reading list of COUNTY" "a crash: begun"
kill -ABRT "$(child_of a)"; whole a 134 "a crash of the screen program leaves it whole" A
read_as a A; sees_soon a "Reading list of COUNTY" "SIGKILL: begun"
kill -KILL "$(child_of a)"; whole a 137 "so does its SIGKILL" A

# ---- terminals with pixels ----
cat > "$T/on_terminal.py" <<'P'
# on_terminal.py TERM WANTED COMMAND...   runs it on a terminal of this kind, opens the first case, and waits for the bytes
import fcntl, os, pty, select, signal, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM=sys.argv[1], LANG="C.UTF-8"); os.environ.pop("TMUX", None)
    os.execv(sys.argv[3], sys.argv[3:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 1000, 600))
wanted, seen, opened, deadline = sys.argv[2].encode().decode("unicode_escape").encode(), b"", False, time.monotonic() + 20
while wanted not in seen and time.monotonic() < deadline:
    if select.select([fd], [], [], 1)[0]:
        seen += os.read(fd, 65536)
    if not opened and b"yours" in seen and b"1 yours" in seen:
        os.write(fd, b"\r"); opened = True
os.write(fd, b"\3")
while time.monotonic() < deadline + 5:
    try:
        if not os.read(fd, 65536): break
    except OSError: break
sys.exit(0 if wanted in seen and os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0 else 1)
P
mine=${in_case^^}
on_pty() { XDG_STATE_HOME=$T/state-$mine TMPDIR=$T/tmp-$mine python3 "$T/on_terminal.py" "$1" "$2" "$BIN/viewer-cli" --node "127.0.0.1:${PORT[county]}" --called COUNTY --calling "$mine"; }
check "kitty gets pixels" on_pty xterm-kitty '\x1b_G'
check "a sixel terminal gets sixels" on_pty mlterm '\x1bP'

# ---- a node that takes the connection and says nothing ----
python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8); print(s.getsockname()[1], flush=True); time.sleep(60)' > "$T/silent" &
PID[silent]=$!
wait_for 10 "[ -s '$T/silent' ]"
type_line a "$BIN/viewer-cli --node 127.0.0.1:$(cat "$T/silent") --called X --calling A; echo \"end=\$?\"; stty -a > $T/a.after; echo put''back"
sees_soon a "Asking the node" "a node that says nothing: begun"
key a '?'; sees_soon a "ask the node again now" "keys are heard"
key a Escape; begun=$(date +%s%N); key a q; whole a 0 "and q leaves" A
is "$([ $((($(date +%s%N) - begun) / 1000000)) -lt 5000 ] && echo soon)" soon "soon"
kill "${PID[silent]}"; wait "${PID[silent]}" 2>/dev/null; unset "PID[silent]"

# ---- a node that is gone does not stop the keys ----
read_as a A; sees_soon a "Reading list of COUNTY" "a node that stops: begun"
stop_node county
sees_soon a "The node does not answer" "it is told that the node does not answer"
key a '?'; sees_soon a "ask the node again now" "and keys are heard all the same"
key a Escape; key a q; whole a 0 "q leaves" A

# ---- without a terminal; the catalogue ----
check_says "needs a terminal" "without a terminal it says what does not need one" "$BIN/viewer-cli" --node 127.0.0.1:1 --called X read
check "every text is in the Chinese catalogue" bash -c "cd '$ROOT' && xgettext -k_ -kN_ --from-code=UTF-8 --omit-header -o '$T/texts.pot' viewer-cli/*.c && msgcmp viewer-cli/po/zh_CN.po '$T/texts.pot' 2>&1"
mux kill-server 2>/dev/null
wait_for 10 "! kill -0 ${PID[tmux]}"; unset "PID[tmux]"
done_testing
