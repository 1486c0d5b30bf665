# SPDX-License-Identifier: MIT
"""Holds rows of `pyinspect objects --all-objects --referents --json` against gc.get_referents().

A row's "referents" are addresses, one a reference, in order; "referents_by" is how they are known.
The findings:

    checked      objects whose referents were compared; "edges" are all that those have
    exact        of those: the same referents, each as often
    reordered    of those: by type, in another order
    different    by type: other referents; which were missing and which too much, with their types
    not_told     by type: objects without a row, or with a row that says nothing of referents
    by           how many are known by "traverse", "kind", "guess"
    hostile      of types of judging/hostile.py, which are in none of these figures: by name, for
                 each object, by what it is known, how many referents it has, whether that is right
    guessed      of the last, by type: how many there are, and how many of them are exact
    share        exact / checked
    complaints, wrong, known, unneeded: as in compare.py. Where nothing is run (`--no-exec`), the
                 order "approximate" complains only of a share below LEAST_SHARE
"""
import collections
import gc
import types

from . import hostile, known, owned
from . import truth as truths
from .tally import Tally, list_complaints, read_rows

LEAST_SHARE = 0.995
SHOWN = 12


class Checker:
    __slots__ = ("truth", "checked", "edges", "exact", "by", "guessed", "hostile", "wrong",
                 "broken", "seen")

    def __init__(self, truth):
        self.truth, self.checked, self.edges, self.exact = truth, 0, 0, 0
        self.by, self.guessed, self.hostile, self.broken, self.seen = {}, {}, {}, Tally(), set()
        self.wrong = {name: Tally() for name in ("different", "reordered", "not_told")}

    def name_at(self, address):
        item = self.truth.find(address)
        if item is None and address != id(None):
            return "%#x ?" % address
        return "%#x %s" % (address, truths.name_of(self.truth, item))

    def list_names(self, counted):
        return [self.name_at(address) for address in list(counted.elements())[:SHOWN]]

    def check(self, item, right, row):
        """Whether they are the same, in whatever order."""
        told = [int(address, 16) for address in row["referents"]]
        if hostile.is_hostile(item):
            self.hostile.setdefault(type(item).__name__, []).append(
                [row.get("referents_by"), len(told), told == right])
            return
        name = truths.name_of(self.truth, item)
        if type(item) is types.ModuleType:  # each has its own tp_traverse
            name += " %s" % vars(item).get("__name__")
        self.checked += 1
        self.edges += len(right)
        same = told == right
        if not same:
            missing = collections.Counter(right)
            missing.subtract(told)
            extra = -missing
            missing = +missing
            same = not missing and not extra
            if same:
                at = next(i for i, address in enumerate(right) if address != told[i])
                self.wrong["reordered"].add(name, {
                    "address": row["address"], "at": at, "of": len(right),
                    "right": [self.name_at(address) for address in right[:SHOWN]],
                    "told": [self.name_at(address) for address in told[:SHOWN]]})
            else:
                self.wrong["different"].add(name, {
                    "address": row["address"], "missing": self.list_names(missing),
                    "extra": self.list_names(extra), "of": len(right)})
        self.exact += same
        by = row.get("referents_by")
        self.by[by] = self.by.get(by, 0) + 1
        if by == "guess":
            entry = self.guessed.setdefault(name, {"count": 0, "exact": 0})
            entry["count"] += 1
            entry["exact"] += same

    def check_rows(self, path):
        """Returns the rows of objects that the collector does not lead to."""
        truth, others = self.truth, {}
        for address, row in read_rows(path, self.broken):
            index = truth.where.get(address)
            if address in truth.own or "referents" not in row:
                continue
            self.seen.add(address)
            if index is None:
                others[address] = row
            elif not truths.is_own(truth.objects[index]):
                self.check(truth.objects[index], truth.referents_of(index), row)
        return others

    def check_others(self, others):
        """Of the objects that only owned references lead to: those that Python can name."""
        extended = owned.surely(self.truth)
        self.truth.others.update(extended)
        for address, row in others.items():
            item = extended.get(address)
            if item is not None and not truths.is_own(item):
                self.check(item, list(map(id, gc.get_referents(item))), row)

    def check_all(self, path):
        self.check_others(self.check_rows(path))
        for item in self.truth.objects:
            if id(item) not in self.seen and not truths.is_own(item):
                self.wrong["not_told"].add(truths.name_of(self.truth, item), hex(id(item)))

    def findings(self, approximate):
        ret = {"checked": self.checked, "edges": self.edges, "exact": self.exact,
               "share": self.exact / max(self.checked, 1), "broken_lines": self.broken.types,
               "by": self.by, "hostile": self.hostile, "guessed": self.guessed}
        ret.update((name, dict(tally.types)) for name, tally in self.wrong.items())
        complaints = {"referents": self.wrong["different"].types,
                      "order": self.wrong["reordered"].types}
        if approximate:
            complaints = {}
            if ret["share"] < LEAST_SHARE:
                complaints["share"] = {"all": {"count": self.checked - self.exact,
                                               "example": ret["share"]}}
        else:
            ret["known"], ret["unneeded"] = known.take_out(complaints)
            complaints["hostile"] = hostile.list_wrong(self.hostile)
        complaints["referents not told"] = self.wrong["not_told"].types
        complaints["broken lines"] = self.broken.types
        ret["complaints"] = list_complaints(complaints)
        ret["wrong"] = len(ret["complaints"])
        return ret


def compare(truth, path, approximate):
    checker = Checker(truth)
    checker.check_all(path)
    return checker.findings(approximate)
