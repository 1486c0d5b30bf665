# SPDX-License-Identifier: MIT
"""A Python process that judges `pyinspect refs` and `backrefs` by what objgraph draws of it.

    drawn.py READY_FD WAKE_FD FINDINGS_FD DIRECTORY PLANS SEED [FAMILY...]

DIRECTORY holds objgraph.py and nothing else. Fills its heap with the families of everything.py, and
draws ROOTS of the objects at random, in batches with different options. Writes to the file PLANS
what pyinspect is to be asked for, a line each: the words of a command line; and to PLANS-0 and so
on the addresses. Writes "ready\n" to READY_FD and blocks until the other end of WAKE_FD is closed. What stood in WAKE_FD are orders:
    NUMBER PATH      judge the DOT in PATH by the plan of that number, from 0 on
Each is answered by a line of JSON to FINDINGS_FD: {"plan", "nodes", "edges", "wrong": complaints,
"excused": {why: how many}}.

Both pictures must be the same graph: ids, labels, colours, marks, and how often there is which edge.
objgraph draws after the barrier; what it and this script have made by then (frames, queues, lists)
it does not get to see: for the collector it takes a Collector, which knows only what was there.
Since drawing makes objects grow (a __dict__, a frame's f_locals), all is drawn twice before.

What objgraph says by running code of Python, or of itself, is replaced or excused:
    refcounts        objgraph counts its own variables too; what is printed is the count that stood
                     in the object's header at the barrier. What this script's own frame has taken
                     by then is excused
    names of types   as pyinspect has them; objgraph asks metaclasses, and has builtins.dict
    repr             of classes whose __repr__ is written in Python: excused, if what pyinspect shows
                     is what object.__repr__() would
    class            what has a __class__ of its own: excused
    len, bool, name  of classes that answer by code of their own: excused
    quotes           of a long string, which follow from its beginning: excused
Runs on Python 3.6 and later.
"""
import array
import collections
import ctypes
import gc
import io
import json
import os
import random
import re
import sys
import types

import everything
from judging import known, texts
from judging import truth as truths

ROOTS = 200
BATCH = 100  # roots in a picture
# max_depth, too_many, and more options of both.
STYLES = [
    (3, 4, "--short-names"), (2, 10, "--refcounts --short-names"), (1, 50, ""),
    (2, 3, "--refcounts"), (3, 2, "--refcounts --short-names"), (0, 10, "--short-names"),
    (1, 0, "--short-names"), (2, 5, "--short-names"), (4, 2, "--short-names"), (2, 7, ""),
]
IMMORTAL = -1
NO_BOUND = 1 << 60

get_name = type.__dict__["__name__"].__get__
STATEMENT = re.compile(r'  (\w+) ?(?:-> ?(\w+) ?)?(?:\[(.*)\])?;', re.S)
ATTRIBUTE = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^",\s]+)')
COUNT = re.compile(r"(.*) \[(\d+)\]$", re.S)
ESCAPE = re.compile(r"\\(.)", re.S)


def short_name(item):
    return get_name(type(item))


def long_name(item):
    return truths.type_name(type(item))


class Collector:
    """What objgraph takes for the module gc: of the objects that it is given."""

    objects, referrers = (), {}

    def collect(self):
        pass

    def learn(self, objects):
        """`objects` are in the order of the collector's lists."""
        self.objects = objects
        self.referrers = referrers = {}
        for number, item in enumerate(objects):
            for referent in {id(referent) for referent in gc.get_referents(item)}:
                referrers.setdefault(referent, []).append(number)

    def forget(self):
        self.objects, self.referrers = (), {}

    def get_referents(self, item):
        return gc.get_referents(item)

    def get_referrers(self, item):
        return [self.objects[number] for number in self.referrers.get(id(item), ())]


class System:
    """What it takes for the module sys."""

    def __init__(self):
        self.counts = {}
        self.modules = sys.modules
        self._getframe = sys._getframe

    def getrefcount(self, item):
        return self.counts.get(id(item), 0) + 4  # which objgraph takes off


# ob_refcnt; since 3.12 its upper half may be anything.
HEADER = ctypes.c_uint32 if sys.version_info >= (3, 12) else ctypes.c_ssize_t


def count_of(header):
    """The count in a header: of one that lives for ever, IMMORTAL."""
    return IMMORTAL if sys.version_info >= (3, 12) and header >> 31 else header


