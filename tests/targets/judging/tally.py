# SPDX-License-Identifier: MIT
"""Reading pyinspect's rows and counting what is wrong with them."""
import json

LONGEST = 500
# json.loads looks for blanks around it, which takes as long as most rows themselves.
read_value = json.JSONDecoder().scan_once


class Tally:
    """What is wrong, by type: {type: {"count", "example"}}."""
    __slots__ = "types",

    def __init__(self):
        self.types = {}

    def add(self, name, example):
        entry = self.types.setdefault(name, {"count": 0, "example": example})
        entry["count"] += 1


def list_complaints(tallies):
    """A line each, of {what: {type: entry}}."""
    return [("%s of %s: %s" % (what, name, json.dumps(entry)))[:LONGEST]
            for what, types in sorted(tallies.items()) for name, entry in sorted(types.items())]


def read_rows(path, broken):
    """(address, row) of each line; a line that is no row is counted in the tally `broken`."""
    with open(path, encoding="utf-8", errors="surrogatepass") as file:
        for line in file:
            try:
                row, end = read_value(line, 0)
                if line[end:] != "\n":
                    raise ValueError("more than a value")
                yield int(row["address"], 16), row
            except (ValueError, KeyError, TypeError, StopIteration) as error:
                broken.add(type(error).__name__, line[:200])
