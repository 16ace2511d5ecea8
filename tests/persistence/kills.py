"""Writers that are killed while they write; run as a script, prints what was found as JSON.

python kills.py FOLDER KILLS
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from contlearn.exceptions import PersistenceError
from contlearn.persistence import restore, save
from contlearn.windows import SlidingWindow


def write_for_ever(path, first, pipe):
    """Save one number after another, and say each when it is saved."""
    n = first
    while True:
        n += 1
        window = SlidingWindow(3000)
        window.extend(np.full((500 + n % 2500, 4), float(n)))
        save(window, path)
        os.write(pipe, n.to_bytes(8, "little"))


def read_for_ever(pipe):
    """Return the last number in a pipe whose writer is dead."""
    found = b""
    while part := os.read(pipe, 1 << 16):
        found += part
    return int.from_bytes(found[len(found) // 8 * 8 - 8 :][:8], "little") if len(found) >= 8 else None


def one_kill(path, acknowledged, draws):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        write_for_ever(path, acknowledged, writing)
    os.close(writing)
    if draws.random() < 0.9:
        os.read(reading, 8)  # it is at work
        acknowledged += 1
    time.sleep(draws.uniform(0.0, 0.004))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    last = read_for_ever(reading)
    os.close(reading)
    return acknowledged if last is None else last


def main(folder, kills):
    path = folder / "state.zip"
    save(SlidingWindow(3000), path)
    draws = random.Random(0)
    found = {"damaged": 0, "lost": 0, "strangers": [], "stale": 0, "writes": 0}
    acknowledged = 0
    for _ in range(kills):
        acknowledged = one_kill(path, acknowledged, draws)
        others = sorted(each.name for each in folder.iterdir() if each != path)
        found["stale"] += others == [".state.zip.tmp"]
        found["strangers"] += [each for each in others if each != ".state.zip.tmp"]
        try:
            rows = restore(path).rows()
        except PersistenceError:
            found["damaged"] += 1
            continue
        there = int(rows[0][0]) if len(rows) else 0
        found["lost"] += there < acknowledged or (len(rows) and not (rows == there).all())
        acknowledged = there
    found["writes"] = acknowledged
    save(SlidingWindow(3), path)
    found["left"] = sorted(each.name for each in folder.iterdir())
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
