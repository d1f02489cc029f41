"""A flat copy of a state is the state: values, shapes, strides, and what is no tensor, in few blocks of memory."""

import io
import zipfile

import torch
from torch import nn

from experiments.training.flat import Flat


def stated():
    """Of a net in channels last, its optimiser after a step, counts and random streams."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(5, 2))
    net = net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    net(torch.randn(4, 3, 3, 3)).sum().backward()
    optimiser.step()
    streams = [torch.get_rng_state(), ("plain", (1, 2)), None]
    return {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "rows": [{"epoch": 1}], "streams": streams}


def leaves(tree, path=""):
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return {key: leaf for name, value in items for key, leaf in leaves(value, f"{path}/{name}").items()}
    return {path: tree}


def check_equal(copy, state):
    ours, theirs = leaves(copy), leaves(state)
    assert ours.keys() == theirs.keys()
    for path, value in theirs.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(ours[path], value)
            assert ours[path].dtype == value.dtype
            assert ours[path].stride() == value.stride()
            assert ours[path].untyped_storage().data_ptr() != value.untyped_storage().data_ptr()
        else:
            assert ours[path] == value


def test_the_copy_is_the_state_and_does_not_follow_it():
    state, again, flat = stated(), stated(), Flat()
    copy, arrival = flat.copy(state)
    arrival()
    check_equal(copy, state)
    assert type(copy["net"]) is type(state["net"])
    assert copy["net"]._metadata == state["net"]._metadata  # the versions of its modules
    for tensor in leaves(state).values():
        if isinstance(tensor, torch.Tensor):
            tensor.fill_(3)
    state["rows"].append({"epoch": 2})
    check_equal(copy, again)


def test_its_memory_is_kept_and_another_layout_gets_its_own():
    state, flat = stated(), Flat()
    first = flat.copy(state)[0]["net"]["0.weight"].data_ptr()
    assert flat.copy(stated())[0]["net"]["0.weight"].data_ptr() == first
    del state["optimiser"]
    check_equal(flat.copy(state)[0], state)


def test_a_part_of_a_tensor_is_copied_too():
    """A stride that leaves gaps is closed."""
    whole = torch.arange(12.0).view(3, 4)
    copy, _ = Flat().copy([whole[:, 1], whole.T])
    assert torch.equal(copy[0], torch.tensor([1.0, 5.0, 9.0]))
    assert torch.equal(copy[1], whole.T)


def test_a_file_has_one_record_for_each_number_format():
    state, buffer = stated(), io.BytesIO()
    torch.save(Flat().copy(state)[0], buffer)
    formats = {leaf.dtype for leaf in leaves(state).values() if isinstance(leaf, torch.Tensor)}
    assert len(formats) == 3
    records = [name for name in zipfile.ZipFile(buffer).namelist() if "/data/" in name]
    assert len(records) == 3
    check_equal(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True), state)
