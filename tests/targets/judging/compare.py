# SPDX-License-Identifier: MIT
"""Holds the rows of `pyinspect objects --json` against the truth.

What is wrong is counted by type, with an example: {type: {"count", "example"}}. The findings:

    objects          all that gc.get_referents() leads to from the tracked objects
    broken_lines     lines that are no row; twice: rows of an object that was there already
    tracked          gc.get_objects(), of all generations, against the rows with "reached": "tracked"
    closure          `objects` against the rows reached as "tracked" or "referent"; of what is missing
                     also the types that refer to it
    owned            rows reached in other ways: how many of them Python can name, how many stand in
                     the body of an object, and those that only look like an object ("plausible", no
                     complaint) or not even that ("unexplained"); "not_shown" are those that Python
                     can name and no row shows (no complaint)
    sizes            against sys.getsizeof(), except for the types in "python_sizeof", whose
                     __sizeof__ is written in Python
    types            names of types
    repr             by kind of comparison: "equal" to repr(), "python" (of a class whose __repr__ is
                     written in Python: as object.__repr__() says), "impure" (something within is
                     such a one, and before that it is equal), "plain" and "other" (wrong), "huge",
                     "deep" and "failing" (not compared)
    complaints       what is wrong, a line each, without what judging/known.py explains
    wrong            how many of them
    known            how many it explains, by type; "unneeded" are its rows that explain nothing
"""
import gc
import io
import json
import os
import sys

from . import known, owned, texts
from . import truth as truths
from .tally import Tally, list_complaints, read_rows

EXAMPLES = 3  # of each type, whose referrers are looked up


def find_referrers(truth, wanted):
    """{id: [names of the types that refer to it]} of the ids wanted."""
    ret = {number: [] for number in wanted}
    for item in truth.objects:
        for referent in gc.get_referents(item):
            if id(referent) in ret and len(ret[id(referent)]) < EXAMPLES:
                ret[id(referent)].append(truths.name_of(truth, item))
    return ret


def list_missing(truth, missing):
    """The missing ids by type, with an example and what refers to some of them."""
    ret, examples = {}, {}
    for number in missing:
        item = truth.objects[truth.where[number]]
        entry = ret.setdefault(truths.name_of(truth, item),
                               {"count": 0, "example": hex(number), "referrers": []})
        entry["count"] += 1
        if entry["count"] <= EXAMPLES:
            examples[number] = entry
            entry.setdefault("reprs", []).append(object.__repr__(item) if not texts.is_scalar(item)
                                                 else texts.cut(repr(item), 60))
    if examples:
        for number, names in find_referrers(truth, examples).items():
            examples[number]["referrers"].extend(names)
    return ret


def is_own_frame(row):
    """The same of a frame that is gone."""
    return row["type"] == "frame" and any(name in row["repr"] for name in truths.OWN_FILES)


def size_before(item, size):
    """What sys.getsizeof() said at the barrier, where it says something else by now."""
    if issubclass(type(item), io.BytesIO):  # the truth refers to its bytes too, which then do not count
        return size + sum(sys.getsizeof(part) for part in gc.get_referents(item)
                          if type(part) is bytes)
    if type(item) is dict and not item:  # something has cleared it once more: without a table
        return max(size, sys.getsizeof({}))
    return size


def changes_with_repr(item):
    """Whether it is what repr() uses to find out what it is within."""
    return type(item) is dict and "Py_Repr" in item


