"""Named leases, and the election of a leader."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any

import pytest

from aragora_cp import (
    Cancelled,
    ControlPlaneCoordinator,
    ControlPlaneError,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    LeaderElection,
    NamedLease,
    NamedLeases,
    NotFound,
    Permit,
    ResourceExhausted,
    create_control_plane,
    sync,
)


async def take_away(plane: ControlPlaneCoordinator, name: str) -> None:
    """What happens to who sleeps longer than its time to live."""
    holder = await plane.leases.holder(name)
    await plane.resources.release(Permit(fence=holder.fence, owner=holder.owner))


# --- leases ---


async def test_a_lease_has_one_holder_at_a_time() -> None:
    async with await create_control_plane() as plane:
        leases = NamedLeases(plane)
        lease = await leases.acquire("main", owner="a", ttl=60)
        assert (lease.name, lease.held) == ("main", True)
        holder = await leases.holder("main")
        assert (holder.owner, holder.fence) == ("a", lease.fence) and holder.expires_at
        with pytest.raises(ResourceExhausted):
            await leases.acquire("main", owner="b")
        with pytest.raises(DeadlineExceeded):
            await leases.acquire("main", owner="b", wait=0.01)
        await lease.release()
        await lease.release()
        assert not lease.held
        with pytest.raises(NotFound, match="main"):
            await leases.holder("main")
        async with await leases.acquire("main", owner="b") as later:
            assert later.fence > lease.fence
        assert not later.held


async def test_who_waits_gets_the_lease_when_it_is_free() -> None:
    async with await create_control_plane() as plane:
        async with await plane.leases.acquire("main", owner="a"):
            waiting = asyncio.ensure_future(plane.leases.acquire("main", owner="b", wait=None))
            while (await plane.get_stats())["permits"]["waiting"] == 0:
                await asyncio.sleep(0)
        assert (await waiting).held


async def test_a_lease_renews_itself_unless_it_is_told_not_to() -> None:
    async with await create_control_plane() as plane:
        lease = await plane.leases.acquire("main", owner="a", ttl=1)
        first = (await plane.leases.holder("main")).expires_at
        while (await plane.leases.holder("main")).expires_at == first:
            await asyncio.sleep(0)
        assert lease.held
        lost: asyncio.Future[ControlPlaneError] = asyncio.get_running_loop().create_future()
        own = await plane.leases.acquire(
            "own", owner="a", ttl=0.5, auto_renew=False, on_lost=lost.set_result
        )
        before = (await plane.leases.holder("own")).expires_at
        await own.renew()
        assert (await plane.leases.holder("own")).expires_at > before
        assert "own" in str(await lost)
        assert not own.held
        with pytest.raises(NotFound):
            await own.renew()
        with pytest.raises(NotFound):
            await own.release()


async def test_a_lease_is_held_for_so_long_at_most() -> None:
    async with await create_control_plane() as plane:
        why: asyncio.Future[ControlPlaneError] = asyncio.get_running_loop().create_future()
        await plane.leases.acquire("kept", owner="a", max_hold=3600)
        lease = await plane.leases.acquire(
            "main", owner="a", ttl=0.3, max_hold=0.1, on_lost=why.set_result
        )
        assert isinstance(await why, DeadlineExceeded) and "max_hold" in str(why.result())
        assert not lease.held


async def test_a_holder_hears_on_its_loop_that_it_was_lost() -> None:
    async with await create_control_plane() as plane:
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        calls: list[Any] = []

        async def on_lost(why: ControlPlaneError) -> None:
            calls.append((asyncio.get_running_loop() is loop, type(why)))
            told.set()

        with pytest.raises(NotFound):
            async with await plane.leases.acquire("main", owner="a", ttl=1, on_lost=on_lost):
                await take_away(plane, "main")
                await told.wait()
        assert calls == [(True, NotFound)]
        with pytest.raises(ZeroDivisionError):
            async with await plane.leases.acquire("main", owner="a"):
                await take_away(plane, "main")
                raise ZeroDivisionError


async def test_a_lease_that_is_released_is_not_lost() -> None:
    async with await create_control_plane() as plane:
        told: list[Any] = []
        lease = await plane.leases.acquire("main", owner="a", ttl=0.03, on_lost=told.append)
        await take_away(plane, "main")
        try:
            await lease.release()
        except NotFound:  # its renewal came first
            pass
        async with await plane.leases.acquire("main", owner="b", wait=60):
            pass
        assert told == []


async def test_a_lease_that_is_forgotten_is_free_again() -> None:
    async with await create_control_plane() as plane:
        lease: NamedLease | None = await plane.leases.acquire("main", owner="a")
        assert lease is not None and lease.held
        lease = None
        await plane.leases.acquire("main", owner="b")


async def test_a_cancelled_await_passes_the_lease_on() -> None:
    async with await create_control_plane() as plane:
        lease = await plane.leases.acquire("main", owner="a")
        waiting = asyncio.ensure_future(plane.leases.acquire("main", owner="b", wait=60))
        while (await plane.get_stats())["permits"]["waiting"] == 0:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await lease.release()
        async with await plane.leases.acquire("main", owner="c", wait=60) as mine:
            assert mine.held


async def test_what_does_not_fit_is_refused() -> None:
    plane = await create_control_plane()
    with pytest.raises(InvalidArgument, match="lease|name|pool"):
        await plane.leases.acquire("", owner="a")
    with pytest.raises(InvalidArgument, match="owner"):
        await plane.leases.acquire("main", owner="")
    with pytest.raises(InvalidArgument, match="ttl"):
        await plane.leases.acquire("main", owner="a", ttl=0)
    with pytest.raises(InvalidArgument, match="auto_renew"):
        await plane.leases.acquire("main", owner="a", auto_renew=1)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="candidate"):
        await LeaderElection(plane, "main", "").start()
    lease = await plane.leases.acquire("main", owner="a")
    for handle in (lease, plane.leases, LeaderElection(plane, "main", "a")):
        with pytest.raises(TypeError, match="handle"):
            pickle.dumps(handle)
    await plane.shutdown()
    for call in (plane.leases.acquire("m", owner="a"), plane.leases.holder("m"), lease.renew(), lease.release()):
        with pytest.raises(Cancelled):
            await call
    with pytest.raises(Cancelled):
        await LeaderElection(plane, "main", "a").start()


# --- elections ---


async def test_the_next_candidate_leads_when_the_leader_resigns() -> None:
    async with await create_control_plane() as plane:
        heard: list[Any] = []
        async with LeaderElection(plane, "main", "b", on_elected=heard.append) as second:
            epoch = await second.wait_elected()
            assert (second.is_leader, second.epoch, heard) == (True, epoch, [epoch])
            third = LeaderElection(plane, "main", "c")
            assert (third.is_leader, third.epoch) == (False, 0)
            with pytest.raises(FailedPrecondition, match="main"):
                await third.wait_elected()
            await third.start()
            await third.start()
            assert not third.is_leader
            assert (await plane.leases.holder("main")).owner == "b"
        assert not second.is_leader and heard == [epoch]
        assert await third.wait_elected() > epoch
        await third.stop()
        await third.stop()
        await third.start()
        assert await third.wait_elected() > epoch
        await third.stop()


async def test_a_leader_that_lost_its_lease_stands_again() -> None:
    async with await create_control_plane() as plane:
        heard: asyncio.Queue[Any] = asyncio.Queue()

        async def on_lost(why: ControlPlaneError) -> None:
            heard.put_nowait(why)

        election = LeaderElection(
            plane, "main", "a", ttl=1, on_elected=heard.put_nowait, on_lost=on_lost
        )
        async with election:
            epoch = await election.wait_elected()
            assert await heard.get() == epoch
            await take_away(plane, "main")
            assert {type(await heard.get()), type(await heard.get())} == {NotFound, int}
            assert await election.wait_elected() > epoch


async def test_a_wait_for_an_election_ends_with_it_or_the_coordinator() -> None:
    plane = await create_control_plane()
    lease = await plane.leases.acquire("main", owner="a")
    election = LeaderElection(plane, "main", "b")
    await election.start()
    waiting = asyncio.ensure_future(election.wait_elected())
    await asyncio.sleep(0)
    await election.stop()
    with pytest.raises(Cancelled, match="main"):
        await waiting
    await election.start()
    waiting = asyncio.ensure_future(election.wait_elected())
    await asyncio.sleep(0)
    await plane.shutdown()
    with pytest.raises(Cancelled):
        await waiting
    await election.stop()
    assert not election.is_leader and lease.fence > 0


def test_threads_take_turns() -> None:
    with sync.create_control_plane() as plane:
        inside: list[int] = []
        fences: list[int] = []

        def work(n: int) -> None:
            with plane.leases.acquire("main", owner=f"t{n}", wait=60) as lease:
                inside.append(n)
                assert inside == [n]
                fences.append(lease.fence)
                inside.remove(n)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(fences) == 8 and fences == sorted(fences)


def test_a_thread_hears_that_its_lease_was_lost() -> None:
    with sync.create_control_plane() as plane:
        told = threading.Event()
        lease = plane.leases.acquire("main", owner="a", ttl=0.03, on_lost=lambda _: told.set())
        plane.resources.release(Permit(fence=lease.fence, owner="a"))
        assert told.wait(30) and not lease.held


def test_threads_elect_a_leader() -> None:
    with sync.create_control_plane() as plane:
        heard: list[int] = []
        first = sync.LeaderElection(plane, "main", "a", on_elected=heard.append)
        with first, sync.LeaderElection(plane, "main", "b") as second:
            epoch = first.wait_elected() if first.is_leader else second.wait_elected()
            leader, other = (first, second) if first.is_leader else (second, first)
            assert leader.epoch == epoch
            leader.stop()
            assert other.wait_elected() > epoch


FORKED = """
import os
from aragora_cp import FailedPrecondition, sync

plane = sync.create_control_plane()
lease = plane.leases.acquire("main", owner="a", on_lost=print)
election = sync.LeaderElection(plane, "other", "a")
election.start()
election.wait_elected()
child = os.fork()
if child == 0:
    again = plane.leases
    for use in (lambda: lease.held, lease.release, lambda: election.epoch, lambda: again.holder("main")):
        try:
            use()
        except FailedPrecondition:
            print("refused", flush=True)
    del lease, election
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert lease.held and election.is_leader
lease.release()
"""


def test_after_a_fork_a_lease_refuses_and_is_still_held(python: Any) -> None:
    assert python("import warnings; warnings.simplefilter('ignore')" + FORKED) == "refused\n" * 4