class Plan:
    __slots__ = "verb", "roots", "depth", "too_many", "options", "dot"

    def __init__(self, verb, roots, style):
        self.verb, self.roots = verb, roots
        self.depth, self.too_many, self.options = style
        self.dot = None

    def words(self, ignored):
        ret = [self.verb, "--max-depth", self.depth, "--too-many", self.too_many, "--ignore",
               ",".join(map(hex, sorted(ignored)))]
        return ret + self.options.split()

    def draw(self, objgraph, ignored):
        out = io.StringIO(newline="")
        draw = objgraph.show_refs if self.verb == "refs" else objgraph.show_backrefs
        draw(self.roots, max_depth=self.depth, too_many=self.too_many or NO_BOUND,
             refcounts="--refcounts" in self.options,
             shortnames="--short-names" in self.options, extra_ignore=ignored, output=out)
        return out.getvalue()


def find_own(*more):
    """Ids of what this script has made, and what objgraph is not to see therefore."""
    ret = set()
    for item in gc.get_objects():
        kind = type(item)
        if kind in (Plan, Collector, System) or item is Plan or item is Collector or item is System:
            ret.add(id(item))
        elif kind in (types.FunctionType, types.CodeType) and "drawn.py" in getattr(
                item, "__code__", item).co_filename:
            ret.add(id(item))
        elif kind is types.FrameType and item.f_code.co_filename.endswith("drawn.py"):
            ret.add(id(item))
    frame = sys._getframe()
    while frame:
        ret.add(id(frame))
        frame = frame.f_back
    for item in more + (Plan, Collector, System, sys.modules["__main__"].__dict__,
                        sys.modules["__main__"]):
        ret.add(id(item))
        own = getattr(item, "__dict__", None)
        if type(own) is dict:
            ret.add(id(own))
    return ret


