"""Signed messages from agent to agent."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from aragora_cp import (
    AlreadyExists,
    Cancelled,
    Conflict,
    ControlPlaneConfig,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    Message,
    ResourceExhausted,
    TaskFilter,
    Unauthenticated,
    create_control_plane,
    sync,
)


def keys(*names: str) -> str:
    """The first is active, the others are previous."""
    return json.dumps(
        {
            "keys": [
                {
                    "id": name,
                    "state": "active" if at == 0 else "previous",
                    "secret": base64.b64encode(name[0].encode() * 32).decode(),
                }
                for at, name in enumerate(names)
            ]
        }
    )


SIGNING = ControlPlaneConfig(signing_keys=keys("k1"))


async def test_a_message_is_sent_received_and_acknowledged() -> None:
    async with await create_control_plane(SIGNING) as plane:
        alice, bob = plane.mailbox("alice"), plane.mailbox("bob")
        assert await bob.receive() == []
        sent = await alice.send("bob", "greet", {"text": "hé"}, correlation_id="order-7")
        [message] = await bob.receive(10, visibility=60)
        assert (message.id, message.from_, message.to, message.type) == (sent, "alice", "bob", "greet")
        assert message.body == {"text": "hé"} and message.body is message.body
        assert (message.correlation_id, message.key_id, message.delivery) == ("order-7", "k1", 1)
        assert message.visible_at is not None and message.visible_at > message.sent_at
        assert await bob.extend(message) >= message.visible_at
        await bob.acknowledge(pickle.loads(pickle.dumps(message)))
        await bob.acknowledge(message)
        with pytest.raises(Conflict):
            await bob.reject(message, "no")
        assert isinstance(message, Message) and "alice" in repr(message)


async def test_what_is_not_acknowledged_comes_again_or_is_a_dead_letter() -> None:
    async with await create_control_plane(SIGNING) as plane:
        alice, bob = plane.mailbox("alice"), plane.mailbox("bob")
        await alice.send("bob", "greet", 1)
        [first] = await bob.receive(visibility=0.01)
        [second] = await bob.receive(wait=30)
        assert (second.id, second.delivery) == (first.id, 2)
        await bob.release(second)
        [third] = await bob.receive()
        await bob.reject(third, "never", redeliver=False)
        dead = [task async for task in plane.list_tasks(TaskFilter(dead_letters=True))]
        assert [task.error for task in dead] == ["never"]


async def test_a_mailbox_is_iterated_until_the_coordinator_closes() -> None:
    plane = await create_control_plane(SIGNING)
    alice, bob = plane.mailbox("alice"), plane.mailbox("bob")
    seen: list[Any] = []
    got = asyncio.Event()

    async def read() -> None:
        async for message in bob:
            seen.append(message.body)
            await bob.acknowledge(message)
            if len(seen) == 3:
                got.set()

    reader = asyncio.ensure_future(read())
    for number in range(3):
        await alice.send("bob", "count", number)
    await got.wait()
    await plane.shutdown()
    await reader
    assert seen == [0, 1, 2]
    with pytest.raises(Cancelled):
        await bob.receive()


async def test_a_receive_that_is_cancelled_takes_nothing() -> None:
    async with await create_control_plane(SIGNING) as plane:
        alice, bob = plane.mailbox("alice"), plane.mailbox("bob")
        waiting = asyncio.ensure_future(bob.receive(wait=None))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await alice.send("bob", "greet", 1)
        [message] = await bob.receive(wait=30)
        assert message.delivery == 1


async def test_a_request_is_answered_or_says_why_not() -> None:
    async with await create_control_plane(SIGNING) as plane:
        alice, bob = plane.mailbox("alice"), plane.mailbox("bob")

        async def serve() -> None:
            async for message in bob:
                if message.type == "add":
                    await bob.reply(message, sum(message.body))
                elif message.type == "forge":
                    await plane.complete_task(message.id, {"paid": True}, lease=message.lease)
                else:
                    await bob.reject(message, "do not know", redeliver=False)

        server = asyncio.ensure_future(serve())
        answers = await asyncio.gather(*(alice.request("bob", "add", [n, 1]) for n in range(20)))
        assert [answer.body for answer in answers] == list(range(1, 21))
        assert answers[0].from_ == "bob" and answers[0].delivery == 0
        with pytest.raises(FailedPrecondition, match="do not know"):
            await alice.request("bob", "sing")
        with pytest.raises(Unauthenticated, match="no reply"):
            await alice.request("bob", "forge")
        with pytest.raises(DeadlineExceeded):
            await alice.request("nobody", "add", [1], timeout=0.01)
        first = await alice.request("bob", "add", [1], operation_id="op")
        assert (await alice.request("bob", "add", [1], operation_id="op")).id == first.id
        await plane.shutdown()
        await server


async def test_a_broadcast_tells_of_each_receiver() -> None:
    config = ControlPlaneConfig(signing_keys=keys("k1"), limits={"max_mailbox_messages": 1})
    async with await create_control_plane(config) as plane:
        for name in ("a", "b", "me"):
            await plane.register_agent(name, ["code"])
        me = plane.mailbox("me")
        await me.send("b", "fill")
        sent = await me.broadcast("code", "news", {"n": 1})
        assert sorted(sent) == ["a", "b"]
        assert isinstance(sent["b"], ResourceExhausted) and "max_mailbox_messages" in str(sent["b"])
        [message] = await plane.mailbox("a").receive()
        assert (message.id, message.body) == (sent["a"], {"n": 1})


async def test_keys_are_changed_while_messages_wait(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    def write(text: str) -> None:
        path.touch(0o600)
        path.write_text(text)

    write(keys("old"))
    config = ControlPlaneConfig(signing_keys_file=str(path))
    async with await create_control_plane(config) as plane:
        alice, bob = plane.mailbox("alice"), plane.mailbox("bob")
        await alice.send("bob", "greet", 1)
        write(keys("new", "old"))
        await plane.reload_signing_keys()
        await alice.send("bob", "greet", 2)
        assert [m.key_id for m in await bob.receive(5)] == ["old", "new"]
        write("{")
        with pytest.raises(InvalidArgument, match="JSON object"):
            await plane.reload_signing_keys()
        await alice.send("bob", "greet", 3)
        write(keys("other"))
        await plane.reload_signing_keys()
        assert await bob.receive() == []  # nobody knows that key any more
        assert "rejected" in await plane.metrics_text()


async def test_one_secret_of_the_environment_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_SECRET", "x" * 40)
    config = ControlPlaneConfig.from_environment()
    assert config.origins["signing_keys"] == "TOKEN_SECRET"
    assert "x" * 40 not in repr(config)
    async with await create_control_plane(config) as plane:
        await plane.mailbox("alice").send("bob", "greet")
        [message] = await plane.mailbox("bob").receive()
        assert (message.key_id, message.body) == ("token", None)
    monkeypatch.setenv("TOKEN_SECRET", "short")
    with pytest.raises(InvalidArgument, match="TOKEN_SECRET"):
        ControlPlaneConfig.from_environment()


async def test_without_keys_messages_are_unsigned() -> None:
    async with await create_control_plane(ControlPlaneConfig()) as plane:
        await plane.mailbox("alice").send("bob", "greet")
        [message] = await plane.mailbox("bob").receive()
        assert message.key_id is None
        with pytest.raises(FailedPrecondition):
            await plane.reload_signing_keys()


async def test_what_breaks_a_rule_is_named() -> None:
    async with await create_control_plane(SIGNING) as plane:
        alice = plane.mailbox("alice")
        with pytest.raises(InvalidArgument, match="to"):
            await alice.send("b b", "greet")
        with pytest.raises(InvalidArgument, match="body"):
            await alice.send("bob", "greet", {1, 2})  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="visibility"):
            await alice.receive(visibility=0)
        with pytest.raises(InvalidArgument, match="reserved"):
            await plane.submit_task("aragora.message")
        await alice.send("bob", "greet", 1, operation_id="op")
        with pytest.raises(AlreadyExists, match="op"):
            await alice.send("bob", "greet", 2, operation_id="op")
        with pytest.raises(TypeError):
            pickle.dumps(alice)
    with pytest.raises(InvalidArgument, match="signing_keys"):
        await create_control_plane(ControlPlaneConfig(signing_keys="{"))


def test_the_twin_without_a_loop() -> None:
    with sync.create_control_plane(SIGNING) as plane:
        alice, bob = plane.mailbox("alice"), plane.mailbox("bob")

        def serve() -> None:
            for message in bob:
                bob.reply(message, message.body + 1)

        server = threading.Thread(target=serve)
        server.start()
        assert alice.request("bob", "next", 1).body == 2
        assert alice.request("bob", "next", 2).body == 3
        plane.shutdown()
        server.join()