class Comparison:
    __slots__ = ("truth", "length", "impure", "seen", "named_tracked", "broken", "sizes", "inexact",
                 "names", "generations", "flags", "extra", "reprs", "kinds", "sized",
                 "python_sizeof", "others", "twice", "texts",
                 "confirmed")

    def __init__(self, truth, length):
        self.truth, self.length = truth, length
        self.impure = texts.find_impure(truth.objects)
        self.seen, self.named_tracked, self.python_sizeof = set(), set(), set()
        self.kinds, self.sized, self.others, self.twice = {}, 0, {}, 0
        self.confirmed = {}  # found in memory alone: what may not be alive is not asked for its repr
        self.texts = []  # repr() may make things grow: to be compared when all else is
        for name in ("broken", "sizes", "inexact", "names", "generations", "flags", "extra",
                     "reprs"):
            setattr(self, name, Tally())

    def check_object(self, item, size, address, row):
        name = truths.name_of(self.truth, item)
        if row["type"] != name:
            self.names.add(name, {"address": row["address"], "right": name, "told": row["type"]})
        if size == truths.NO_SIZE:
            self.python_sizeof.add(name)
            if row.get("exact_size") is not False:
                self.inexact.add(name, {"address": row["address"], "right": False})
        elif row.get("exact_size") is False:
            self.inexact.add(name, {"address": row["address"], "right": True, "size": size,
                                    "told": row["size"]})
        else:
            self.sized += 1
            if row["size"] not in (size, size_before(item, size)):
                self.sizes.add(name, {"address": row["address"], "right": size,
                                      "told": row["size"], "repr": row.get("repr", "")[:200]})
        if bool(row.get("tracked")) != gc.is_tracked(item):
            self.flags.add(name, {"address": row["address"], "right": gc.is_tracked(item)})
        generations = self.truth.generations
        if generations is not None and row.get("generation") != generations.get(address):
            self.generations.add(name, {"address": row["address"],
                                        "right": generations.get(address),
                                        "told": row.get("generation")})
        if "repr" in row and not changes_with_repr(item) and (
                address not in self.confirmed or texts.is_scalar(item)):
            self.texts.append((item, name, row))

    def check_texts(self):
        # Those last that may fill a cache when they are asked.
        for item, name, row in sorted(self.texts, key=lambda entry: texts.is_other(entry[0])):
            kind, right = texts.judge_text(item, self.impure, row["repr"], self.length,
                                           self.truth.find)
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
            if right is not None:
                self.reprs.add(name, {"address": row["address"], "right": right[:2000],
                                      "told": row["repr"][:2000], "kind": kind})

    def check_rows(self, path):
        where, objects, sizes, own = (self.truth.where, self.truth.objects, self.truth.sizes,
                                      self.truth.own)
        for address, row in read_rows(path, self.broken):
            if address in own:
                continue
            reached = row.get("reached", "tracked")
            if reached == "tracked":
                self.named_tracked.add(address)
            index = where.get(address)
            if reached in ("tracked", "referent"):
                self.twice += address in self.seen
                self.seen.add(address)
                if index is None:
                    self.extra.add(row["type"], row)
            elif index is None:
                self.others[address] = row
            else:
                self.extra.add(row["type"] + " (reached: %s)" % reached, row)
            if index is not None and not truths.is_own(objects[index]):
                self.check_object(objects[index], sizes[index], address, row)

    def check_others(self):
        """The rows that the collector does not lead to. Returns the findings."""
        if not self.others:
            return {"rows": 0}
        extended = owned.surely(self.truth)
        not_shown = Tally()
        for number in extended.keys() - self.others.keys() - self.seen:
            not_shown.add(truths.name_of(self.truth, extended[number]), hex(number))
        if not self.others.keys() <= extended.keys():
            extended = owned.extend(self.truth, surely=False)
        self.impure |= texts.find_impure(extended.values())
        unknown = [address for address in self.others if address not in extended]
        confirmed, plausible = owned.look_for(self.truth, extended, unknown)
        self.impure |= texts.find_impure(confirmed.values())
        self.truth.others.update(extended)
        self.truth.others.update(confirmed)
        self.confirmed = confirmed
        unexplained, only_plausible = Tally(), Tally()
        for address, row in self.others.items():
            item = extended.get(address, confirmed.get(address, self))
            if item is not self:
                if not truths.is_own(item):
                    size, = truths.measure([item])
                    self.check_object(item, size, address, row)
            elif address in plausible:
                only_plausible.add(row["type"], row)
            elif not is_own_frame(row):
                unexplained.add(row["type"], row)
        return {"rows": len(self.others), "named_by_python": len(self.others) - len(unknown),
                "found_in_memory": len(confirmed), "not_shown": not_shown.types,
                "plausible": only_plausible.types, "unexplained": unexplained.types}

    def findings(self, tracked_only):
        truth = self.truth
        others = self.check_others()
        self.check_texts()
        expected = truth.tracked if tracked_only else truth.where.keys()
        ret = {
            "python": sys.version.split()[0], "objects": len(truth.objects),
            "broken_lines": self.broken.types, "twice": self.twice,
            "tracked": {"expected": len(truth.tracked),
                        "missing": list_missing(truth, truth.tracked - self.named_tracked),
                        "extra": len(self.named_tracked - truth.tracked),
                        "generation_wrong": self.generations.types, "flag_wrong": self.flags.types},
            "closure": {"expected": len(expected),
                        "missing": list_missing(truth, expected - self.seen),
                        "extra": self.extra.types},
            "owned": others,
            "sizes": {"checked": self.sized, "wrong": self.sizes.types,
                      "exact_size_wrong": self.inexact.types,
                      "python_sizeof": sorted(self.python_sizeof)},
            "types": {"wrong": self.names.types},
            "repr": {"checked": self.kinds, "wrong": self.reprs.types},
        }
        complaints = {
            "tracked missing": ret["tracked"]["missing"], "generation": self.generations.types,
            "tracked": self.flags.types, "missing": ret["closure"]["missing"],
            "extra": self.extra.types, "unexplained": others.get("unexplained", {}),
            "size": self.sizes.types, "exact_size": self.inexact.types, "type": self.names.types,
            "repr": self.reprs.types}
        ret["known"], ret["unneeded"] = known.take_out(complaints)
        complaints["broken lines"] = self.broken.types
        ret["complaints"] = list_complaints(complaints)
        ret["wrong"] = len(ret["complaints"]) + bool(self.twice) + bool(ret["tracked"]["extra"])
        return ret


def compare_objects(truth, path, length, tracked_only):
    comparison = Comparison(truth, length)
    comparison.check_rows(path)
    return comparison.findings(tracked_only)


def tell_objects(truth, path, length):
    """Writes what a faultless pyinspect would."""
    extended = owned.surely(truth)
    impure = texts.find_impure(truth.objects) | texts.find_impure(extended.values())
    generations = truth.generations or {}

    def row_of(item, size, reached, referents):
        if texts.is_scalar(item) or type(item) in texts.CONTAINERS and id(item) not in impure:
            text = texts.cut(repr(item), length)
        else:
            text = "<%s>" % truths.name_of(truth, item)
        return {"address": hex(id(item)), "type": truths.name_of(truth, item), "size": max(size, 0),
                "exact_size": size != truths.NO_SIZE, "refcount": 1, "tracked": gc.is_tracked(item),
                "generation": generations.get(id(item)), "reached": reached, "repr": text,
                "referents_by": "traverse", "referents": [hex(number) for number in referents]}

    with open(path, "w", encoding="utf-8", errors="surrogatepass") as file:
        for index, item in enumerate(truth.objects):
            reached = "tracked" if id(item) in truth.tracked else "referent"
            row = row_of(item, truth.sizes[index], reached, truth.referents_of(index))
            file.write(json.dumps(row) + "\n")
        for item, size in zip(extended.values(), truths.measure(list(extended.values()))):
            row = row_of(item, size, "owned", map(id, gc.get_referents(item)))
            file.write(json.dumps(row) + "\n")
