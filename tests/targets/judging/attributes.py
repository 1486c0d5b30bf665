# SPDX-License-Identifier: MIT
"""Holds the rows of `pyinspect show ADDRESS... --json` against the attributes and items of objects.

An attribute is an entry of the object's dict or a filled slot of a class that declares __slots__;
of a type, built-in ones among them, it is an entry of the type's own dict.
One slot may hide another of the same name: both are there. A key that is no string is named by its
repr. Items have an index in a list, tuple or deque, a key in a dict, and no order in a set.

The answer: how many objects were asked for and not shown, and by type what was missing, too much or
differently told of them.
"""
import builtins
import collections
import json
import sys

from . import owned, texts
from . import truth as truths
from .tally import Tally, list_complaints, read_rows

FAMILIES = """
plain_instances wide_instances slotted_instances builtin_subclasses enumerations descriptors
dataclass_instances exceptions classes lists tuples dicts sets deques ordered_dicts other_dicts
""".split()
HEAP_TYPE = 1 << 9
MOST_ITEMS = 1000
NO_KEY = object()
SHOWN = []  # the objects whose addresses are in the file


def prepare(path):
    """Makes objects of many shapes and writes their addresses, one a line."""
    import everything
    kept = everything.build(FAMILIES)
    kept["built-in types"] = [item for item in vars(builtins).values() if isinstance(item, type)]
    found = {}
    for objects in kept.values():
        for item in objects:
            if is_of_interest(item):
                found[id(item)] = item
    SHOWN.extend(found.values())
    with open(path, "w") as file:
        for address in found:
            file.write("%#x\n" % address)
    return kept


def is_of_interest(item):
    kind = type(item)
    if texts.is_incomplete(item):
        return False
    if issubclass(kind, type):
        return True
    if issubclass(kind, (list, tuple, set, frozenset, collections.deque) + truths.DICTS):
        return kind.__len__(item) <= MOST_ITEMS
    return bool(kind.__flags__ & HEAP_TYPE) and kind.__module__.startswith("families.")


def dict_of(item):
    if issubclass(type(item), type):
        return dict(truths.get_dict(item))
    for base in truths.get_mro(type(item)):
        descriptor = truths.get_dict(base).get("__dict__")
        if descriptor is not None:
            return descriptor.__get__(item)
    return {}


def attributes_of(item):
    """[(name, value)]"""
    ret, missing = [], object()
    for base in truths.get_mro(type(item)):
        namespace = truths.get_dict(base)
        if "__slots__" in namespace:
            for name, member in namespace.items():
                if type(member) is owned.MEMBER:
                    value = owned.read(member, item, missing)
                    if value is not missing:
                        ret.append((name, value))
    for name, value in dict.items(dict_of(item)):
        ret.append((str.__str__(name) if isinstance(name, str) else repr(name), value))
    return ret


def items_of(item):
    """[(index or None, key or NO_KEY, value)]"""
    kind = type(item)
    if issubclass(kind, collections.OrderedDict):
        keys = collections.OrderedDict.__iter__(item)
        return [(None, key, dict.__getitem__(item, key)) for key in keys]
    for base in truths.DICTS:
        if issubclass(kind, base):
            return [(None, key, value) for key, value in base.items(item)]
    for base in list, tuple, collections.deque:
        if issubclass(kind, base):
            return [(index, NO_KEY, value) for index, value in enumerate(base.__iter__(item))]
    for base in set, frozenset:
        if issubclass(kind, base):
            return [(None, NO_KEY, value) for value in base.__iter__(item)]
    return []


