#!/usr/bin/env python3
"""hostile - peers as one hopes never to meet them, over raw sockets, against a node that runs.

    hostile.py PORT AET PID IMAGE [SEED]

The node: artim = 1, idle = 2, accept = any. PID is storescp's. IMAGE is a small Part 10 file. While each kind of
bad peer is at work, a good one opens associations, echoes and stores, and its slowest turn is looked at.
Prints "PASS what" or "FAIL what: why"; the caller counts. Standard library only; the same bytes for the same seed."""
import os, random, socket, struct, sys, threading, time

PORT, AET, PID, IMAGE = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
rnd = random.Random(int(sys.argv[5]) if len(sys.argv) > 5 else 1)
SLOW = float(os.environ.get("PACS_HOSTILE_SLOW", "1"))       # sanitizers: this many times slower
ARTIM, IDLE = 1, 2
VERIFICATION, FIND, GET = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
IMPLICIT = "1.2.840.10008.1.2"

# ---- DICOM, as little as is needed ----
def item(kind, body): return struct.pack(">BBH", kind, 0, len(body)) + body
def pdu(kind, body): return struct.pack(">BBI", kind, 0, len(body)) + body
def pdv(context, flags, body): return struct.pack(">IBB", len(body) + 2, context, flags) + body
def element(tag, value): return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value
def us(n): return struct.pack("<H", n)
def uid(s): return s.encode() + b"\0" * (len(s) & 1)

