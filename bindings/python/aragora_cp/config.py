"""Options of a coordinator, in code or from the environment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Union

from . import _core
from .definitions import SecretKey
from .errors import InvalidArgument

#: All keys, or what answers them; it is called on a thread when connecting and reloading.
Keys = Union[Iterable[SecretKey], Callable[[], Iterable[SecretKey]]]

_ALIASES = ("redis_url", "redis_cluster", "tenant_isolation")  # the guide's, of other options
_GROUPS = ("limits", "retention")
_NOT_TEXTS = ("origins", "encryption_keys", *_ALIASES)


@dataclass(frozen=True, kw_only=True)
class ControlPlaneConfig:
    """All durations are seconds, kept to the millisecond; docs/configuration.md has every rule.

    Values are checked when the coordinator connects: :class:`InvalidArgument` names the option, its
    value and where it came from.
    """

    store_url: str = field(default="memory://", repr=False)  #: where the state lives
    redis_url: str | None = field(default=None, repr=False)  #: another name of ``store_url``
    redis_cluster: bool = False  #: ``redis_url`` lists the nodes of a cluster
    tenant_id: str = "default"  #: all operations are scoped to it
    tenant_isolation: bool | None = None  #: True demands a ``tenant_id``; tenants never share
    key_prefix: str = "aragora:cp:"  #: of every key in a shared store
    coordinator_id: str = ""  #: for people, in logs; "" is host:pid
    heartbeat_interval: float = 10.0  #: how often a Worker reports
    heartbeat_timeout: float = 30.0  #: an agent silent this long is offline
    probe_interval: float = 30.0  #: of probes that name none
    probe_timeout: float = 10.0  #: of probes that name none
    task_timeout: float = 300.0  #: of one attempt, for tasks that name none
    max_task_retries: int = 3  #: failures beyond the first attempt, for tasks that name none
    cleanup_interval: float = 60.0  #: longest time between two cleanups
    offline_agent_retention: float = 86_400.0  #: an agent offline this long is removed
    event_retention: float = 0.0  #: events this old are trimmed; 0 is only by number and size
    cancel_grace: float = 30.0  #: from a cancel request to its enforcement
    lease_ttl: float = 30.0  #: of a Worker's claims
    ageing_interval: float = 0.0  #: waiting this long gains a priority level; 0 is never
    operation_timeout: float = 5.0  #: how long a call to a store that is away is repeated
    strategy: str = "round_robin"  #: the order of waiting claims
    require_lease: bool = False  #: ends of attempts must name their lease
    require_registration: bool = False  #: only registered agents may claim
    enable_metrics: bool = True  #: False: ``metrics_text()`` is empty
    fallback_to_memory: bool = False  #: when a shared store cannot be reached at start
    encryption_keys: Keys | None = field(default=None, compare=False, repr=False)
    """Encrypts payloads, results, checkpoints and documents in the store; see docs/encryption.md."""
    encryption_keys_file: str = ""  #: the same from a file, unless ``encryption_keys`` are given
    encryption_keys_variable: str = ""  #: the same from a variable of the environment
    require_encryption: bool = False  #: what was stored in the clear is not read
    incarnation: int = 0  #: of agents registered here; 0 is random
    signing_keys: str | None = field(default=None, repr=False)  #: of messages: the text of key files
    signing_keys_file: str = ""  #: a file that holds them, read again by ``reload_signing_keys``
    message_window: float = 30.0  #: from when a message is signed until the store has it
    log_level: str | None = None  #: of records that are made; None: as the logger is set on connect
    limits: Mapping[str, int] = field(default_factory=dict)  #: those that differ, by name
    retention: Mapping[str, float] = field(default_factory=dict)  #: those that differ, by name
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Options set from the environment: option → variable that won."""

    def __post_init__(self) -> None:
        if self.tenant_isolation and self.tenant_id == "default":
            raise InvalidArgument("tenant_isolation needs a tenant_id")
        if self.tenant_isolation is False and self.tenant_id != "default":
            raise InvalidArgument("tenant_isolation is False, and tenant_id is set")
        if self.redis_url is not None:
            object.__setattr__(self, "store_url", _cluster_url(self))

    @classmethod
    def from_environment(cls, **given: Any) -> ControlPlaneConfig:
        """What is given here wins; then the environment; then the defaults."""
        base = cls(**given)
        texts = _texts({name: getattr(base, name) for name in given if name not in _NOT_TEXTS})
        if base.redis_url is not None:
            texts["store_url"] = base.store_url
        url, options = _core.resolve(texts)
        values: dict[str, Any] = {"store_url": url, "origins": {}, "limits": {}, "retention": {}}
        values["signing_keys"] = base.signing_keys
        for name, value, default, origin in options:
            if name not in ("store_url", "signing_keys"):
                _read(values, name, value, default, origin)
            if origin != _CODE:
                values["origins"][name] = origin
        values["encryption_keys"] = base.encryption_keys
        if "log_level" not in texts and "log_level" not in values["origins"]:
            values["log_level"] = None
        return cls(**values)

    def options(self) -> list[tuple[str, str, str, str]]:
        """Every option as texts: name, value, default and origin. Passwords are not shown."""
        return _core.options(self._given(), dict(self.origins))

    def _given(self) -> dict[str, str]:
        names = [f.name for f in fields(self) if f.name not in _NOT_TEXTS]
        given = _texts({name: getattr(self, name) for name in names})
        if self.log_level is None:
            given["log_level"] = _logger_level()
        return given

    def _keys(self) -> list[tuple[str, bytes, str]] | None:
        """As they are now; None: none are given here."""
        keys = self.encryption_keys() if callable(self.encryption_keys) else self.encryption_keys
        return None if keys is None else [(key.id, key.secret, key.state) for key in keys]


_CODE = "code or default"
_LOGGER = logging.getLogger("aragora.control_plane")


def _cluster_url(config: ControlPlaneConfig) -> str:
    url = config.redis_url or ""
    if config.redis_cluster and url.startswith("redis://"):
        return "redis+cluster" + url.removeprefix("redis")
    return url


def _logger_level() -> str:
    level = _LOGGER.getEffectiveLevel()
    for bound, name in ((10, "debug"), (20, "info"), (30, "warning"), (50, "error")):
        if level <= bound:
            return name
    return "off"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    """By the library's names, as its environment variables would say them."""
    texts: dict[str, str] = {}
    for name, value in values.items():
        if name in _GROUPS and isinstance(value, Mapping):
            texts.update({f"{name}.{key}": _text(item) for key, item in value.items()})
        elif value is not None:
            texts[name] = _text(value)
    return texts


def _read(values: dict[str, Any], name: str, value: str, default: str, origin: str) -> None:
    group, _, key = name.rpartition(".")
    if not group:
        values[name] = _parse(_KINDS[name], value)
    elif value != default or origin != _CODE:
        values[group][key] = float(value) if group == "retention" and key.endswith("age") else int(value)


def _parse(kind: str, text: str) -> object:
    if kind == "bool":
        return text == "true"
    if kind == "int":
        return int(text)
    return float(text) if kind == "float" else text


_KINDS = {f.name: str(f.type) for f in fields(ControlPlaneConfig)}
