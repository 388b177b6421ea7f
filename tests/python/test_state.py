"""Shared state: documents by compare and set, and the watch of their changes."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from datetime import timedelta
from typing import Any

import pytest

from aragora_cp import (
    AlreadyExists,
    Cancelled,
    ChangeKind,
    Conflict,
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    DataLoss,
    Document,
    DocumentChange,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    SharedState,
    create_control_plane,
    sync,
)


async def test_a_document_is_what_was_put() -> None:
    value = {"steps": ["read", 1, 2.5, None, True], "né": {"a": []}}
    async with await create_control_plane() as plane:
        version = await plane.state.put("plan", value)
        found = await plane.state.get("plan")
        assert (found.key, found.value, found.version) == ("plan", value, version)
        assert found.created_at == found.updated_at and found.expires_at is None
        assert found.value is found.value
        assert await plane.state.remove("plan") is True
        assert await plane.state.remove("plan") is False
        with pytest.raises(NotFound, match="plan"):
            await plane.state.get("plan")
        await plane.state.put("null", None)
        assert (await plane.state.get("null")).value is None


async def test_a_put_that_expects_another_version_is_a_conflict() -> None:
    async with await create_control_plane() as plane:
        state = SharedState(plane)
        first = await state.put("k", 1, expected_version=0)
        with pytest.raises(Conflict, match="k"):
            await state.put("k", 2, expected_version=0)
        second = await state.put("k", 2, expected_version=first)
        assert second > first
        with pytest.raises(Conflict):
            await state.remove("k", expected_version=first)
        assert await state.remove("k", expected_version=second) is True
        assert await state.put("k", 3) > second
        stats = (await plane.get_stats())["documents"]
        assert (stats["documents"], stats["puts_total"], stats["conflicts_total"]) == (1, 3, 2)
        assert (stats["deletes_total"], stats["expired_total"]) == (1, 0) and stats["bytes"] > 0


async def test_a_put_with_an_operation_id_is_repeated_safely() -> None:
    async with await create_control_plane() as plane:
        version = await plane.state.put("k", [1], operation_id="once")
        assert await plane.state.put("k", [1], operation_id="once") == version
        with pytest.raises(AlreadyExists):
            await plane.state.put("k", [2], operation_id="once")


async def test_a_time_to_live_is_kept_until_another_one_is_given() -> None:
    async with await create_control_plane() as plane:
        await plane.state.put("k", 1, ttl=3600)
        document = await plane.state.get("k")
        assert document.expires_at == document.created_at + timedelta(hours=1)
        await plane.state.put("k", 2)
        assert (await plane.state.get("k")).expires_at == document.expires_at
        await plane.state.put("k", 3, ttl=0)
        assert (await plane.state.get("k")).expires_at is None


async def test_an_expired_document_is_gone_and_said_to_be() -> None:
    async with await create_control_plane() as plane:
        watch = plane.state.watch()
        await plane.state.put("k", 1, ttl=0.001)
        changes = [await watch.__anext__(), await watch.__anext__()]
        assert [change.kind for change in changes] == [ChangeKind.PUT, ChangeKind.EXPIRED]
        with pytest.raises(NotFound):
            await plane.state.get("k")


async def test_a_list_goes_over_all_pages_in_the_order_of_the_keys() -> None:
    keys = [f"plan/{n:03}" for n in range(250)]
    async with await create_control_plane() as plane:
        for key in reversed(keys):
            await plane.state.put(key, {"key": key})
        await plane.state.put("other", 1)
        assert [document.key async for document in plane.state.list("plan/")] == keys
        assert [document.value async for document in plane.state.list("o")] == [1]
        assert len([document async for document in plane.state.list()]) == 251


async def test_an_update_loses_nobodys_change() -> None:
    async with await create_control_plane() as plane:

        async def count(n: int | None) -> int:
            await asyncio.sleep(0)  # others come between
            return (n or 0) + 1

        answers = await asyncio.gather(*(plane.state.update("hits", count) for _ in range(20)))
        assert sorted(answers) == list(range(1, 21))
        assert (await plane.state.get("hits")).value == 20


async def test_an_update_may_change_the_value_it_is_given_or_leave_it() -> None:
    async with await create_control_plane() as plane:

        def append(names: list[str] | None) -> list[str]:
            names = names if names is not None else []
            names.append("x")
            return names

        assert await plane.state.update("names", append) == ["x"]
        assert await plane.state.update("names", append, ttl=60) == ["x", "x"]
        before = await plane.state.get("names")
        assert before.expires_at is not None
        assert await plane.state.update("names", lambda _: None) == ["x", "x"]
        assert await plane.state.get("names") == before
        assert await plane.state.update("none", lambda _: None) is None

        def refuse(_: Any) -> Any:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await plane.state.update("names", refuse)
        assert await plane.state.get("names") == before


async def test_an_update_that_is_always_overtaken_is_a_conflict() -> None:
    async with await create_control_plane() as plane:
        tries = 0

        async def overtaken(_: Any) -> str:
            nonlocal tries
            tries += 1
            await plane.state.put("k", tries)
            return "mine"

        with pytest.raises(Conflict, match=r"max_tries \(3\)"):
            await plane.state.update("k", overtaken, max_tries=3)
        assert tries == 3 and (await plane.state.get("k")).value == 3
        with pytest.raises(InvalidArgument, match="max_tries"):
            await plane.state.update("k", overtaken, max_tries=0)


async def test_a_watch_tells_every_change_under_its_prefix() -> None:
    async with await create_control_plane() as plane:
        old = await plane.state.put("plan/0", 0)
        async with plane.state.watch("plan/") as watch:
            assert watch.last_seq == 0
            first = await plane.state.put("plan/1", 1)
            await plane.state.put("other", 1)
            await plane.submit_task("t")
            second = await plane.state.put("plan/1", 2)
            await plane.state.remove("plan/1")
            seen = [await watch.__anext__() for _ in range(3)]
        assert [(c.kind, c.key, c.version) for c in seen] == [
            ("put", "plan/1", first), ("put", "plan/1", second), ("deleted", "plan/1", second),
        ]  # fmt: skip
        assert seen[0].seq < seen[1].seq < seen[2].seq == watch.last_seq
        again = plane.state.watch("plan/", after=seen[0].seq)
        assert [await again.__anext__(), await again.__anext__()] == seen[1:]
        everything = plane.state.watch(after=0)
        assert (await everything.__anext__()).version == old


async def test_a_watch_ends_with_its_close_and_with_the_coordinator() -> None:
    plane = await create_control_plane()
    closed, left = plane.state.watch(), plane.state.watch()
    await closed.close()
    assert [change async for change in closed] == []
    waiting = asyncio.ensure_future(left.__anext__())
    await asyncio.sleep(0)
    await plane.shutdown()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_a_watch_that_is_too_late_gets_data_loss() -> None:
    async with await create_control_plane(limits={"max_events": 10}) as plane:
        for n in range(100):
            await plane.state.put("k", n)
        with pytest.raises(DataLoss):
            await plane.state.watch(after=1).__anext__()


async def test_limits_and_rules_are_named() -> None:
    limits = {"max_documents": 1, "max_document_bytes": 10}
    async with await create_control_plane(limits=limits) as plane:
        await plane.state.put("k", 1)
        with pytest.raises(ResourceExhausted, match="max_documents"):
            await plane.state.put("l", 1)
        with pytest.raises(InvalidArgument, match="max_document_bytes"):
            await plane.state.put("k", "x" * 11)
        with pytest.raises(InvalidArgument, match=r"value\.when.*set"):
            await plane.state.put("k", {"when": set()})  # type: ignore[dict-item]
        with pytest.raises(InvalidArgument, match="key"):
            await plane.state.get("")
        with pytest.raises(InvalidArgument, match="expected_version"):
            await plane.state.put("k", 1, expected_version=-1)
        with pytest.raises(InvalidArgument, match="ttl"):
            await plane.state.put("k", 1, ttl=-1)


async def test_a_state_needs_a_coordinator_that_is_open() -> None:
    with pytest.raises(FailedPrecondition, match="connect"):
        ControlPlaneCoordinator(ControlPlaneConfig()).state
    plane = await create_control_plane()
    state = plane.state
    await plane.shutdown()
    for call in (state.get("k"), state.put("k", 1), state.remove("k"), state.update("k", print)):
        with pytest.raises(Cancelled):
            await call
    with pytest.raises(TypeError, match="handle"):
        pickle.dumps(state)


async def test_documents_and_changes_are_values() -> None:
    async with await create_control_plane() as plane:
        await plane.state.put("k", {"a": 1})
        change = await plane.state.watch(after=0).__anext__()
        for value in (await plane.state.get("k"), change):
            assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == value
    assert change == DocumentChange(**change.to_dict())
    assert repr(Document(key="k", value=[1], version=3)) == "Document(key='k', value=[1], version=3)"


def test_threads_share_a_document() -> None:
    with sync.create_control_plane() as plane:

        def work() -> None:
            for _ in range(25):
                plane.state.update("hits", lambda n: (n or 0) + 1, max_tries=10_000)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert plane.state.get("hits").value == 100
        assert [document.key for document in plane.state.list()] == ["hits"]


def test_a_thread_watches() -> None:
    with sync.create_control_plane() as plane, plane.state.watch("k") as watch:
        seen: list[DocumentChange] = []
        both = threading.Event()

        def collect() -> None:
            for change in watch:
                seen.append(change)
                if len(seen) == 2:
                    both.set()

        thread = threading.Thread(target=collect)
        thread.start()
        version = plane.state.put("k", 1)
        plane.state.remove("k", expected_version=version)
        assert both.wait(30)
        watch.close()
        thread.join()
        assert [c.kind for c in seen] == [ChangeKind.PUT, ChangeKind.DELETED]