def choose(generator, objects, count):
    """Half of them of any kind, half of each type alike."""
    by_type = collections.OrderedDict()
    for item in objects:
        by_type.setdefault(id(type(item)), []).append(item)
    types_ = list(by_type.values())
    ret = [generator.choice(objects) for _ in range(count // 2)]
    while len(ret) < count:
        item = generator.choice(generator.choice(types_))
        untracked = [one for one in gc.get_referents(item) if not gc.is_tracked(one)]
        ret.append(generator.choice(untracked) if untracked and generator.random() < .2 else item)
    return ret


def can_be_drawn(objgraph, root, ignored):
    """objgraph fails of classes whose __getattribute__ does."""
    try:
        for verb in "refs", "backrefs":
            Plan(verb, [root], (4, 10, "")).draw(objgraph, ignored)
    except Exception:
        return False
    return True


def make_plans(objgraph, collector, seed, own):
    generator = random.Random(seed)
    collector.learn([item for item in gc.get_objects() if id(item) not in own])
    roots, known = [], set(own)
    for item in choose(generator, collector.objects, ROOTS * 3):
        if len(roots) < ROOTS and id(item) not in known and can_be_drawn(objgraph, item, own):
            roots.append(item)
            known.add(id(item))
    collector.forget()
    plans = []
    first = generator.randrange(len(STYLES))
    for number in range(0, len(roots), BATCH):
        batch = roots[number:number + BATCH]
        for verb in "refs", "backrefs":
            plans.append(Plan(verb, batch, STYLES[(first + number // BATCH) % len(STYLES)]))
    return plans


def draw_all(objgraph, collector, plans, ignored, objects):
    collector.learn(objects)
    for plan in plans:
        plan.dot = plan.draw(objgraph, ignored)
    collector.forget()


def unquote(text):
    if text.startswith('"'):
        text = ESCAPE.sub(lambda match: {"n": "\n"}.get(match.group(1), match.group(1)),
                          text[1:-1])
    return text


class Graph:
    """A picture in DOT: {node: {attribute: value}}, {(from, to, label, weight): how often}."""

    def __init__(self, dot):
        self.nodes = collections.defaultdict(dict)
        self.edges = collections.Counter()
        self.strange = []
        lines = dot.split(";\n")
        for line in [lines[0].split("\n", 1)[1]] + lines[1:-1]:
            self.add(line + ";")
        if lines[-1].strip() != "}":
            self.strange.append(lines[-1])

    def add(self, line):
        match = STATEMENT.match(line)
        if line.startswith("  node["):
            return
        if not match:
            self.strange.append(line)
            return
        source, target, rest = match.groups()
        attributes = {key: unquote(value) for key, value in ATTRIBUTE.findall(rest or "")}
        if target:
            self.edges[source, target, attributes.get("label", ""),
                       attributes.get("weight", "")] += 1
        else:
            if attributes.get("style") == "filled,dashed":
                del attributes["style"]  # our own mark, of what is approximate
            self.nodes[source].update(attributes)


def find_object(objects, number):
    """The object of that id: one of those, or what they refer to."""
    return objects.get(number)


def is_excused(item, right, told):
    """Why another value may stand there, or None."""
    kind = type(item)
    name = truths.type_name(kind)
    if issubclass(kind, type):
        if get_name(item) == told:
            return "name"
        return None
    if right == "(unrepresentable)":
        return "failing"
    if issubclass(kind, (tuple, list, dict, set)):
        for base in (tuple, list, dict, set):
            if issubclass(kind, base) and told == "%d items" % base.__len__(item):
                return "len"
        return None
    if kind is types.MethodType and {right, told} == {right, right + " (bound)"}:
        return "bool"
    if kind in texts.LOOKED_THROUGH and len(item) > texts.LOOKED_THROUGH[kind] and \
            told == texts.allow_other_quotes(item, repr(item), 40)[:40]:
        return "quotes"
    plain = texts.plain(item)[:40]
    if told == plain and (texts.repr_is_python(kind) or known.is_plain(name)):
        return "repr"
    same = 0
    while same < min(len(right), len(told)) and right[same] == told[same]:
        same += 1
    start = told.rfind("<", 0, same + 1)
    if start > 0 and re.match(r"<[^<>]*( object( at .*)?)?$|<[^<>]+ object at 0x[0-9a-f]+>",
                              told[start:]):
        return "repr within"
    return None


def is_held_here(right, told):
    """Whether a count is another by one or two: of what the frame holds that has just been woken."""
    counts = [COUNT.match(title) for title in (right, told)]
    return all(counts) and counts[0].group(1) == counts[1].group(1) and \
        0 < abs(int(counts[0].group(2)) - int(counts[1].group(2))) <= 2


class Judge:
    def __init__(self, plan, dot, objects):
        self.right, self.told, self.objects = Graph(plan.dot), Graph(dot), objects
        self.excused, self.wrong = collections.Counter(), []

    def complain(self, *words):
        self.wrong.append(" ".join(map(str, words))[:400])

    def judge_label(self, node, right, told):
        item = self.objects.get(int(node[1:])) if node[1:].isdigit() else None
        right, told = right.split("\n"), told.split("\n")
        title = right[0].replace(" [%d]" % IMMORTAL, " [immortal]")
        if is_held_here(title, told[0]):
            self.excused["refcount"] += 1
        elif title != told[0]:
            self.complain(node, "title", title, "told", told[0])
        if right[1:] == told[1:]:
            return
        right, told = "\n".join(right[1:]), "\n".join(told[1:])
        why = is_excused(item[0], right, told) if item else None
        if why:
            self.excused[why] += 1
        else:
            self.complain(node, title, "says", repr(right), "told", repr(told))

    def judge_node(self, node):
        right, told = dict(self.right.nodes[node]), dict(self.told.nodes[node])
        self.judge_label(node, right.pop("label", ""), told.pop("label", ""))
        if right != told:
            self.complain(node, right, "told", told)

    def differ(self, node):
        """Whether the object says by code of its own what its class is."""
        item = self.objects.get(int(node[1:-len("_has_a_del")]))
        try:
            return item is not None and item[0].__class__ is not type(item[0])
        except Exception:
            return True

    def judge(self):
        for graph in self.right, self.told:
            if graph.strange:
                self.complain("not understood:", graph.strange[:3])
        for node in sorted(set(self.right.nodes) | set(self.told.nodes)):
            if node in self.right.nodes and node in self.told.nodes:
                self.judge_node(node)
            elif node.endswith("_has_a_del") and self.differ(node):
                self.excused["class"] += 1
                for graph in self.right, self.told:
                    graph.edges = collections.Counter({
                        edge: count for edge, count in graph.edges.items() if edge[1] != node})
            else:
                where = self.right if node in self.right.nodes else self.told
                self.complain(node, where.nodes[node].get("label"),
                              "is missing" if where is self.right else "is too much")
        for edge in self.right.edges - self.told.edges:
            self.excuse_edge(edge)
        for edge in sorted(set(self.right.edges) | set(self.told.edges)):
            if self.right.edges[edge] != self.told.edges[edge]:
                self.complain("edge", edge, self.right.edges[edge], "told",
                              self.told.edges[edge], self.name(edge[0]), self.name(edge[1]))

    def excuse_edge(self, edge):
        """What is said of a key is as of a node."""
        source, target = [self.objects.get(int(node[1:])) if node[1:].isdigit() else None
                          for node in edge[:2]]
        if not source or not target or not isinstance(source[0], dict):
            return
        keys = [key for key, value in dict.items(source[0]) if value is target[0]]
        for other in self.told.edges - self.right.edges:
            right, told = edge[2].split("\n", 1), other[2].split("\n", 1)
            if edge[:2] != other[:2] or len(right) != 2 or right[0] != told[0] or not keys:
                continue
            why = is_excused(keys[0], right[1], told[1])
            if why:
                self.excused[why] += 1
                del self.right.edges[edge], self.told.edges[other]
                return

    def name(self, node):
        return self.right.nodes.get(node, {}).get("label", "?")


def answer(order, plans, objects):
    number, path = order.split(" ", 1)
    with io.open(path, encoding="utf-8", errors="surrogatepass", newline="") as file:
        dot = file.read()
    plan = plans[int(number)]
    judge = Judge(plan, dot, objects)
    judge.judge()
    return {"plan": "%s %d %d %s" % (plan.verb, plan.depth, plan.too_many, plan.options),
            "nodes": len(judge.right.nodes), "edges": sum(judge.right.edges.values()),
            "wrong": len(judge.wrong), "excused": judge.excused,
            "complaints": judge.wrong[:20]}


def prepare(objgraph, seed, families):
    collector, system = Collector(), System()
    objgraph.gc, objgraph.sys = collector, system
    objgraph._long_typename, objgraph._short_typename = long_name, short_name
    kept = everything.build(families)
    gc.collect()
    gc.disable()
    own = find_own(collector, system)
    plans = make_plans(objgraph, collector, seed, own)
    return collector, system, kept, plans


def rehearse(objgraph, collector, system, plans):
    """Draws until nothing grows any more. Returns the ids of what to ignore, and of all else."""
    for _ in range(2):
        gc.collect()
        own = find_own(collector, system, plans, *[plan.roots for plan in plans])
        draw_all(objgraph, collector, plans, own,
                 [item for item in gc.get_objects() if id(item) not in own])
    for plan in plans:
        plan.dot = None
    gc.collect()
    return own, find_all(gc.get_objects()) - own


def find_all(objects):
    """Ids of all that they lead to."""
    there, waiting = set(), list(objects)
    while waiting:
        item = waiting.pop()
        if id(item) not in there:
            there.add(id(item))
            waiting.extend(gc.get_referents(item))
    return there


def write_plans(path, plans, ignored):
    for number, plan in enumerate(plans):
        with open("%s-%d" % (path, number), "w") as file:
            file.write("".join("%d\n" % id(root) for root in plan.roots))
    with open(path, "w") as file:
        for plan in plans:
            file.write(" ".join(map(str, plan.words(ignored))) + "\n")


def main(ready_fd, wake_fd, findings_fd, directory, path, seed, *families):
    sys.path.insert(0, directory)
    wait = open(wake_fd, "rb", buffering=0).readall
    findings = open(findings_fd, "w", encoding="utf-8", errors="surrogatepass")
    try:
        import objgraph
    except Exception as why:
        findings.write(json.dumps({"skipped": "objgraph: %r" % why}) + "\n")
        findings.close()
        os.write(ready_fd, b"ready\n")
        wait()
        return
    collector, system, kept, plans = prepare(objgraph, seed, families)
    ignored, nodes = rehearse(objgraph, collector, system, plans)
    nodes = array.array("Q", sorted(nodes))
    counts, get_objects = array.array("q", bytes(8 * len(nodes))), gc.get_objects
    unfreeze, header_at = getattr(gc, "unfreeze", int), HEADER.from_address
    ignored |= {id(ignored), id(nodes), id(counts)}
    write_plans(path, plans, ignored)
    os.write(ready_fd, b"ready\n")
    orders = wait()
    for i in range(len(nodes)):
        counts[i] = header_at(nodes[i]).value
    unfreeze()
    objects = get_objects()
    system.counts = dict(zip(nodes, map(count_of, counts)))
    objects = [item for item in objects if id(item) not in ignored]
    draw_all(objgraph, collector, plans, ignored, objects)
    there = {id(item): (item,) for item in objects}
    for item in list(there.values()):
        for referent in gc.get_referents(*item):
            there.setdefault(id(referent), (referent,))
    for order in os.fsdecode(orders).splitlines():
        findings.write(json.dumps(answer(order, plans, there), sort_keys=True) + "\n")
    findings.close()
    return kept


if __name__ == "__main__":
    try:
        main(*(list(map(int, sys.argv[1:4])) + sys.argv[4:]))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)
