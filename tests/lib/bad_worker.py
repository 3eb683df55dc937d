#!/usr/bin/env python3
"""A codec worker that does what its file beside it says: crash, hang, lie. Speaks the packets of pacs/xcode/job.h."""
import os, signal, socket, time
how = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "how")).read().strip()
s = socket.socket(fileno=3)
data, fds, _, _ = socket.recv_fds(s, 1024, 2)
if how == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if how == "hang":
    time.sleep(600)
if how == "lie":
    os.write(fds[1], b"no image at all, of a hundred bytes".ljust(100))
    s.send(b"2 0 100 0 " + b"a" * 32 + b" " + b"b" * 32 + b" 1 1 1 1 1.2.3 0 0 \n")
    time.sleep(5)
