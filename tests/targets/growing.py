# SPDX-License-Identifier: MIT
"""A Python process that grows, and judges `pyinspect compare` by what objgraph.get_new_ids() says.

    growing.py READY_FD WAKE_FD FINDINGS_FD DIRECTORY

DIRECTORY holds objgraph.py and nothing else. The process stands still at STEPS barriers: it writes
"ready\n" to READY_FD and blocks until it gets a byte from WAKE_FD, at the last one until that ends.
The very next statement of each takes gc.get_objects(). That list is what objgraph gets when it asks
for one, so that both look at the same objects, and what objgraph makes of it is its own: which rows
there are, their numbers, their order, and the ids.

What stood in WAKE_FD at the last barrier are orders, one a line. STEP is 1 for what happened between
the first two barriers, 2 for the next; NAMES is "short" or "long":
    table STEP NAMES SORT LIMIT PATH    judge the text of `compare --sort SORT --limit LIMIT`
    json STEP NAMES SORT LIMIT PATH     the same with --json
    ids STEP NAMES PATH                 judge `compare --ids --json`, `objects --new-since --json`
    addresses STEP NAMES PATH           judge `compare --ids`
    suspects NAMES PATH                 judge `compare A B C --limit 0 --json`
Each is answered by a line of JSON to FINDINGS_FD: {"order", "wrong": complaints, "rows"}.

objgraph's long names are others than ours (__name__ where we have __qualname__), so they are
replaced by ours.
"""
import collections
import copy
import gc
import io
import json
import os
import sys

STEPS = 3
SORTS = "deltas", "new", "current", "old"

get_module = type.__dict__["__module__"].__get__
get_qualname = type.__dict__["__qualname__"].__get__


def short_name(item):
    return type(item).__name__


def long_name(item):
    module, name = get_module(type(item)), get_qualname(type(item))
    return name if module == "builtins" else "%s.%s" % (module, name)


NAMES = {"short": short_name, "long": long_name}


class Collector:
    """What objgraph takes for the module gc."""

    objects = ()

    def collect(self):
        pass

    def get_objects(self):
        return self.objects


def make_class(module, name):
    return type(name, (), {"__module__": module, "__qualname__": name})


def churn(kept, step):
    """Lets some objects go, and makes others: at their places, too, and of types that come and go."""
    order, other_order = make_class("app.models", "Order"), make_class("shop", "Order")
    passing = make_class("app.models", "Passing%d" % step)
    for part in kept:
        del part[::3]
    kept.append([order() for _ in range(100 + step)])
    kept.append([other_order() for _ in range(50 * step)])
    kept.append([make_class("third", "Order")() for _ in range(20)])
    kept.append([passing() for _ in range(10)])
    kept.append([[] for _ in range(1000)] + [{i: []} for i in range(500)])
    kept.append([(part,) for part in kept])
    kept.append([set() for _ in range(77)] + [lambda: step for _ in range(33)])
    if step == 2:
        del kept[2]


def remember(objgraph, objects, states):
    """Puts the question to objgraph: what it prints by each key, and the new ids."""
    ret = {}
    objgraph.gc.objects = objects
    for names, state in states.items():
        tables = {}
        for sort in SORTS:
            latest = copy.deepcopy(state)
            out = io.StringIO()
            new = objgraph.get_new_ids(limit=None, sortby=sort, shortnames=names == "short",
                                       file=out, _state=latest)
            tables[sort] = out.getvalue().splitlines()
        ids = {name: set(some) for name, some in new.items() if some}
        here = {(NAMES[names](item), id(item)) for item in objects}
        ret[names] = tables, ids, here
        states[names] = latest
    objgraph.gc.objects = ()
    return ret


def parse(line):
    """(name, old, current, new, delta) of a line of a table, ours or objgraph's."""
    words = line.rsplit(None, 4)
    return (words[0],) + tuple(int(word.replace(",", "")) for word in words[1:])


def objgraph_rows(table, limit):
    rows = [line for line in table if not line.startswith("=====")][1:]
    return [parse(line) for line in rows][:limit or None]


def difference(name, seen, wanted):
    """At most a few complaints about two lists."""
    if seen == wanted:
        return []
    pairs = [(a, b) for a, b in zip(seen, wanted) if a != b]
    return ["%s: %d and %d, first seen %r" % (name, len(seen), len(wanted), pairs[:3])]


