"""Every law of windows accepts a good window and rejects one that breaks it."""

from collections import OrderedDict, deque

import numpy as np
import pytest

from contlearn.testing import check_window
from contlearn.testing._window import _LAWS


class Last:
    """A small window that obeys every law: the last rows."""

    def __init__(self, size=10):
        self.size = size
        self.kept = []

    def append(self, row):
        row = np.array(row)
        if row.shape != (3,):
            raise ValueError("row must have 3 values")
        self.kept.append(row)
        del self.kept[: -self.size]

    def rows(self):
        return np.array(self.kept)

    def clear(self):
        self.kept = []

    def __len__(self):
        return len(self.kept)

    def __iter__(self):
        return iter(self.rows())

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size})"


class Timed(Last):
    def append(self, row, *, at):
        super().append(row)


class Pending(OrderedDict):
    """A bounded mapping, which has no rows."""

    def __init__(self, size=10):
        super().__init__()
        self.size = size

    def put(self, key, row):
        self[key] = row
        if len(self) > self.size:
            self.popitem(last=False)

    def __reduce__(self):
        return Pending, (self.size,), None, None, iter(self.items())

    def __repr__(self):
        return f"Pending(size={self.size})"


class Prefilled(Last):
    def __init__(self, size=10):
        super().__init__(size)
        self.kept = [np.zeros(3)]


class TooLong(Last):
    def append(self, row):
        self.kept.append(np.array(row))
        del self.kept[: -self.size - 1]


class NeverKeeps(Last):
    def append(self, row):
        self.kept = self.kept[:0]


class Miscounts(Last):
    def __len__(self):
        return max(0, len(self.kept) - 1)


class OtherOrder(Last):
    def __iter__(self):
        return iter(self.rows()[::-1])


class Invents(Last):
    def rows(self):
        return np.array(self.kept) + 0.25


class ChangesWhatWasRead(Last):
    def __init__(self, size=10):
        super().__init__(size)
        self.buffer = np.zeros((size, 3))

    def rows(self):
        self.buffer[: len(self.kept)] = self.kept
        view = self.buffer[: len(self.kept)]
        view.flags.writeable = False
        return view


class LendsItsMemory(ChangesWhatWasRead):
    def rows(self):
        return self.buffer[: len(self.kept)]


class KeepsTheCallersRow(Last):
    def append(self, row):
        self.kept.append(row)
        del self.kept[: -self.size]


class CountsReads(Last):
    reads = 0

    def rows(self):
        self.reads += 1
        return super().rows()


class Unseeded(Last):
    def append(self, row):
        if np.random.default_rng().random() < 0.5 or not self.kept:
            super().append(row)


class SharesRows(Last):
    def __deepcopy__(self, memo):
        copy = type(self)(self.size)
        copy.kept = self.kept
        return copy


class ForgetsInPickles(Last):
    def __getstate__(self):
        return {"size": self.size, "kept": self.kept[1:]}


class ForgetsTheRandomState(Last):
    def __init__(self, size=10):
        super().__init__(size)
        self.seen = 0

    def append(self, row):
        self.seen += 1
        if self.seen % 3:
            super().append(row)

    def __getstate__(self):
        return {"size": self.size, "kept": self.kept, "seen": 0}


class RemembersAll(Last):
    def __init__(self, size=10):
        super().__init__(size)
        self.seen = deque()

    def append(self, row):
        super().append(row)
        self.seen.append(float(row[0]))


class HoldsTheOldBuffer(Last):
    """Keeps a view of everything alive, which its pickle does not show."""

    def __init__(self, size=10):
        super().__init__(size)
        self.everything = np.empty((0, 3))

    def append(self, row):
        super().append(row)
        self.everything = np.vstack([self.everything, row])
        self.view = self.everything[-1:]

    def __getstate__(self):
        return {"size": self.size, "kept": self.kept, "everything": self.everything[-1:]}


class KeepsOneBack(Last):
    def clear(self):
        self.kept = self.kept[-1:]


class StaysShut(Last):
    shut = False

    def clear(self):
        self.kept, self.shut = [], True

    def append(self, row):
        if not self.shut:
            super().append(row)


class LosesOnRefusal(Last):
    def append(self, row):
        if len(self.kept) >= self.size:
            self.kept.pop(0)
        super().append(row)


class ShutsOnRefusal(Last):
    refused = False

    def append(self, row):
        if self.refused:
            raise RuntimeError("closed")
        self.refused = np.shape(row) != (3,)
        super().append(row)


class ReprWithRows(Last):
    def __repr__(self):
        return f"ReprWithRows({self.kept})"


class ReprOfDefaults(Last):
    def __repr__(self):
        return f"ReprOfDefaults()  # {len(self.kept)} rows"


BROKEN = [
    (Prefilled(), "an_empty_window_is_empty"),
    (TooLong(), "never_more_than_size"),
    (NeverKeeps(), "never_more_than_size"),
    (Miscounts(), "length_rows_and_iteration_agree"),
    (OtherOrder(), "length_rows_and_iteration_agree"),
    (Invents(), "length_rows_and_iteration_agree"),
    (ChangesWhatWasRead(), "what_was_read_never_changes"),
    (LendsItsMemory(), "what_was_read_never_changes"),
    (KeepsTheCallersRow(), "rows_are_not_the_callers"),
    (CountsReads(), "questions_change_nothing"),
    (Unseeded(), "equal_runs_agree"),
    (SharesRows(), "copies_are_independent"),
    (ForgetsInPickles(), "pickles_go_on_alike"),
    (ForgetsTheRandomState(), "pickles_go_on_alike"),
    (RemembersAll(), "memory_is_bounded"),
    (HoldsTheOldBuffer(), "memory_is_bounded"),
    (KeepsOneBack(), "clear_empties"),
    (StaysShut(), "clear_empties"),
    (LosesOnRefusal(), "refused_rows_do_no_harm"),
    (ShutsOnRefusal(), "refused_rows_do_no_harm"),
    (ReprWithRows(), "repr_rebuilds_an_empty_window"),
    (ReprOfDefaults(), "repr_rebuilds_an_empty_window"),
]


@pytest.mark.parametrize("window", [Last(), Timed(7), Last(1)], ids=repr)
def test_good_windows_pass(window):
    check_window(window)
    assert len(window) == 0


def test_a_mapping_of_pending_rows_passes():
    check_window(Pending(), append=lambda window, row, i: window.put(i, row))


@pytest.mark.parametrize(("window", "law"), BROKEN, ids=lambda value: type(value).__name__)
def test_a_broken_window_is_rejected_by_the_law_it_breaks(window, law):
    others = [other.__name__ for other in _LAWS if other.__name__ != law]
    with pytest.raises(AssertionError, match=f"^{type(window).__name__} breaks the law {law}: "):
        check_window(window, skip=others)


def test_every_law_has_a_window_that_breaks_it():
    assert {law for _, law in BROKEN} == {law.__name__ for law in _LAWS}
    assert all(f"`{law.__name__}`" in check_window.__doc__ for law in _LAWS)
