"""Tensors of torch: the answers of numpy, computed where the tensors lie."""

import copy
import pickle

import numpy as np
import pytest

from contlearn.drift import MMD, Energy
from contlearn.exceptions import InvalidInputError
from contlearn.stats import energy, mmd

pytestmark = pytest.mark.integrations


@pytest.fixture
def torch():
    import torch

    return torch


@pytest.fixture(params=["cpu", "cuda", "mps"])
def device(request, torch):
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available[request.param]:
        pytest.skip(f"no {request.param} device here")
    return request.param


def tables(n=700, m=300, d=6, shift=0.15):
    rng = np.random.default_rng(3)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


def precision(device):
    return 1e-4 if device == "mps" else 1e-9


@pytest.mark.parametrize("detector", [MMD(), Energy(), MMD(block=10), Energy(max_rows=100)], ids=repr)
@pytest.mark.parametrize("gaps", [False, True])
def test_the_answer_is_that_of_numpy(torch, device, detector, gaps):
    reference, batch = tables()
    if gaps:
        reference[::50, 1] = batch[::20, 3] = np.nan
    here = detector.fit(reference).detect(batch)
    there = copy.deepcopy(detector).fit(torch.tensor(reference, device=device, dtype=floats(torch, device)))
    result = there.detect(torch.tensor(batch, device=device, dtype=floats(torch, device)))
    assert result.state is here.state
    assert result.p_value == pytest.approx(here.p_value, abs=precision(device))
    assert result.score == pytest.approx(here.score, abs=precision(device))
    assert result.interval == pytest.approx(here.interval, abs=10 * precision(device))
    assert (result.n_reference, result.n_current, result.drifted) == (
        here.n_reference,
        here.n_current,
        here.drifted,
    )
    assert type(result.score) is type(result.p_value) is float


def floats(torch, device):
    return torch.float32 if device == "mps" else torch.float64


@pytest.mark.parametrize("test", [mmd, energy])
def test_functions_take_tensors_of_any_number_type(torch, device, test):
    x, y = (np.round(4.0 * table) for table in tables(90, 60, 2, 0.5))
    expected = test(x, y)
    for dtype in (torch.float32, torch.int64, torch.int8, torch.float16, torch.bfloat16):
        found = test(torch.tensor(x, device=device).to(dtype), torch.tensor(y, device=device).to(dtype))
        assert found[:2] == pytest.approx(expected[:2], rel=1e-4)


def test_narrow_floats_with_a_large_offset_keep_their_digits(torch, device):
    reference, batch = (np.float32(table + 1000.0) for table in tables())
    here = MMD().fit(reference).detect(batch)
    there = MMD().fit(torch.tensor(reference, device=device)).detect(torch.tensor(batch, device=device))
    assert there.score == pytest.approx(here.score, abs=precision(device))
    assert there.p_value == here.p_value


def test_a_tensor_that_learns_is_only_looked_at(torch, device):
    reference, batch = tables()
    x = torch.tensor(reference, device=device, dtype=torch.float32, requires_grad=True)
    y = torch.tensor(batch, device=device, dtype=torch.float32)
    detector = Energy().fit(x)
    assert detector.detect(y).detected
    assert x.grad is None
    kept = detector.reference_[0].statistics.rows
    assert kept.device.type == device
    assert not kept.requires_grad
    assert pickle.loads(pickle.dumps(detector)).detect(y) == detector.detect(y)
    with torch.no_grad():
        x += 100.0
    assert detector.detect(y).score < 0.5


def test_rows_are_foreign_where_they_are_in_numpy(torch, device):
    reference, batch = tables()
    batch[:9] += 2.0
    here = MMD().fit(reference).foreignness(batch)
    dtype = floats(torch, device)
    there = MMD().fit(torch.tensor(reference, device=device, dtype=dtype))
    found = there.foreignness(torch.tensor(batch, device=device, dtype=dtype))
    assert isinstance(found, np.ndarray)
    assert found == pytest.approx(here, abs=precision(device))


def test_a_batch_elsewhere_is_refused_with_the_cure(torch):
    reference, batch = tables()
    detector = MMD().fit(torch.tensor(reference))
    with pytest.raises(InvalidInputError, match=r"the reference does \(torch on cpu\), got ndarray; move"):
        detector.detect(batch)
    assert MMD().fit(reference).detect(torch.tensor(batch)) == MMD().fit(reference).detect(batch)
    odd = torch.tensor(batch)
    odd[4, 2] = torch.inf
    with pytest.raises(InvalidInputError, match="column '2' must be finite, got 1 infinite of 300 values"):
        detector.detect(odd)
    with pytest.raises(InvalidInputError, match="X must hold real numbers"):
        detector.detect(torch.tensor(batch + 1j))
