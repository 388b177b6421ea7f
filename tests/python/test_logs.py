"""Logs: append, read, follow, and what bounds them."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from contextlib import suppress

import pytest

from aragora_cp import (
    AlreadyExists,
    Cancelled,
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    DataLoss,
    FailedPrecondition,
    InvalidArgument,
    LogEntry,
    LogFollower,
    LogInfo,
    Logs,
    NotFound,
    ResourceExhausted,
    create_control_plane,
    sync,
)


async def test_entries_are_what_was_appended_in_order() -> None:
    value = {"steps": ["read", 1, 2.5, None, True], "né": {"a": []}}
    async with await create_control_plane() as plane:
        logs = Logs(plane)
        assert await logs.append("audit", value) == 1
        assert await plane.logs.append("audit", None) == 2
        first, second = await logs.read("audit")
        assert (first.seq, first.value) == (1, value) and first.value is first.value
        assert (second.seq, second.value) == (2, None)
        assert first.time <= second.time
        assert [entry.seq for entry in await logs.read("audit", 1)] == [2]
        assert [entry.seq for entry in await logs.read("audit", max_items=1)] == [1]
        assert await logs.read("audit", 2) == []
        with pytest.raises(NotFound, match="other"):
            await logs.read("other")
        stats = (await plane.get_stats())["logs"]
        assert (stats["logs"], stats["entries"], stats["appends_total"]) == (1, 2, 2)


async def test_an_append_with_an_operation_id_is_repeated_safely() -> None:
    async with await create_control_plane() as plane:
        assert await plane.logs.append("audit", [1], operation_id="once") == 1
        assert await plane.logs.append("audit", [1], operation_id="once") == 1
        with pytest.raises(AlreadyExists, match="once"):
            await plane.logs.append("audit", [2], operation_id="once")
        assert (await plane.logs.get("audit")).entries == 1


async def test_a_log_keeps_what_its_bounds_say_and_who_fell_behind_is_told() -> None:
    async with await create_control_plane() as plane:
        logs = plane.logs
        info = await logs.define("audit", max_entries=3, max_bytes=1000, max_age=3600)
        assert (info.name, info.max_entries, info.max_bytes, info.max_age) == ("audit", 3, 1000, 3600.0)
        assert (info.first_seq, info.last_seq, info.entries) == (1, 0, 0)
        for number in range(1, 6):
            await logs.append("audit", number)
        with pytest.raises(DataLoss, match="the first still there is 3"):
            await logs.read("audit", 1)
        with pytest.raises(DataLoss, match="its last is 5"):
            await logs.read("audit", 6)
        assert await logs.trim("audit", before=4) == 1
        assert await logs.trim("audit", max_entries=1, max_age=3600) == 1
        info = await logs.get("audit")
        assert (info.first_seq, info.last_seq, info.entries, info.bytes) == (5, 5, 1, 1)
        with pytest.raises(InvalidArgument, match="no bound"):
            await logs.trim("audit")
        assert await logs.remove("audit") is True
        assert await logs.remove("audit") is False
        assert await logs.append("audit", 1) == 6
        with pytest.raises(DataLoss):
            await logs.read("audit", 4)


async def test_logs_are_listed_by_prefix() -> None:
    async with await create_control_plane() as plane:
        for number in range(150):
            await plane.logs.define(f"run/{number:03}")
        await plane.logs.append("zone", 1)
        names = [log.name async for log in plane.logs.list("run/")]
        assert names == [f"run/{number:03}" for number in range(150)]
        assert [log.name async for log in plane.logs.list("z")] == ["zone"]


async def test_a_read_waits_for_the_next_entry() -> None:
    async with await create_control_plane() as plane:
        await plane.logs.define("audit")
        waiting = asyncio.ensure_future(plane.logs.read("audit", wait=None))
        await asyncio.sleep(0)
        assert not waiting.done()
        await plane.logs.append("audit", "hello")
        assert [entry.value for entry in await waiting] == ["hello"]
        assert await plane.logs.read("audit", 1, wait=0.01) == []


async def test_a_follower_gets_every_entry_once_while_others_append() -> None:
    async with await create_control_plane() as plane:
        await plane.logs.define("audit")
        count = 500

        async def write(writer: int) -> None:
            for number in range(count):
                await plane.logs.append("audit", [writer, number])
                if number % 7 == 0:
                    await asyncio.sleep(0)

        async def follow() -> list[LogEntry]:
            entries = []
            async for entry in plane.logs.follow("audit", after=0):
                entries.append(entry)
                if len(entries) == 3 * count:
                    break
            return entries

        first, second, *_ = await asyncio.gather(follow(), follow(), write(0), write(1), write(2))
        assert [entry.seq for entry in first] == list(range(1, 3 * count + 1))
        assert first == second
        for writer in range(3):
            assert [e.value[1] for e in first if e.value[0] == writer] == list(range(count))


async def test_a_follower_begins_now_or_at_the_first_that_is_there_or_after_a_number() -> None:
    async with await create_control_plane() as plane:
        logs = plane.logs
        await logs.define("audit", max_entries=3)
        for number in range(1, 6):
            await logs.append("audit", number)
        from_now = logs.follow("audit")
        await logs.append("audit", 6)
        assert (await from_now.__anext__()).value == 6
        assert from_now.last_seq == 6
        from_start = logs.follow("audit", after=0)
        assert [(await from_start.__anext__()).value for _ in range(2)] == [4, 5]
        assert from_start.last_seq == 5
        resumed = logs.follow("audit", after=from_start.last_seq)
        assert (await resumed.__anext__()).value == 6
        with pytest.raises(DataLoss):
            await logs.follow("audit", after=1).__anext__()
        with pytest.raises(NotFound):
            logs.follow("other")


async def test_a_follower_of_a_log_that_is_removed_is_told() -> None:
    async with await create_control_plane() as plane:
        await plane.logs.append("audit", 1)
        follower = plane.logs.follow("audit")
        waiting = asyncio.ensure_future(follower.__anext__())
        await asyncio.sleep(0)
        await plane.logs.remove("audit")
        with pytest.raises(NotFound, match="audit"):
            await waiting


async def test_a_follower_of_a_log_that_was_made_again_is_told() -> None:
    async with await create_control_plane() as plane:
        await plane.logs.define("audit")
        followers = plane.logs.follow("audit"), plane.logs.follow("audit", after=0)
        for follower in followers:  # both know the log now
            waiting = asyncio.ensure_future(follower.__anext__())
            await asyncio.sleep(0)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        await plane.logs.append("audit", "unread")
        await plane.logs.remove("audit")
        await plane.logs.append("audit", "other")
        for follower in followers:
            for _ in range(2):
                with pytest.raises(DataLoss, match="entries after 0 are gone, the first still there is 2"):
                    await follower.__anext__()


async def test_a_follower_whose_first_step_was_cancelled_goes_on() -> None:
    async with await create_control_plane() as plane:
        await plane.logs.append("audit", 1)
        follower = plane.logs.follow("audit", after=0)
        # As over a store that answers later: what it asked first came to somebody who has left.
        follower._log = plane._plane.claim_task("nobody", [], 60.0, None, None)
        waiting = asyncio.ensure_future(follower.__anext__())
        await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert (await follower.__anext__()).value == 1


async def test_followers_end_when_the_coordinator_closes() -> None:
    plane = await create_control_plane()
    await plane.logs.append("audit", 1)
    logs = plane.logs
    got = []

    async def follow() -> None:
        async for entry in logs.follow("audit", after=0):
            got.append(entry.value)

    following = asyncio.ensure_future(follow())
    while not got:
        await asyncio.sleep(0)
    await plane.shutdown()
    await asyncio.wait_for(following, 30)
    assert got == [1]
    with pytest.raises(Cancelled):
        await logs.append("audit", 2)


async def test_a_reader_that_gave_up_takes_nothing_from_anybody() -> None:
    async with await create_control_plane() as plane:
        await plane.logs.define("audit")
        waiting = asyncio.ensure_future(plane.logs.read("audit", wait=None))
        await asyncio.sleep(0)
        assert "\naragora_cp_reads_waiting 1\n" in await plane.metrics_text()
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert "\naragora_cp_reads_waiting 0\n" in await plane.metrics_text()
        await plane.logs.append("audit", 1)
        assert len(await plane.logs.read("audit")) == 1


async def test_limits_are_errors_that_name_them() -> None:
    limits = {"max_logs": 1, "max_log_entry_bytes": 10, "max_log_entries": 2}
    async with await create_control_plane(ControlPlaneConfig(limits=limits)) as plane:
        await plane.logs.append("a", 1)
        with pytest.raises(ResourceExhausted, match="max_logs"):
            await plane.logs.append("b", 1)
        with pytest.raises(InvalidArgument, match="max_log_entry_bytes"):
            await plane.logs.append("a", "0123456789")
        await plane.logs.append("a", 2)
        with pytest.raises(ResourceExhausted, match="max_log_entries"):
            await plane.logs.append("a", 3)


async def test_bad_input_is_named() -> None:
    async with await create_control_plane() as plane:
        logs = plane.logs
        with pytest.raises(InvalidArgument, match="a b"):
            await logs.append("a b", 1)
        with pytest.raises(InvalidArgument, match="entry"):
            await logs.append("a", object())  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="max_items"):
            await logs.read("a", max_items=0)
        with pytest.raises(InvalidArgument, match="after"):
            await logs.read("a", -1)
        with pytest.raises(InvalidArgument, match="wait"):
            await logs.read("a", wait=-1)
        with pytest.raises(InvalidArgument, match="max_entries"):
            await logs.define("a", max_entries=0)
        with pytest.raises(InvalidArgument, match="max_age"):
            await logs.define("a", max_age=-1)
        with pytest.raises(NotFound):
            await logs.get("a")


async def test_the_history_of_events_may_be_trimmed_by_age() -> None:
    config = ControlPlaneConfig(event_retention=0.001)
    async with await create_control_plane(config) as plane:
        await plane.logs.define("audit")
        # Due a second and more later, and after what is due at the next full second.
        await plane.submit_task("later", delay=1.1)
        assert await plane.claim_task("agent", block_ms=60_000) is not None
        assert (await plane.get_stats())["events"]["first_seq"] > 2


def test_values_pickle_and_handles_do_not() -> None:
    entry = LogEntry(seq=3, value={"a": 1})
    log = LogInfo(name="audit", max_entries=3, max_age=1.5, last_seq=9)
    for value in (entry, log):
        assert pickle.loads(pickle.dumps(value)) == value == copy.copy(value)
    assert entry.to_dict()["value"] == {"a": 1} and "seq=3" in repr(entry)
    assert log.max_age == 1.5
    with sync.create_control_plane() as plane:
        with pytest.raises(TypeError, match="handle"):
            pickle.dumps(plane.logs)


def test_a_coordinator_that_is_not_connected_has_no_logs() -> None:
    with pytest.raises(FailedPrecondition, match="connect"):
        _ = ControlPlaneCoordinator().logs


def test_threads_write_and_follow() -> None:
    with sync.create_control_plane() as plane:
        plane.logs.define("audit")
        seen: list[list[int]] = [[], []]

        def follow(mine: list[int]) -> None:
            follower = plane.logs.follow("audit", after=0)
            assert isinstance(follower, sync.LogFollower) and not isinstance(follower, LogFollower)
            for entry in follower:
                mine.append(entry.value)
                if len(mine) == 400:
                    return

        def write(first: int) -> None:
            for number in range(first, first + 200):
                plane.logs.append("audit", number)

        threads = [threading.Thread(target=follow, args=(mine,)) for mine in seen]
        threads += [threading.Thread(target=write, args=(first,)) for first in (0, 1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen[0] == seen[1]
        assert sorted(seen[0]) == [*range(200), *range(1000, 1200)]
        assert [log.name for log in plane.logs.list()] == ["audit"]
        assert plane.logs.trim("audit", max_entries=0) == 400
        assert plane.logs.read("audit", 400, wait=0.01) == []


def test_a_thread_that_follows_ends_when_the_coordinator_closes() -> None:
    plane = sync.create_control_plane()
    plane.logs.define("audit")
    ended = threading.Event()
    began = threading.Event()

    def follow() -> None:
        follower = plane.logs.follow("audit")
        began.set()
        for _ in follower:
            pass
        ended.set()

    thread = threading.Thread(target=follow)
    thread.start()
    began.wait()
    plane.shutdown()
    thread.join(30)
    assert ended.is_set()