def request(contexts, user=b"", calling="HOSTILE"):
    body = struct.pack(">HH", 1, 0) + AET.ljust(16).encode() + calling.ljust(16).encode() + b"\0" * 32
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    for n, abstract, syntaxes in contexts:
        body += item(0x20, bytes([n, 0, 0, 0]) + item(0x30, abstract.encode()) + b"".join(item(0x40, t.encode()) for t in syntaxes))
    return pdu(1, body + item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3") + user))

def command(field, message, has_data, sop_class=None, more=b""):
    body = (element(0x00000002, uid(sop_class)) if sop_class else b"") + element(0x00000100, us(field))
    body += element(0x00000110 if field != 0xFFF else 0x00000120, us(message))
    body += (element(0x00000700, us(0)) if field in (1, 0x10, 0x20) else b"") + element(0x00000800, us(1 if has_data else 0x101)) + more
    return element(0x00000000, struct.pack("<I", len(body))) + body
def send_command(context, *args, **kw): return pdu(4, pdv(context, 3, command(*args, **kw)))
def echo_rq(message=1): return send_command(1, 0x30, message, False, VERIFICATION)

def part10(path):
    whole = open(path, "rb").read()
    meta = 144 + struct.unpack("<I", whole[140:144])[0]
    def text(element_no, vr):
        at = whole.index(struct.pack("<HH", 2, element_no) + vr) + 8
        return whole[at:at + struct.unpack("<H", whole[at - 2:at])[0]].rstrip(b"\0").decode()
    return text(2, b"UI"), text(3, b"UI"), text(16, b"UI"), whole[meta:]
SOP_CLASS, SOP, TS, DATA = part10(IMAGE)
CONTEXTS = [(1, VERIFICATION, [IMPLICIT]), (3, SOP_CLASS, [TS]), (5, FIND, [IMPLICIT]), (7, GET, [IMPLICIT])]
WINDOW = item(0x53, struct.pack(">HH", 0, 0))
ROLE = item(0x54, struct.pack(">H", len(SOP_CLASS)) + SOP_CLASS.encode() + b"\1\1")

def connect(timeout=5):
    s = socket.create_connection(("127.0.0.1", PORT), timeout=timeout * SLOW)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s
def receive(s, n):
    got = b""
    while len(got) < n:
        more = s.recv(n - len(got))
        if not more:
            raise ConnectionError("closed after %d of %d bytes" % (len(got), n))
        got += more
    return got
def read_pdu(s):
    head = receive(s, 6)
    return head[0], receive(s, struct.unpack(">I", head[2:])[0])
def associate(contexts=CONTEXTS, user=b"", calling="HOSTILE"):
    s = connect()
    s.sendall(request(contexts, user, calling))
    kind, body = read_pdu(s)
    if kind != 2:
        raise ConnectionError("the association was answered with PDU %02x" % kind)
    return s
def status(s):
    """of the next response"""
    while True:
        kind, body = read_pdu(s)
        if kind != 4:
            raise ConnectionError("PDU %02x instead of an answer" % kind)
        if body[5] & 1:
            at = body.index(b"\0\0\0\x09\2\0\0\0")
            return struct.unpack("<H", body[at + 8:at + 10])[0]
def release(s):
    s.sendall(pdu(5, b"\0" * 4))
    while read_pdu(s)[0] != 6:
        pass
    s.close()
def store(s, message=1, cut=None):
    more = element(0x00001000, uid(SOP))
    s.sendall(send_command(3, 1, message, True, SOP_CLASS, more))
    for at in range(0, len(DATA), 16000):
        if cut is not None and at >= cut:
            return
        last = at + 16000 >= len(DATA)
        s.sendall(pdu(4, pdv(3, 2 if last else 0, DATA[at:at + 16000])))
def find_rq(message=1, context=5):
    keys = element(0x00080018, b"") + element(0x00080052, b"IMAGE ") + element(0x0020000D, b"") + element(0x0020000E, b"")
    return send_command(context, 0x20, message, True, FIND) + pdu(4, pdv(context, 2, keys))
def get_rq(message=1):
    keys = element(0x00080052, b"STUDY ") + element(0x0020000D, b"*\0")
    return send_command(7, 0x10, message, True, GET) + pdu(4, pdv(7, 2, keys))

def is_closed(s, seconds):
    """The node ends this connection before the deadline; whatever it still says is read."""
    deadline = time.monotonic() + seconds * SLOW
    try:
        while True:
            s.settimeout(max(0.01, deadline - time.monotonic()))
            if not s.recv(65536):
                return True
    except socket.timeout:
        return False
    except OSError:
        return True
def send_quietly(s, data):
    """Until the node has closed, or takes no more."""
    try:
        s.settimeout(0.5)
        s.sendall(data)
        return True
    except OSError:
        return False

# ---- the good peer ----
class Good(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.slowest, self.turns, self.wrong, self.ends = 0.0, 0, [], False
        self.lock = threading.Lock()
    def turn(self):
        s = associate(calling="GOOD")
        s.sendall(echo_rq())
        seen = [status(s)]
        store(s, 2)
        seen.append(status(s))
        release(s)
        if seen != [0, 0]:
            raise ConnectionError("echo and store were answered %04x, %04x" % tuple(seen))
    def run(self):
        while not self.ends:
            begun = time.monotonic()
            try:
                self.turn()
            except (OSError, ValueError) as e:
                self.wrong.append(str(e) or type(e).__name__)
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.turns += 1
            time.sleep(0.02)
    def look(self):
        """what was seen since the last look, begun turns included"""
        n = self.turns
        deadline = time.monotonic() + 10 * SLOW
        while self.turns < n + 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        with self.lock:
            seen = self.slowest, list(self.wrong), self.turns > n
            self.slowest, self.wrong = 0.0, []
        return seen
good = Good()

def memory_mb():
    for line in open("/proc/%d/status" % PID):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
# Spool files that are made ahead are open and nobody's; how many there are says nothing.
def target(fd):
    try: return os.readlink("/proc/%d/fd/%s" % (PID, fd))
    except OSError: return ""
def is_made_ahead(path): return "/spool/in-" in path and os.path.exists(path) and os.path.getsize(path) == 0
def files_open(): return len([fd for fd in os.listdir("/proc/%d/fd" % PID) if not is_made_ahead(target(fd))])

kinds = []
def kind(says):
    def add(f):
        kinds.append((says, f))
        return f
    return add

# ---- the bad ones: each gives what went wrong, or nothing ----
@kind("200 peers that send a request byte by byte are closed by ARTIM")
def slow_request():
    peers, rq = [connect() for _ in range(200)], request(CONTEXTS)
    for i in range(0, 12):
        for s in peers:
            send_quietly(s, rq[i:i + 1])
        time.sleep(0.15)
    left = sum(not is_closed(s, 1) for s in peers)
    return left and "%d are still open after %d s" % (left, ARTIM + 1)

@kind("200 peers that begin a C-STORE and never end it are closed when idle")
def never_the_data():
    peers = []
    for i in range(200):
        s = associate()
        store(s, cut=[0, 16000, 32000][i % 3])
        peers.append(s)
    left = sum(not is_closed(s, IDLE + 2) for s in peers)
    return left and "%d are still open" % left

@kind("a half-closed peer is closed in every phase")
def half_closed():
    wrong = []
    for name, data in (("connected", b""), ("in the request", request(CONTEXTS)[:50]), ("associated", request(CONTEXTS)),
                       ("in a command", request(CONTEXTS) + echo_rq()[:20]), ("after a request", request(CONTEXTS) + echo_rq()),
                       ("in a data set", request(CONTEXTS) + send_command(3, 1, 1, True, SOP_CLASS, element(0x00001000, uid(SOP))) + pdu(4, pdv(3, 0, DATA[:1000]))),
                       ("in a find", request(CONTEXTS) + find_rq()), ("in a get", request(CONTEXTS, ROLE) + get_rq())):
        s = connect()
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        if not is_closed(s, 2):
            wrong.append(name)
    return wrong

@kind("peers that ask and never read cost a bounded amount")
def never_reads():
    peers = []
    for i in range(60):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(5 * SLOW)
        s.connect(("127.0.0.1", PORT))
        s.sendall(request(CONTEXTS, WINDOW + ROLE))
        for message in range(1, 16):
            if not send_quietly(s, get_rq(message) if i % 2 else find_rq(message)):
                break
        peers.append(s)
    begun = time.monotonic()
    s = associate(calling="ASKS")
    s.sendall(find_rq())
    while status(s) in (0xFF00, 0xFF01):
        pass
    release(s)
    took = time.monotonic() - begun
    for s in peers:
        s.close()
    return took > 2 * SLOW and "somebody else's C-FIND took %.1f s" % took

@kind("3,000 connections a moment, opened and closed")
def connect_and_close():
    for i in range(3000):
        s = connect()
        if i % 3 == 1:
            s.send(request(CONTEXTS)[:rnd.randrange(1, 200)])
        if i % 3 == 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

@kind("a PDU of every type and odd length is answered with an abort, or waited for")
def lengths():
    wrong = []
    for opened in (False, True):
        for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 255):
            for length in (0, 1, 2, 3, 4, 5, 6, 67, 68, 131072, 131073, 0x7FFFFFFF, 0xFFFFFFFF):
                s = associate() if opened else connect()
                send_quietly(s, struct.pack(">BBI", number, 0, length) + b"\0" * min(length, 140000))
                s.shutdown(socket.SHUT_WR)
                if not is_closed(s, 2):
                    wrong.append((opened, number, length))
    for length in (0, 1, 2, 3, 5, 100, 0xFFFF, 0xFFFFFFFA, 0xFFFFFFFF):
        s = associate()
        send_quietly(s, pdu(4, struct.pack(">IBB", length, 1, 3) + b"\0" * 4))
        s.shutdown(socket.SHUT_WR)
        if not is_closed(s, 2):
            wrong.append(("pdv", length))
    return wrong

@kind("128 presentation contexts are taken, a 129th is not")
def contexts():
    s = associate([(n, VERIFICATION, [IMPLICIT]) for n in range(1, 257, 2)])
    s.sendall(pdu(4, pdv(255, 3, command(0x30, 1, False, VERIFICATION))))
    if status(s):
        return "no echo on context 255"
    release(s)
    for n in (1, 2, 0):
        s = connect()
        s.sendall(request([(n, VERIFICATION, [IMPLICIT]) for n in range(1, 257, 2)] + [(n, VERIFICATION, [IMPLICIT])]))
        if read_pdu(s)[0] == 2:
            return "a 129th with the number %d was accepted" % n
        s.close()

@kind("100 requests at once without a window are all answered, or the association aborted")
def window():
    for window_item in (b"", WINDOW):
        s = associate(user=window_item)
        s.sendall(b"".join(echo_rq(i + 1) for i in range(100)))
        try:
            if any(status(s) for _ in range(100)):
                return "an echo failed"
            release(s)
        except ConnectionError:
            pass
        s = associate(user=window_item)
        send_quietly(s, b"".join(find_rq(i + 1) for i in range(100)))
        s.close()

@kind("a storm of C-CANCEL does nothing to others")
def cancels():
    s = associate()
    for _ in range(20):
        s.sendall(b"".join(send_command(5, 0xFFF, rnd.randrange(65536), False) for _ in range(500)))
    s.sendall(echo_rq(9))
    if status(s):
        return "no echo after cancels of nothing"
    release(s)
    for _ in range(100):
        s = associate()
        s.sendall(find_rq(7) + send_command(5, 0xFFF, 7, False) * 3)
        while (seen := status(s)) in (0xFF00, 0xFF01):
            pass
        if seen not in (0, 0xFE00):
            return "a cancelled find ended with %04x" % seen
        release(s)

@kind("an abort or a reset in the middle of each phase leaves nothing behind")
def aborts():
    phases = [b"", request(CONTEXTS)[:99], request(CONTEXTS), request(CONTEXTS) + echo_rq()[:30], request(CONTEXTS) + echo_rq()]
    start = request(CONTEXTS, ROLE)
    image = send_command(3, 1, 1, True, SOP_CLASS, element(0x00001000, uid("1.2.3.4")))
    phases += [start + image, start + image + pdu(4, pdv(3, 0, DATA[:9000]))[:5000], start + image + pdu(4, pdv(3, 0, DATA[:9000])),
               start + find_rq(), start + get_rq(), start + pdu(5, b"\0" * 4)]
    for _ in range(10):
        for data in phases:
            for ending in ("abort", "reset"):
                s = connect()
                s.sendall(data)
                if rnd.random() < 0.5 and len(data) > 300:
                    read_pdu(s)
                if ending == "abort":
                    send_quietly(s, pdu(7, b"\0\0\0\0"))
                else:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()

@kind("600 good conversations with bytes changed at random end somehow")
def mutations():
    whole = request(CONTEXTS, WINDOW + ROLE) + echo_rq() + send_command(3, 1, 1, True, SOP_CLASS, element(0x00001000, uid("1.2.3.5")))
    whole += pdu(4, pdv(3, 2, DATA[:3000])) + find_rq(3) + get_rq(4) + pdu(5, b"\0" * 4)
    left = 0
    for _ in range(600):
        b = bytearray(whole)
        for _ in range(rnd.choice((1, 1, 2, 8))):
            b[rnd.randrange(len(b))] = rnd.choice((0, 1, 0x7F, 0x80, 0xFF, rnd.randrange(256)))
        s = connect()
        send_quietly(s, bytes(b))
        try:
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        left += not is_closed(s, 3)
    return left and "%d are still open" % left

# ---- the run ----
good.start()
good.look()
before = files_open()
for says, run in kinds:
    begun = time.monotonic()
    try:
        wrong = run()
    except (OSError, ValueError) as e:
        wrong = "%s: %s" % (type(e).__name__, e)
    slowest, good_wrong, went_on = good.look()
    if not os.path.exists("/proc/%d" % PID):
        wrong = "storescp is dead"
    elif not wrong and (good_wrong or not went_on):
        wrong = "meanwhile others were not served: %s" % (good_wrong[:2] or "stuck")
    elif not wrong and slowest > SLOW:
        wrong = "meanwhile others waited %.2f s" % slowest
    print(("FAIL %s: %s" % (says, wrong)) if wrong else "PASS %s" % says)
    print("# %.1f s, others waited %.0f ms at most, memory %.1f MB" % (time.monotonic() - begun, slowest * 1000, memory_mb() or 0), flush=True)
    if wrong == "storescp is dead":
        sys.exit(1)
good.ends = True
good.join()
deadline = time.monotonic() + (IDLE + 3) * SLOW
while files_open() > before and time.monotonic() < deadline:
    time.sleep(0.05)
print("%s every file and socket is closed again%s" % (("PASS", "") if files_open() <= before else ("FAIL", ": %d are open, %d were before" % (files_open(), before))))
