"""Snapshots: a tenant as a file and back, and the small states of agents."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from aragora_cp import (
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    SnapshotSummary,
    Worker,
    create_control_plane,
    sync,
)


async def fill(plane: ControlPlaneCoordinator) -> None:
    await plane.register_agent("worker", ["code"], max_concurrency=4)
    for number in range(3):
        await plane.submit_task("work", {"number": number}, task_id=f"task-{number}")
    await plane.state.put("plan", {"steps": [1, 2]})


async def test_a_tenant_goes_to_a_file_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "plane.jsonl"
    async with await create_control_plane() as plane, await create_control_plane() as other:
        await fill(plane)
        held = await plane.claim_task("worker", ["code"])
        assert held is not None
        written = await plane.export_snapshot(path)
        assert isinstance(written, SnapshotSummary)
        assert (written.tasks, written.agents, written.documents) == (3, 1, 1)
        assert written.bytes == path.stat().st_size
        assert written.taken_at is not None and len(written.sha256) == 64
        read = await other.import_snapshot(str(path))
        assert read == written
        assert pickle.loads(pickle.dumps(read)) == read
        await other.complete_task(held.id, {"done": True}, lease=held.lease)
        assert (await other.state.get("plan")).value == {"steps": [1, 2]}
        assert [json.loads(line)["row"] for line in path.read_text().splitlines()][:2] == ["header", "totals"]
        with pytest.raises(FailedPrecondition, match="in use"):
            await other.import_snapshot(path)


async def test_a_path_is_whatever_the_system_takes(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/pl\xff\n\xc3\xa4ne"
    async with await create_control_plane() as plane, await create_control_plane() as other:
        await fill(plane)
        written = await plane.export_snapshot(os.fsdecode(path))
        assert os.listdir(os.fsencode(tmp_path)) == [path.rsplit(b"/", 1)[1]]
        assert await other.import_snapshot(Path(os.fsdecode(path))) == written
        with pytest.raises(NotFound, match="cannot read"):
            await plane.import_snapshot(os.fsdecode(path) + "none")
        with pytest.raises(InvalidArgument, match="path"):
            await plane.export_snapshot("a\0b")


async def test_a_damaged_file_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "plane.jsonl"
    async with await create_control_plane() as plane:
        await fill(plane)
        await plane.export_snapshot(path)
    path.write_text(path.read_text().replace("task-1", "task-7", 1))
    async with await create_control_plane() as plane:
        with pytest.raises(InvalidArgument, match=r"line \d+: its sum is wrong"):
            await plane.import_snapshot(path)
        assert (await plane.get_stats())["scheduler"]["pending_tasks"] == 0
        with pytest.raises(NotFound):
            await plane.import_snapshot(tmp_path / "none")
        with pytest.raises(ResourceExhausted, match="No space left"):
            await plane.export_snapshot("/dev/full")
        with pytest.raises((NotFound, PermissionDenied)):
            await plane.export_snapshot(tmp_path / "no" / "such" / "directory")
        with pytest.raises(TypeError):
            await plane.export_snapshot(7)  # type: ignore[arg-type]


async def test_the_state_of_an_agent_is_kept_and_told() -> None:
    async with await create_control_plane() as plane:
        await fill(plane)
        await plane.submit_task("work", agent_id="worker", task_id="mine")
        assert await plane.set_state("worker", {"step": 3}) == 1
        snapshot = await plane.get_state_snapshot("worker")
        assert snapshot["agent_id"] == "worker" and snapshot["status"] == "ready"
        assert snapshot["state"] == {"step": 3} and snapshot["state_version"] == 1
        assert snapshot["held_tasks"] == [] and snapshot["directed_tasks"] == ["mine"]
        assert await plane.set_state("worker", snapshot) == 2
        assert (await plane.get_state_snapshot("worker"))["state"] == {"step": 3}
        with pytest.raises(NotFound):
            await plane.get_state_snapshot("nobody")
        totals = await plane.get_state_snapshot()
        assert totals["tasks"]["pending"] == 4 and totals["agents"]["total"] == 1


async def test_a_worker_has_a_state() -> None:
    async with await create_control_plane() as plane:
        worker = Worker(plane, agent_id="worker", capabilities=["code"])
        async with worker:
            assert await worker.set_state([1, 2]) == 1
            assert (await worker.get_state_snapshot())["state"] == [1, 2]


def test_the_snippet_of_the_guide_runs(tmp_path: Path) -> None:
    with sync.create_control_plane() as coordinator:
        workers = [sync.Worker(coordinator, agent_id=f"worker-{number}") for number in range(2)]
        for agent in workers:
            coordinator.register_agent(agent.agent_id)
        snapshot = {
            "coordinator_state": coordinator.get_state_snapshot(),
            "worker_states": [w.get_state_snapshot() for w in workers],
        }
        path = tmp_path / "state_snapshot.json"
        with open(path, "w") as f:
            json.dump(snapshot, f)
        with open(path) as f:
            snapshot = json.load(f)
        for agent in workers:
            agent.set_state(snapshot)
        assert workers[0].get_state_snapshot()["state"] == snapshot


def test_a_snapshot_without_a_loop(tmp_path: Path) -> None:
    path = tmp_path / "plane.jsonl"
    with sync.ControlPlaneCoordinator(ControlPlaneConfig()) as plane:
        plane.submit_task("work")
        assert plane.export_snapshot(path).tasks == 1
    with sync.ControlPlaneCoordinator(ControlPlaneConfig()) as plane:
        assert plane.import_snapshot(path).tasks == 1
        assert plane.get_stats()["scheduler"]["pending_tasks"] == 1
