"""What the user set, validated into one typed object.

In: the JSON of the editor's `linewise` section. Out: `Settings` and a list of problems in plain
words; a bad value never stops the server, its default takes its place. Never reads files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from attrs import Attribute, field, fields, frozen
from attrs.validators import ge, instance_of, le

Trigger = Literal["automatic", "manual"]
Fetch = Literal["ask", "always", "never"]
TelemetryLevel = Literal["off", "local", "counts", "events"]
LogLevel = Literal["error", "warning", "info", "debug"]

Validator = Any
"""attrs calls it with (instance, attribute, value); it raises TypeError or ValueError."""


def _one_of(literal: Any) -> Validator:
    options = get_args(literal)

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if value not in options:
            raise ValueError(f"is {value!r}; it can be {', '.join(options)}")

    return check


def _number(low: float, high: float) -> list[Validator]:
    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"is {value!r}; it is a number")

    return [check, ge(low), le(high)]


def _texts(_: Any, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"is {value!r}; it is a list of texts")


def _switches(_: Any, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, dict) or not all(isinstance(item, bool) for item in value.values()):
        raise TypeError(f"is {value!r}; it maps language ids to true or false")


@frozen
class Settings:
    """Every setting with its default; the names in the editor are in `metadata["key"]`."""

    enable: bool = field(default=True, validator=instance_of(bool), metadata={"key": "enable"})
    trigger: Trigger = field(
        default="automatic", validator=_one_of(Trigger), metadata={"key": "trigger"}
    )
    languages: Mapping[str, bool] = field(
        factory=lambda: {"*": True}, validator=_switches, metadata={"key": "languages"}
    )
    exclude: tuple[str, ...] = field(
        default=(), validator=_texts, converter=lambda v: v, metadata={"key": "exclude"}
    )
    model: str = field(
        default="smollm2-135m", validator=instance_of(str), metadata={"key": "model"}
    )
    latency_automatic: float = field(
        default=300, validator=_number(50, 10_000), metadata={"key": "latency.automatic"}
    )
    latency_invoked: float = field(
        default=3000, validator=_number(100, 60_000), metadata={"key": "latency.invoked"}
    )
    candidates: int = field(
        default=3, validator=[instance_of(int), *_number(1, 4)], metadata={"key": "candidates"}
    )
    idle_minutes: float = field(
        default=10, validator=_number(0.01, 1440), metadata={"key": "engine.idleMinutes"}
    )
    threads: int = field(
        default=0,
        validator=[instance_of(int), *_number(0, 256)],
        metadata={"key": "engine.threads"},
    )
    remote_url: str = field(default="", validator=instance_of(str), metadata={"key": "remote.url"})
    remote_model: str = field(
        default="", validator=instance_of(str), metadata={"key": "remote.model"}
    )
    docs_fetch: Fetch = field(
        default="ask", validator=_one_of(Fetch), metadata={"key": "docs.fetch"}
    )
    docs_private_packages: tuple[str, ...] = field(
        default=(), validator=_texts, metadata={"key": "docs.privatePackages"}
    )
    telemetry_level: TelemetryLevel = field(
        default="local", validator=_one_of(TelemetryLevel), metadata={"key": "telemetry.level"}
    )
    trace: bool = field(default=False, validator=instance_of(bool), metadata={"key": "trace"})
    log_level: LogLevel = field(
        default="warning", validator=_one_of(LogLevel), metadata={"key": "logLevel"}
    )

    def serves(self, language: str) -> bool:
        """Say whether completions are wanted in a language."""
        return self.enable and self.languages.get(language, self.languages.get("*", True))


def read_settings(data: Any) -> tuple[Settings, list[str]]:
    """Return the settings in the editor's `linewise` section, and what is wrong with it.

    Sections may be nested (`{"latency": {"automatic": 200}}`) or dotted. What is not known to the
    server is the client's own and is passed over.
    """
    if data is None:
        return Settings(), []
    if not isinstance(data, dict):
        return Settings(), [f"The settings are {data!r}; they are a table of names and values."]
    values: dict[str, Any] = {}
    problems = []
    for attribute in fields(Settings):
        key = attribute.metadata["key"]
        value = _find(data, key)
        if value is None:
            continue
        try:
            values[attribute.name] = getattr(Settings(**{attribute.name: value}), attribute.name)
        except (TypeError, ValueError) as error:
            # attrs' own messages begin with the attribute's name, ours with the verb.
            reason = str(error.args[0]).removeprefix(f"'{attribute.name}' ")
            default = getattr(Settings(), attribute.name)
            problems.append(f"linewise.{key} {reason}. Using {default!r}.")
    return Settings(**values), problems


def _find(data: Mapping[str, Any], key: str) -> Any:
    if key in data:
        return data[key]
    head, _, rest = key.partition(".")
    inner = data.get(head)
    return _find(inner, rest) if rest and isinstance(inner, dict) else None
