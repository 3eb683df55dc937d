#!/usr/bin/python3
"""equal_index.py OLD_DIR NEW_DIR HEADERS - do two folders' indices say the same, whatever numbers their rows have?

Rows are named by what they are of (UIDs, patient ID), since images that came at the same time may be numbered in another
order. Headers are compared unpacked: HEADERS is tests/bench/index_headers. Left out: what same_index.py leaves out too.
"""
import sqlite3, subprocess, sys
from collections import Counter

SKIP = {"unknown_ae", "garbage", "damage", "identity", "durable", "term", "header", "header_ref", "arrival", "scan"}
TEXTS = {"instance": ("sop_class", "ts", "calling", "address")}


def names(d):
    patient = {i: ("patient", p, s, u) for i, p, s, u in d.execute("SELECT id, patient_id, issuer, surrogate FROM patient")}
    study = dict(d.execute("SELECT id, study_uid FROM study"))
    series = {i: (u, study[s]) for i, s, u in d.execute("SELECT id, study, series_uid FROM series")}
    instance = dict(d.execute("SELECT id, sop_uid FROM instance"))
    return {"patient": patient, "study": study, "series": series, "instance": instance}


def rows(d, t, of, terms):
    columns = [c[1] for c in d.execute("PRAGMA table_info(%s)" % t)]
    def cell(c, v):
        if c in TEXTS.get(t, ()):
            return terms.get(v, v)
        if c in of and t != c and not (c == "series" and t == "study"):
            return of[c].get(v, v)
        return v
    keep = [i for i, c in enumerate(columns) if c != "id" and not (t == "quarantine" and c == "at_ms") and not (t == "instance" and c == "oid")
            and not (t == "text_seen" and c == "study_uid")]
    return Counter(tuple(cell(columns[i], r[i]) for i in keep) for r in d.execute("SELECT * FROM %s" % t))


def scan(d):
    lines = Counter()
    for i, text in d.execute("SELECT id, text FROM scan"):
        lines.update((i >> 40, line) for line in text.splitlines())
    return lines


def headers(tool, folder):
    out = subprocess.run([tool, folder], capture_output=True, check=True, text=True).stdout
    return Counter(out.splitlines())


folders = sys.argv[1:3]
dbs = [sqlite3.connect("file:%s/index.db?mode=ro" % f, uri=True) for f in folders]
of = [names(d) for d in dbs]
terms = [dict(d.execute("SELECT id, text FROM term")) for d in dbs]
failed = 0


def compare(what, x, y):
    global failed
    if x == y:
        print(what, sum(x.values()), "equal")
        return
    failed += 1
    print(what, "differs:", list((x - y).items())[:2], list((y - x).items())[:2])


for (t,) in dbs[0].execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").fetchall():
    if t not in SKIP:
        compare(t, *(rows(d, t, o, w) for d, o, w in zip(dbs, of, terms)))
compare("scan", *(scan(d) for d in dbs))
compare("headers", *(headers(sys.argv[3], f) for f in folders))
sys.exit(bool(failed))
