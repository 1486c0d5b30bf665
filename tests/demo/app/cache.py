# SPDX-License-Identifier: MIT
"""Caches of the order service. Nothing is ever dropped from them: that is its leak."""


class CacheEntry:
    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.hits = 0


class Cache:
    def __init__(self):
        self.entries = {}

    def get(self, key, make):
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = CacheEntry(key, make(key))
        entry.hits += 1
        return entry.value
