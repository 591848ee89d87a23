"""What the user set, validated into one typed object.

In: the JSON of the editor's `linewise` section. Out: `Settings` and a list of problems in plain
words; a bad value never stops the server, its default takes its place. Never reads files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from attrs import Attribute, field, fields, frozen

from linewise_models.engine.remote.fim import FORMATS

Trigger = Literal["automatic", "manual"]
Fetch = Literal["ask", "always", "never"]
Hover = Literal["automatic", "whole", "link"]
TelemetryLevel = Literal["off", "local", "counts", "events"]
LogLevel = Literal["error", "warning", "info", "debug"]

Validator = Any
"""attrs calls it with (instance, attribute, value); it raises ValueError."""


def _one_of(choices: Any) -> Validator:
    options = get_args(choices) or choices
    return _check(lambda value: value in options, f"one of {', '.join(options)}")


def _number(low: float, high: float, whole: bool = False) -> Validator:
    kinds = int if whole else int | float

    def fits(value: Any) -> bool:
        return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high

    return _check(fits, f"a {'whole ' if whole else ''}number from {low:g} to {high:g}")


def _check(fits: Callable[[Any], bool], wanted: str) -> Validator:
    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if not fits(value):
            raise ValueError(f"is {value!r}; it must be {wanted}")

    return check


def _all_are(kind: type) -> Callable[[Any], bool]:
    return lambda values: all(isinstance(value, kind) for value in values)


_switch = _check(lambda value: isinstance(value, bool), "true or false")
_text = _check(lambda value: isinstance(value, str), "a text")
_texts = _check(
    lambda value: isinstance(value, list | tuple) and _all_are(str)(value), "a list of texts"
)
_switches = _check(
    lambda value: isinstance(value, dict) and _all_are(bool)(value.values()),
    "a table of language ids with true or false",
)


def _in_folder(key: str) -> dict[str, Any]:
    return {"key": key, "folder": True}


@frozen
class Settings:
    """Every setting with its default.

    The names in the editor are in `metadata["key"]`; `metadata["folder"]` is true where each folder
    of a workspace may have a value of its own.
    """

    enable: bool = field(default=True, validator=_switch, metadata=_in_folder("enable"))
    trigger: Trigger = field(
        default="automatic", validator=_one_of(Trigger), metadata=_in_folder("trigger")
    )
    languages: Mapping[str, bool] = field(
        factory=lambda: {"*": True, "plaintext": False, "markdown": False, "scminput": False},
        validator=_switches,
        metadata=_in_folder("languages"),
    )
    exclude: tuple[str, ...] = field(default=(), validator=_texts, metadata=_in_folder("exclude"))
    model: str = field(default="", validator=_text, metadata={"key": "model"})
    """Empty: the model that `linewise models use` chose, else the index's default."""
    latency_automatic: float = field(
        default=300, validator=_number(50, 10_000), metadata=_in_folder("latency.automatic")
    )
    latency_invoked: float = field(
        default=3000, validator=_number(100, 60_000), metadata=_in_folder("latency.invoked")
    )
    candidates: int = field(
        default=3, validator=_number(1, 4, whole=True), metadata=_in_folder("candidates")
    )
    generate_preview: bool = field(
        default=False, validator=_switch, metadata=_in_folder("generate.preview")
    )
    idle_minutes: float = field(
        default=10, validator=_number(0.01, 1440), metadata={"key": "engine.idleMinutes"}
    )
    threads: int = field(
        default=0,
        validator=_number(0, 256, whole=True),
        metadata={"key": "engine.threads"},
    )
    remote_url: str = field(default="", validator=_text, metadata={"key": "remote.url"})
    remote_model: str = field(default="", validator=_text, metadata={"key": "remote.model"})
    remote_fim: str = field(
        default="auto", validator=_one_of(FORMATS), metadata={"key": "remote.fim"}
    )
    docs_fetch: Fetch = field(
        default="ask", validator=_one_of(Fetch), metadata={"key": "docs.fetch"}
    )
    docs_hover: Hover = field(
        default="automatic", validator=_one_of(Hover), metadata=_in_folder("docs.hover")
    )
    docs_python: str = field(default="", validator=_text, metadata=_in_folder("docs.python"))
    """Empty: what the client says, else what is found in the workspace and the environment."""
    docs_private_packages: tuple[str, ...] = field(
        default=(), validator=_texts, metadata=_in_folder("docs.privatePackages")
    )
    telemetry_level: TelemetryLevel = field(
        default="local", validator=_one_of(TelemetryLevel), metadata={"key": "telemetry.level"}
    )
    trace: bool = field(default=False, validator=_switch, metadata={"key": "trace"})
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
    values, problems = _read(data, Settings(), [*fields(Settings)])
    return Settings(**values), problems


def read_folder(data: Any, window: Settings) -> tuple[dict[str, Any], list[str]]:
    """Return what the section of a workspace folder sets, by attribute, and what is wrong with it.

    Only settings that a folder may have of its own count; where a value is bad, `window` holds.
    """
    if not isinstance(data, dict):
        return {}, []
    own = [attribute for attribute in fields(Settings) if attribute.metadata.get("folder")]
    return _read(data, window, own)


def _read(
    data: Mapping[str, Any], usual: Settings, attributes: Sequence[Attribute[Any]]
) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems = []
    for attribute in attributes:
        key = attribute.metadata["key"]
        value = _find(data, key)
        if value is None:
            continue
        try:
            values[attribute.name] = getattr(Settings(**{attribute.name: value}), attribute.name)
        except ValueError as error:
            problems.append(f"linewise.{key} {error}. Using {getattr(usual, attribute.name)!r}.")
    return values, problems


def _find(data: Mapping[str, Any], key: str) -> Any:
    if key in data:
        return data[key]
    head, _, rest = key.partition(".")
    inner = data.get(head)
    return _find(inner, rest) if rest and isinstance(inner, dict) else None