def judge_table(known, names, sort, limit, lines):
    table = known[names][0][sort]
    wanted = objgraph_rows(table, limit)
    titles = [line.split() for line in table if not line.startswith("=====")][0]
    complaints = difference("titles", lines[0].split(), titles)
    signs = [line.rsplit(None, 2)[1][0] + line.rsplit(None, 1)[1][0] for line in lines[1:]
             if not line.startswith("A new object ")]
    if not set("".join(signs)) <= {"+", "-"}:
        complaints.append("numbers without a sign")
    return complaints + difference("rows", [parse(line) for line in lines[1:1 + len(wanted)]],
                                   wanted), len(wanted)


def judge_json(known, names, sort, limit, lines):
    answer = json.loads(lines[0])
    keys = ["type", "old", "current", "new", "delta"]
    rows = [tuple(row[key] for key in keys) for row in answer["types"]]
    wanted = objgraph_rows(known[names][0][sort], limit)
    every = objgraph_rows(known[names][0][sort], 0)
    totals = [sum(row[i] for row in every) for i in range(1, 5)]
    complaints = difference("rows", rows, wanted)
    complaints += difference("totals", [answer["totals"][key] for key in keys[1:]], totals)
    complaints += difference("bound", [answer["reused_at_most"]], [totals[1] - totals[2]])
    if answer["lack"] is not None or not answer["complete"]:
        complaints.append("lack: %r" % answer["lack"])
    return complaints, len(rows)


def judge_ids(known, names, lines):
    seen = collections.defaultdict(set)
    rows = [json.loads(line) for line in lines]
    for row in rows:
        seen[row["type"]].add(int(row["address"], 16))
    wanted = known[names][1]
    complaints = ["%s: %d new ones, wanted %d" % (name, len(seen[name]), len(wanted.get(name, ())))
                  for name in set(seen) | set(wanted) if seen[name] != wanted.get(name)]
    if sum(map(len, seen.values())) != len(rows):
        complaints.append("an address is there twice")
    return complaints, len(rows)


def judge_addresses(known, names, lines):
    wanted = sorted(hex(one) for some in known[names][1].values() for one in some)
    return difference("addresses", sorted(lines), wanted), len(lines)


def judge_suspects(first, second, third, names, lines):
    found = (second[names][2] & third[names][2]) - first[names][2]
    counts = collections.Counter(name for name, _ in found)
    answer = json.loads(lines[0])
    wanted = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    complaints = difference("rows", [(row["type"], row["count"]) for row in answer["types"]],
                            wanted)
    for row in answer["types"]:
        examples = {(row["type"], int(address, 16)) for address in row["examples"]}
        if len(examples) != min(3, row["count"]) or not examples <= found:
            complaints.append("examples of %s" % row["type"])
    return complaints, len(answer["types"])


def judge(steps, order):
    words = order.split(" ", 1)[1].rsplit(" ", 1)
    with open(words[1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    verb, arguments = order.split(" ")[0], words[0].split(" ")
    if verb == "suspects":
        return judge_suspects(*(steps + arguments + [lines]))
    known, names = steps[int(arguments[0])], arguments[1]
    if verb == "ids":
        return judge_ids(known, names, lines)
    if verb == "addresses":
        return judge_addresses(known, names, lines)
    judges = {"table": judge_table, "json": judge_json}
    return judges[verb](known, names, arguments[2], int(arguments[3]), lines)


def main(ready_fd, wake_fd, findings_fd, directory):
    sys.path.insert(0, directory)
    wake = open(wake_fd, "rb", buffering=0)
    wait, wait_for_end, byte = wake.readinto, wake.readall, bytearray(1)
    get_objects = gc.get_objects
    findings = open(findings_fd, "w")
    try:
        import objgraph
    except Exception as why:
        findings.write(json.dumps({"skipped": "objgraph: %r" % why}) + "\n")
        findings.close()
        os.write(ready_fd, b"ready\n" * STEPS)
        wait_for_end()
        return
    objgraph.gc = Collector()
    objgraph._long_typename = long_name
    states, steps, kept = {"short": {}, "long": {}}, [], [[] for _ in range(3)]
    objects = orders = None
    for step in range(STEPS):
        churn(kept, step)
        gc.collect()
        gc.disable()
        os.write(ready_fd, b"ready\n")
        if step < STEPS - 1:
            wait(byte)
            objects = get_objects()
        else:
            orders = wait_for_end()
            objects = get_objects()
        steps.append(remember(objgraph, objects, states))
        objects = None
        gc.enable()
    for order in os.fsdecode(orders).splitlines():
        complaints, rows = judge(steps, order)
        findings.write(json.dumps({"order": order, "wrong": len(complaints), "rows": rows,
                                   "complaints": complaints[:20]}, sort_keys=True) + "\n")
    findings.close()


if __name__ == "__main__":
    main(*(list(map(int, sys.argv[1:4])) + [sys.argv[4]]))
    os._exit(0)
