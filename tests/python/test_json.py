"""Payloads come back as they went in, or are refused with the place and the rule."""

from __future__ import annotations

import enum
import math
import random
import struct
import sys
from collections import OrderedDict
from datetime import datetime
from typing import Any

import pytest

from aragora_cp import InvalidArgument, Task, sync


def back(value: Any) -> Any:
    return Task(payload=value).payload


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**63 - 1, -(2**63), 1.0, -0.0, 0.1, 1e22, 5e-324, sys.float_info.max,
        "", "plain", 'quote " backslash \\ slash /', "\x00\x01\x1f\x7f", "\b\f\n\r\t", "é", "漢字", "🦊", "\uffff",
        [], {}, [[]], [{}], {"": ""}, {"a": [1, {"b": [None, "c"]}]}, {"é\n": 1}, ["x" * 100_000],
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    again = back(value)
    assert again == value
    assert repr(again) == repr(value)  # 1 is not 1.0, and 0.0 is not -0.0


def test_every_float_comes_back_exactly() -> None:
    dice = random.Random(1)
    for _ in range(20_000):
        (number,) = struct.unpack("<d", dice.randbytes(8))
        if math.isfinite(number):
            assert struct.pack("<d", back(number)) == struct.pack("<d", number)


def test_random_nested_values_come_back() -> None:
    dice = random.Random(2)

    def text() -> str:
        return "".join(chr(dice.choice([9, 34, 65, 92, 233, 0x20AC, 0x1F98A])) for _ in range(dice.randrange(5)))

    def value(depth: int) -> Any:
        kind = dice.randrange(7 if depth > 0 else 5)
        if kind == 5:
            return [value(depth - 1) for _ in range(dice.randrange(4))]
        if kind == 6:
            return {text(): value(depth - 1) for _ in range(dice.randrange(4))}
        return [None, dice.random() < 0.5, dice.randrange(-(2**63), 2**63), dice.uniform(-9, 9), text()][kind]

    for _ in range(2_000):
        given = value(5)
        assert back(given) == given


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_goes_to_the_limit_and_no_further() -> None:
    with sync.create_control_plane() as plane:
        task_id = plane.submit_task("t", nested(64))
        assert plane.get_task(task_id).payload == nested(64)
        with pytest.raises(InvalidArgument, match="max_json_depth, which is 64"):
            plane.submit_task("t", nested(65))
    with sync.create_control_plane(limits={"max_json_depth": 3}) as plane:
        plane.submit_task("t", nested(3))
        with pytest.raises(InvalidArgument, match="max_json_depth, which is 3"):
            plane.submit_task("t", nested(4))


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidArgument, match="max_json_depth"):
        back(value)


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("do not look at me")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [0, {"b": float("nan")}]}, "payload.a[1].b: nan is not JSON; numbers are finite"),
        ([float("-inf")], "payload[0]: -inf is not JSON; numbers are finite"),
        ([2**63], "payload[0]: 9223372036854775808 is outside of −2^63 … 2^63−1; send it as a string"),
        (-(2**63) - 1, "payload: -9223372036854775809 is outside"),
        (10**10_000, "payload: an integer of 33220 bits is outside"),
        ({"a": b"x"}, "payload.a: a value of type bytes is not JSON; use str"),
        ({1, 2}, "payload: a value of type set is not JSON"),
        ({"when": datetime(2026, 1, 1)}, "payload.when: a value of type datetime.datetime is not JSON"),
        ({1: 2}, "payload: a key of type int is not JSON; keys are str"),
        ({"a": {None: 1}}, "payload.a: a key of type NoneType is not JSON"),
        (["\ud800"], "payload[0]: the text has a surrogate that stands alone"),
        ({"\udfff": 1}, "payload: the text has a surrogate that stands alone"),
        ([...], "payload[0]: a value of type ellipsis is not JSON"),
        ({"a": Hostile()}, "payload.a: a value of type Hostile is not JSON"),
        (1j, "payload: a value of type complex is not JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_anything_else_is_refused_with_its_place_and_type(value: Any, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        back(value)
    assert caught.value.message.startswith(message)
    assert isinstance(caught.value, ValueError)


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 3


def test_subclasses_are_what_they_are_made_of() -> None:
    class Words(dict[str, Any]):
        pass

    assert back([Colour.RED, Level.LOW, (1, 2), Words(a=1)]) == ["red", 3, [1, 2], {"a": 1}]


def test_an_ordered_dict_keeps_its_own_order() -> None:
    value = OrderedDict(a=1, b=2)
    value.move_to_end("a")
    assert list(back({"x": value})["x"]) == ["b", "a"]


def test_what_fails_on_the_way_gives_its_depth_back() -> None:
    class Hostile(int):
        def bit_length(self) -> int:
            raise ZeroDivisionError

    value: Any = Hostile(2**70)
    for _ in range(50):
        value = [value]
    for _ in range(300):
        with pytest.raises(ZeroDivisionError):
            back(value)
    assert back(nested(50)) == nested(50)


def test_a_payload_is_decoded_once_and_is_the_callers_own() -> None:
    with sync.create_control_plane() as plane:
        task_id = plane.submit_task("t", {"a": 1})
        task = plane.get_task(task_id)
        task.payload["a"] = 2
        assert task.payload == {"a": 2}
        assert plane.get_task(task_id).payload == {"a": 1}
