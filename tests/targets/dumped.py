# SPDX-License-Identifier: MIT
"""Makes a Snapshot of itself, or tells what tracemalloc makes of one.

    dumped.py dump FILE PROTOCOL
    dumped.py tell FILE
"""
import pickle
import sys
import tracemalloc


def dump(path, protocol):
    tracemalloc.start(6)
    kept = []
    exec(compile('kept += [bytearray(i) for i in range(300)]', 'na\xefve \udc80;x.py', 'exec'))
    for depth in range(12):
        source = 'def f(n):\n    return f(n - 1) if n else [object() for i in range(30)]\nkept.append(f(%d))'
        exec(compile(source % depth, 'deep%d.py' % depth, 'exec'), {'kept': kept})
    snapshot = tracemalloc.take_snapshot()
    with open(path, 'wb') as out:
        pickle.dump(snapshot, out, min(int(protocol), pickle.HIGHEST_PROTOCOL))


def tell(path):
    snapshot = tracemalloc.Snapshot.load(path)
    print(snapshot.traceback_limit, len(snapshot.traces))
    for key in 'filename', 'lineno', 'traceback':
        for cumulative in (False, True) if key != 'traceback' else (False,):
            for statistic in snapshot.statistics(key, cumulative):
                print(ascii(str(statistic)), ascii(statistic.traceback))
    print(sorted(map(ascii, snapshot.traces)))
    only = snapshot.filter_traces([tracemalloc.Filter(True, 'deep*', all_frames=True)])
    print([ascii(str(each)) for each in only.compare_to(snapshot, 'lineno')])


globals()[sys.argv[1]](*sys.argv[2:])
