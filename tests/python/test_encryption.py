"""Encryption at rest: keys from code, callbacks, files and variables."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

import aragora_cp
from aragora_cp import (
    ControlPlaneConfig,
    ControlPlaneCoordinator,
    FailedPrecondition,
    InvalidArgument,
    SecretKey,
    sync,
)

K1 = SecretKey("k1", b"a secret of at least thirty-two bytes")
K2 = SecretKey("k2", b"another one of at least thirty-two bytes")


def text_of(*keys: SecretKey) -> str:
    return json.dumps(
        {"keys": [{"id": k.id, "state": k.state, "secret": base64.b64encode(k.secret).decode()} for k in keys]}
    )


def opened(config: ControlPlaneConfig) -> sync.ControlPlaneCoordinator:
    return sync.ControlPlaneCoordinator.create(config)


def test_with_keys_everything_looks_as_it_was_given() -> None:
    with opened(ControlPlaneConfig(encryption_keys=[K1], require_encryption=True)) as plane:
        task_id = plane.submit_task("work", {"name": "Ada"})
        task = plane.claim_task("agent")
        assert task is not None and task.payload == {"name": "Ada"}
        plane.complete_task(task.id, result=[1], lease=task.lease)
        done = plane.wait_for_result(task_id, timeout=5)
        assert (done.payload, done.result, done.unreadable) == ({"name": "Ada"}, [1], None)
        plane.state.put("doc", {"a": 1})
        assert plane.state.get("doc").value == {"a": 1}
        assert plane.state.update("doc", lambda value: {**value, "b": 2}) == {"a": 1, "b": 2}


async def rotate(plane: ControlPlaneCoordinator, keys: list[SecretKey]) -> None:
    await plane.state.put("old", 1)
    keys[:] = [SecretKey("k1", K1.secret, "previous"), K2]
    await plane.reload_encryption_keys()
    await plane.state.put("new", 2)
    assert (await plane.state.get("old")).value == 1

    keys[:] = [SecretKey("k1", state="retired"), K2]
    await plane.reload_encryption_keys()
    assert (await plane.state.get("new")).value == 2
    with pytest.raises(FailedPrecondition, match='value of document old cannot be decrypted: key "k1" is retired'):
        await plane.state.get("old")
    new, old = [document async for document in plane.state.list()]
    assert (new.value, new.unreadable) == (2, None)
    assert old.value is None and old.unreadable is not None and "retired" in old.unreadable


def test_keys_rotate_by_a_callback() -> None:
    async def run() -> None:
        keys = [K1]
        async with ControlPlaneCoordinator(ControlPlaneConfig(encryption_keys=lambda: keys)) as plane:
            await rotate(plane, keys)

    asyncio.run(run())


def test_a_reload_that_fails_leaves_the_keys_as_they_were() -> None:
    keys: list[SecretKey] = [K1]

    def source() -> Iterable[SecretKey]:
        if not keys:
            raise OSError("the vault is away")
        return keys

    with opened(ControlPlaneConfig(encryption_keys=source)) as plane:
        plane.state.put("doc", 1)
        keys[:] = [SecretKey("k1", b"short")]
        with pytest.raises(InvalidArgument, match="has 5 bytes"):
            plane.reload_encryption_keys()
        keys.clear()
        with pytest.raises(OSError, match="vault"):
            plane.reload_encryption_keys()
        assert plane.state.get("doc").value == 1
        keys[:] = [SecretKey("k1", K1.secret, "previous"), K2]
        plane.reload_encryption_keys()
        assert plane.state.get("doc").value == 1


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text_of(K1))
    file.chmod(0o644)
    with pytest.raises(InvalidArgument, match="chmod 600"):
        opened(ControlPlaneConfig(encryption_keys_file=str(file)))
    file.chmod(0o600)
    with opened(ControlPlaneConfig(encryption_keys_file=str(file))) as plane:
        plane.state.put("doc", 1)
        file.write_text(text_of(SecretKey("k1", K1.secret, "previous"), K2))
        plane.reload_encryption_keys()
        assert plane.state.get("doc").value == 1


def test_keys_come_from_the_environment_and_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARAGORA_CP_ENCRYPTION_KEYS", text_of(K1))
    config = ControlPlaneConfig.from_environment(require_encryption=True)
    assert config.encryption_keys_variable == "ARAGORA_CP_ENCRYPTION_KEYS"
    assert config.origins["encryption_keys_variable"] == "ARAGORA_CP_ENCRYPTION_KEYS"
    secret = base64.b64encode(K1.secret).decode()
    assert secret not in repr(config) + repr(config.options())
    with opened(config) as plane:
        plane.state.put("doc", 1)
        assert plane.state.get("doc").value == 1


def test_keys_given_in_code_stay_with_a_config_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARAGORA_CP_REQUIRE_ENCRYPTION", "true")
    config = ControlPlaneConfig.from_environment(encryption_keys=[K1])
    assert config.require_encryption and config.encryption_keys == [K1]
    assert "thirty-two" not in repr(config) + repr(K1)
    opened(config).shutdown()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "0 keys are active"),
        ([K1, K2], "2 keys are active"),
        ([SecretKey("k1", K1.secret, "old")], 'state is "old"'),
        ([SecretKey("not a name", K1.secret)], "key id"),
        ([SecretKey("k1", "text" * 10)], "must be bytes"),  # type: ignore[arg-type]
    ],
)
def test_keys_that_break_a_rule_are_refused(keys: list[SecretKey], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        opened(ControlPlaneConfig(encryption_keys=keys))
    assert "thirty-two" not in str(caught.value)


def test_without_keys_there_is_nothing_to_reload() -> None:
    with pytest.raises(InvalidArgument, match="require_encryption is true"):
        opened(ControlPlaneConfig(require_encryption=True))
    with opened(ControlPlaneConfig()) as plane, pytest.raises(FailedPrecondition, match="no encryption keys"):
        plane.reload_encryption_keys()
    assert aragora_cp.SecretKey is SecretKey
