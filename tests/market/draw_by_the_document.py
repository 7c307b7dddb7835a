"""A verifier written from docs/draw-format.md alone: no import of the product, plain standard library."""

import hashlib
import json
import re


def sha(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def tickets(key, pairs):
    pool = []
    for name, count in pairs:
        pool += [name] * count
    drawn, number = [], 0
    while pool:
        m = bytes([number // 256, number % 256])
        h = hashlib.sha256(m + key.encode("utf-8") + m).hexdigest()
        t = int(h, 16) % len(pool)
        drawn.append({"digest": h, "left": len(pool), "index": t, "candidate": pool[t]})
        pool = [each for each in pool if each != pool[t]]
        number += 1
    return drawn


def once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def verify(text):
    """True when the file is a draw that recomputes, False for anything else."""
    try:
        d = json.loads(text, object_pairs_hook=once)
        return _verify_first(d) if d["format"] == "xinshi-draw-1" else _verify(d)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False


def _verify_first(d):
    names = [
        "format",
        "hash",
        "notice",
        "secret",
        "commitment",
        "envelopes_sha256",
        "candidates",
        "candidates_sha256",
        "key",
        "picks",
    ]
    if sorted(d) != sorted(names) or d["hash"] != "sha256" or not re.fullmatch("[A-Za-z0-9._-]+", d["notice"]):
        return False
    if not all(re.fullmatch("[0-9a-f]{64}", d[name]) for name in ["secret", "commitment", "envelopes_sha256"]):
        return False
    if hashlib.sha256(bytes.fromhex(d["secret"])).hexdigest() != d["commitment"]:
        return False
    if d["candidates"] != sorted(set(d["candidates"])) or not d["candidates"]:
        return False
    candidates = sha("\n".join(d["candidates"]))
    key = "|".join([d["format"], d["notice"], d["secret"], d["envelopes_sha256"], candidates])
    mine = [candidates, key, tickets(key, [(name, 1) for name in d["candidates"]])]
    said = [d["candidates_sha256"], d["key"], d["picks"]]
    return json.dumps(mine, sort_keys=True) == json.dumps(said, sort_keys=True)


def _verify(d):
    names = [
        "format",
        "hash",
        "notice",
        "secret",
        "commitment",
        "envelopes",
        "envelopes_sha256",
        "contributions_sha256",
        "candidates",
        "candidates_sha256",
        "lots",
        "lots_sha256",
        "checkpoint",
        "outside",
        "outside_sha256",
        "factors",
        "factor",
        "key",
        "picks",
    ]
    hex64 = re.compile("[0-9a-f]{64}")
    if sorted(d) != sorted(names) or d["format"] != "xinshi-draw-2" or d["hash"] != "sha256":
        return False
    if not re.fullmatch("[A-Za-z0-9._-]+", d["notice"]) or not hex64.fullmatch(d["secret"]):
        return False
    if hashlib.sha256(bytes.fromhex(d["secret"])).hexdigest() != d["commitment"]:
        return False
    e, c, o = d["envelopes"], d["checkpoint"], d["outside"]
    prints = [each["digest"] for each in e]
    if any(sorted(each) != ["contribution", "digest"] for each in e) or prints != sorted(set(prints)):
        return False
    if sha("\n".join(prints)) != d["envelopes_sha256"]:
        return False
    contributions = sha("\n".join(each["digest"] + ":" + each["contribution"] for each in e))
    if d["candidates"] != sorted(set(d["candidates"])) or not d["candidates"]:
        return False
    if len(d["lots"]) != len(d["candidates"]) or any(type(n) is not int or n < 0 for n in d["lots"]):
        return False
    pairs = list(zip(d["candidates"], d["lots"], strict=True))
    candidates = sha("\n".join(d["candidates"]))
    lots = sha("\n".join(name + ":" + str(count) for name, count in pairs))
    if sorted(c) != ["root", "size"] or type(c["size"]) is not int or sorted(o) != ["source", "value"]:
        return False
    if bool(o["source"]) != bool(o["value"]) or (c["size"] == 0) != (c["root"] == ""):
        return False
    if c["size"] < 0 or (c["root"] and not hex64.fullmatch(c["root"])):
        return False
    one_line = re.compile("[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*")
    if not one_line.fullmatch(o["source"]) or not one_line.fullmatch(o["value"]):
        return False
    f = d["factors"]
    if not all(re.fullmatch("[0-9]+[.][0-9]+", each) for each in f) or len(set(f)) != len(f):
        return False
    outside = sha(o["source"] + "\n" + o["value"]) if o["source"] else ""
    parts = [d["format"], d["notice"], d["secret"], d["envelopes_sha256"], contributions, candidates, lots]
    parts += [str(c["size"]), c["root"], outside, ",".join(d["factors"])]
    key = "|".join(parts)
    factor = tickets(key + "|factor", [(f, 1) for f in d["factors"]])[0] if d["factors"] else None
    mine = [contributions, candidates, lots, outside, key, factor, tickets(key, pairs)]
    said = ["contributions_sha256", "candidates_sha256", "lots_sha256", "outside_sha256", "key", "factor", "picks"]
    return json.dumps(mine, sort_keys=True) == json.dumps([d[name] for name in said], sort_keys=True)
