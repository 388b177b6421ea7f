"""Options in code and from the environment."""

from __future__ import annotations

import pytest

from aragora_cp import ControlPlaneConfig, FailedPrecondition, InvalidArgument, sync


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "ARAGORA_REDIS_URL", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_the_librarys() -> None:
    ours = ControlPlaneConfig(log_level="info")
    for name, value, default, origin in ours.options():
        assert (name, value, origin) == (name, default, "code or default")
    assert ControlPlaneConfig.from_environment() == ControlPlaneConfig()


def test_code_wins_over_the_environment_and_that_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTBEAT_TIMEOUT", "60")
    monkeypatch.setenv("TASK_TIMEOUT", "0.5")
    monkeypatch.setenv("ARAGORA_CP_LIMITS_MAX_PAGE", "7")
    monkeypatch.setenv("ARAGORA_CP_RETENTION_MAX_AGE", "99.5")
    monkeypatch.setenv("ARAGORA_CP_REQUIRE_LEASE", "yes")
    config = ControlPlaneConfig.from_environment(task_timeout=9, limits={"max_agents": 5})
    assert (config.heartbeat_timeout, config.task_timeout, config.require_lease) == (60.0, 9.0, True)
    assert config.limits == {"max_agents": 5, "max_page": 7}
    assert config.retention == {"max_age": 99.5}
    assert config.origins["heartbeat_timeout"] == "HEARTBEAT_TIMEOUT"
    assert "task_timeout" not in config.origins
    with sync.ControlPlaneCoordinator(config) as plane:
        effective = {name: value for name, value, *_ in plane._plane.options()}
        assert effective["limits.max_page"] == "7" and effective["task_timeout"] == "9"


def test_what_is_wrong_is_named_with_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgument, match=r"heartbeat_timeout is 0 s \(from code or default\); it must be above 0"):
        sync.create_control_plane(heartbeat_timeout=0)
    with pytest.raises(InvalidArgument, match="no option"):
        sync.create_control_plane(limits={"max_nonsense": 1})
    with pytest.raises(TypeError):
        ControlPlaneConfig(nonsense=1)  # type: ignore[call-arg]
    with pytest.raises(InvalidArgument, match="number of seconds"):
        sync.create_control_plane(task_timeout=float("nan"))
    monkeypatch.setenv("ARAGORA_CP_HEARTBEAT_TIMEOUT", "0")
    with pytest.raises(InvalidArgument, match="from ARAGORA_CP_HEARTBEAT_TIMEOUT"):
        sync.create_control_plane()


def test_a_redis_that_this_build_has_not_is_refused_and_no_password_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FailedPrecondition, match="redis"):
        sync.create_control_plane(url="redis://localhost:6379")
    with pytest.raises(FailedPrecondition, match=r"redis\+cluster"):
        sync.ControlPlaneCoordinator.create(ControlPlaneConfig(redis_url="redis://a:1,b:2", redis_cluster=True))
    config = ControlPlaneConfig(redis_url="redis://:secret@host")
    assert "secret" not in repr(config)
    with pytest.raises(FailedPrecondition) as caught:
        config.options()
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    with pytest.raises(FailedPrecondition, match="from REDIS_URL"):
        sync.create_control_plane()
    sync.create_control_plane(url="memory://").shutdown()


def test_tenants() -> None:
    with pytest.raises(InvalidArgument, match="needs a tenant_id"):
        ControlPlaneConfig(tenant_isolation=True)
    with pytest.raises(InvalidArgument):
        ControlPlaneConfig(tenant_isolation=False, tenant_id="org-123")
    assert ControlPlaneConfig(tenant_isolation=True, tenant_id="org-123").tenant_id == "org-123"