class Checker:
    __slots__ = "truth", "length", "impure", "wrong", "checked"

    def __init__(self, truth, length):
        self.truth, self.length, self.checked = truth, length, 0
        self.impure = texts.find_impure(truth.objects)
        self.wrong = {name: Tally() for name in ("attributes_missing", "attributes_extra",
                                                 "items_wrong", "types", "reprs", "keys")}

    def check_value(self, name, value, told):
        """What is said of one attribute or item, beside its address."""
        self.checked += 1
        right = truths.name_of(self.truth, value)
        if told.get("type") != right:
            self.wrong["types"].add(name, {"right": right, "told": told})
        self.check_text("reprs", name, value, told.get("repr", ""))

    def check_text(self, where, name, value, text):
        right = texts.judge_text(value, self.impure, text, self.length, self.truth.find)[1]
        if right is not None:
            self.wrong[where].add(name, {"right": right[:500], "told": text[:500]})

    def check_attributes(self, name, item, row):
        right = collections.defaultdict(list)
        for attribute, value in attributes_of(item):
            right[attribute, id(value)].append(value)
        for told in row.get("attributes", ()):
            values = right.get((told["name"], int(told["address"], 16)))
            if values:
                self.check_value(name, values.pop(), told)
            else:
                self.wrong["attributes_extra"].add(name, {"address": row["address"], "told": told})
        for (attribute, address), values in right.items():
            for _ in values:
                self.wrong["attributes_missing"].add(name, {
                    "address": row["address"], "name": attribute, "right": hex(address)})

    def check_items(self, name, item, row):
        right, told = items_of(item), row.get("items", [])
        if len(right) != len(told):
            self.wrong["items_wrong"].add(name,
                                          {"address": row["address"], "right": len(right),
                                           "told": len(told)})
            return
        if issubclass(type(item), (set, frozenset)):
            right.sort(key=lambda entry: id(entry[2]))
            told = sorted(told, key=lambda entry: int(entry["address"], 16))
        for (index, key, value), entry in zip(right, told):
            same = int(entry["address"],
                       16) == id(value) and (index is None or entry.get("index") == index)
            if key is not NO_KEY:
                same = same and int(entry["key_address"], 16) == id(key)
                self.check_text("keys", name, key, entry["key"])
            if same:
                self.check_value(name, value, entry)
            else:
                self.wrong["items_wrong"].add(name, {
                    "address": row["address"], "right": [index, hex(id(value))], "told": entry})


def compare(truth, path, length):
    checker, broken = Checker(truth, length), Tally()
    left = {id(item): item for item in SHOWN}
    asked, unasked, not_found = len(left), 0, Tally()
    for address, row in read_rows(path, broken):
        item = left.pop(address, checker)
        if item is checker:
            unasked += 1
            continue
        name = truths.name_of(truth, item)
        if "type" not in row:
            not_found.add(name, row)
            continue
        if row["type"] != name:
            checker.wrong["types"].add(name, {"right": name, "told": row["type"]})
        checker.check_attributes(name, item, row)
        checker.check_items(name, item, row)
    missing = Tally()
    for address, item in left.items():
        missing.add(truths.name_of(truth, item), hex(address))
    ret = {name: tally.types for name, tally in checker.wrong.items()}
    ret.update(broken_lines=broken.types, missing=missing.types, not_found=not_found.types)
    complaints = list_complaints(ret)
    return dict(ret, python=sys.version.split()[0], asked=asked, unasked=unasked,
                checked=checker.checked, complaints=complaints, wrong=unasked + len(complaints))


def tell(truth, addresses, path, length):
    """Writes what a faultless pyinspect would, of the addresses in a file."""
    impure = texts.find_impure(truth.objects)
    shown = {id(item): item for item in SHOWN}

    def describe(value, **more):
        plain = texts.is_scalar(value) or (type(value) in texts.CONTAINERS
                                           and id(value) not in impure)
        return dict(more, address=hex(id(value)), type=truths.name_of(truth, value),
                    repr=texts.cut(repr(value), length) if plain else "<something>")

    with open(addresses) as source, open(path, "w", encoding="utf-8",
                                         errors="surrogatepass") as file:
        for line in source:
            item = shown[int(line, 16)]
            entries = []
            for index, key, value in items_of(item):
                where = {} if key is NO_KEY else {"key": describe(key)["repr"],
                                                  "key_address": hex(id(key))}
                if index is not None:
                    where["index"] = index
                entries.append(describe(value, **where))
            row = describe(item, items=entries,
                           attributes=[describe(value, name=name) for name,
                                       value in attributes_of(item)])
            file.write(json.dumps(row) + "\n")
