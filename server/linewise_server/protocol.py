"""The messages that Linewise adds to LSP, each defined once.

In: nothing. Out: method names and frozen payload types; field names travel in camelCase.
`typescript` writes the same definitions for the extension. Never imports pygls or lsprotocol.

It is one long file because it is one list: whoever adds or reads a message looks in one place.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

T = TypeVar("T")

State = Literal["loading", "ready", "thinking", "noModel", "tooSlow", "error"]
Silence = Literal["disabled", "language", "excluded", "ignored", "secrets"]
Origin = Literal["model", "typedThrough", "cache", "joined", "speculation", "prefetch", "none"]
ShownBasis = Literal["rendered", "requested", "inferred"]
DismissReason = Literal["rejected", "typedOver", "superseded", "expired"]
ApiSource = Literal["cursor", "completion"]
AnnouncementAct = Literal["opened", "muted"]
RatingReason = Literal["wrong", "outdated", "no_example", "unclear", "none"]
FeedbackKind = Literal["problem", "idea", "praise", "question"]
FeedbackAbout = Literal["completion", "symbol", "product", "catalogue"]
ConsentLevel = Literal["off", "local", "counts", "events"]
GenerationKind = Literal[
    "implement",
    "comment",
    "instruction",
    "docstring",
    "tests",
    "explain",
    "fix",
    "translate",
    "sample",
]


@dataclass(frozen=True, slots=True)
class Status:
    """How the engine is, for the status item; sent whenever it changes and on request.

    `model` is its title. `keys_saved_today` counts from local midnight, over all windows.
    `does_well` and `does_badly` say what the model is good for, where the index knows it.
    """

    state: State
    message: str
    model: str | None
    backend: str | None
    prompt_speed: float | None
    generation_speed: float | None
    keys_saved_today: int
    progress: float | None
    advice: str | None
    does_well: str | None = None
    does_badly: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """Whether a document is completed; sent when it is opened, and when that changes.

    `silence` is why it is not, null where it is, and `message` says the same in words. `source` is
    the URI of the file whose rule says so, where it is a file.
    """

    uri: str
    silence: Silence | None
    message: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One completion request as it was answered; sent only when `linewise.trace` is on."""

    uri: str
    version: int
    text: str
    origin: Origin
    finish: str
    prompt_tokens: int
    evaluated_tokens: int
    reused_tokens: int
    generated_tokens: int
    ttft_ms: float
    total_ms: float
    filters: list[str]


@dataclass(frozen=True, slots=True)
class CompletionShown:
    """A suggestion became visible; `basis` says how the client knows."""

    id: str
    basis: ShownBasis
    shown_ms: float


@dataclass(frozen=True, slots=True)
class CompletionDismissed:
    """A suggestion left the screen without being accepted."""

    id: str
    reason: DismissReason
    shown_ms: float


@dataclass(frozen=True, slots=True)
class ItemCommand:
    """What is read of a completion's command: its argument, by which the server knows the item."""

    arguments: list[str]


@dataclass(frozen=True, slots=True)
class TakenItem:
    """What is read of a completion that a client says back; it may say all of it."""

    command: ItemCommand


@dataclass(frozen=True, slots=True)
class PartlyAccepted:
    """So many characters of a suggestion, from its beginning, are in the text now."""

    item: TakenItem
    accepted_length: int


@dataclass(frozen=True, slots=True)
class ItemShown:
    """A client that draws suggestions itself has drawn this one."""

    item: TakenItem


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the model index as the model picker shows it; sizes in bytes."""

    name: str
    title: str
    size: int
    licence: str
    task: str
    installed: bool
    active: bool
    fits: bool
    note: str


@dataclass(frozen=True, slots=True)
class SelectModel:
    """Pull the model if need be and serve it from now on; progress under the token."""

    name: str
    work_done_token: str | None


@dataclass(frozen=True, slots=True)
class HoverAt:
    """Asks, beside a hover at the same place, for what that could not say in time."""

    uri: str
    line: int
    character: int


@dataclass(frozen=True, slots=True)
class HoverRest:
    """What inference found after the hover was answered, as Markdown; null where nothing is left.

    It comes once inference has answered, seconds later on a cold start.
    """

    markdown: str | None


@dataclass(frozen=True, slots=True)
class ApisAt:
    """Asks which APIs stand at the cursor and in the last accepted completion."""

    uri: str
    line: int
    character: int


@dataclass(frozen=True, slots=True)
class ApiLink:
    """One API and where it is documented; `url` is null where no page is known.

    `maker` is who would hear of a rating of its docs, null where nobody would.
    """

    name: str
    kind: str
    url: str | None
    caption: str
    source: ApiSource
    maker: str | None = None


@dataclass(frozen=True, slots=True)
class CompletionApis:
    """The APIs of the completion that was accepted last, those with a page; sent unasked.

    Sent again, for the same document, once types were inferred.
    """

    uri: str
    apis: list[ApiLink]


@dataclass(frozen=True, slots=True)
class Announced:
    """Something that the maker of an API in use announces; `catalogue` and `id` name it."""

    catalogue: str
    id: str
    maker: str
    title: str
    text: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Announcements:
    """All that is announced to users of what the open documents import, and not yet met."""

    items: list[Announced]


@dataclass(frozen=True, slots=True)
class AnnouncementMet:
    """The user opened an announcement or wants to see it no more; it is not told again."""

    catalogue: str
    id: str
    act: AnnouncementAct


@dataclass(frozen=True, slots=True)
class PythonChosen:
    """The interpreter that the user chose for a workspace folder in another extension.

    Both are empty for none. Its packages are read; nothing of them or of the interpreter is run.
    """

    folder: str
    """URI of the folder."""
    interpreter: str


@dataclass(frozen=True, slots=True)
class DocsOpened:
    """The user opened the page of an API that `linewise/apisAt` listed."""

    name: str


@dataclass(frozen=True, slots=True)
class DocsRated:
    """The user said whether an API's docs helped, and picked what was wrong with them."""

    name: str
    helped: bool
    reason: RatingReason


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the user wrote and chose to attach; nothing else is sent with it."""

    kind: FeedbackKind
    about: FeedbackAbout
    subject: str | None
    text: str
    rating: int | None
    attachments: list[str]
    contact: str | None


@dataclass(frozen=True, slots=True)
class FeedbackPreview:
    """Where feedback would go, the exact body, byte for byte, and who is asked for the answer.

    `afterwards` is a sentence for the user, empty where there is nobody to send to.
    """

    recipient: str
    body: str
    afterwards: str


@dataclass(frozen=True, slots=True)
class FeedbackReceipt:
    """Proof that feedback was kept and, once `sent`, that the maker has it."""

    receipt: str
    recipient: str
    sent: bool
    message: str


@dataclass(frozen=True, slots=True)
class FeedbackStatus:
    """One earlier feedback and what became of it."""

    receipt: str
    about: str
    excerpt: str
    status: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class FeedbackAnswered:
    """Feedback has an answer, in a sentence to show once.

    Sent to clients that set `tellsOfAnswers` in their initialization options; others get a message.
    """

    notice: str


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Consent as it stands: what the user chose, what is in force, and why they differ.

    `may_ask` is true where the user may be asked for consent now, `recipients` says who would get
    something, and `preview` shows what.
    """

    chosen: ConsentLevel
    effective: ConsentLevel
    reason: str
    preview: str
    may_ask: bool
    recipients: list[str]


@dataclass(frozen=True, slots=True)
class SetTelemetry:
    """The user's word, or the editor's switch as it is now; null leaves a thing as it is.

    `asked` says that the user is asked for consent now.
    """

    level: ConsentLevel | None
    editor_enabled: bool | None
    asked: bool | None


@dataclass(frozen=True, slots=True)
class Generate:
    """Asks for code, or for an answer about code, at a selection or the cursor.

    `detail` is what the kind needs: the instruction, the language id to translate to, the sample's
    id, or the diagnostic's message. What comes is reported under `partial_result_token` as
    `GenerationProgress`, each replacing the one before.
    """

    uri: str
    version: int
    kind: GenerationKind
    start_line: int
    start_character: int
    end_line: int
    end_character: int
    detail: str | None
    partial_result_token: str | None


@dataclass(frozen=True, slots=True)
class GeneratedEdit:
    """A stretch of the document as it was asked about, and what takes its place."""

    start_line: int
    start_character: int
    end_line: int
    end_character: int
    text: str


@dataclass(frozen=True, slots=True)
class GenerationProgress:
    """What has come so far: the edit as it would be if nothing more came, or null, and the text."""

    edit: GeneratedEdit | None
    text: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What was generated: edits of the document, the first the text itself, or a text of its own.

    `problems` are checks that it did not pass, `unresolved` names that nothing defines, if they
    were checked, which `names_checked` says. `advice`
    says what to expect of the model that wrote it, `better_model` is the smallest of the index that
    does this well, where that is another one.
    """

    kind: GenerationKind
    version: int
    edits: list[GeneratedEdit]
    text: str
    language: str
    file: str
    problems: list[str]
    unresolved: list[str]
    names_checked: bool
    apis: list[ApiLink]
    model: str
    advice: str | None
    better_model: str | None
    finish: str
    prompt_tokens: int
    generated_tokens: int
    ttft_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class ExplainCompletion:
    """Asks why the model says what it says at a place; progress under the token, with its cost."""

    uri: str
    version: int
    line: int
    character: int
    work_done_token: str | None


@dataclass(frozen=True, slots=True)
class ExplainedCompletion:
    """The explanation as a page that loads and runs nothing; null where nothing is suggested.

    `summary` says in sentences what matters most, or why there is no page.
    """

    html: str | None
    summary: str


REQUESTS: dict[str, tuple[Any, Any]] = {
    "linewise/status": (None, Status),
    "linewise/models": (None, list[Model]),
    "linewise/selectModel": (SelectModel, Status),
    "linewise/hoverRest": (HoverAt, HoverRest),
    "linewise/apisAt": (ApisAt, list[ApiLink]),
    "linewise/previewFeedback": (Feedback, FeedbackPreview),
    "linewise/sendFeedback": (Feedback, FeedbackReceipt),
    "linewise/myFeedback": (None, list[FeedbackStatus]),
    "linewise/telemetry": (SetTelemetry, Telemetry),
    "linewise/generate": (Generate, Generation),
    "linewise/explainCompletion": (ExplainCompletion, ExplainedCompletion),
}
"""Client to server, method -> (parameters, result)."""

TO_SERVER: dict[str, Any] = {
    "linewise/completionShown": CompletionShown,
    "linewise/completionDismissed": CompletionDismissed,
    "linewise/announcementMet": AnnouncementMet,
    "linewise/pythonChosen": PythonChosen,
    "linewise/docsOpened": DocsOpened,
    "linewise/docsRated": DocsRated,
    "linewise/generationComing": Generate,
    "textDocument/didShowCompletion": ItemShown,
    "textDocument/didPartiallyAcceptCompletion": PartlyAccepted,
}
"""Notifications from the client; the last two bear the names that the Copilot language server gave
them, so that clients written for it work with this one."""

TO_CLIENT: dict[str, Any] = {
    "linewise/statusChanged": Status,
    "linewise/documentStatus": DocumentStatus,
    "linewise/trace": Trace,
    "linewise/completionApis": CompletionApis,
    "linewise/announcementsChanged": Announcements,
    "linewise/feedbackAnswered": FeedbackAnswered,
}
"""Notifications from the server."""

COMMAND_ACCEPT = "linewise.completion.accepted"
"""`item.command` of every completion, run by the server; its argument is the completion's id."""

COMMAND_GENERATE = "linewise.generation.run"
"""The command of code actions that generate; its argument is a `Generate`. A client that streams
runs it itself by `linewise/generate`, for others the server edits the document once it is whole."""


def camel(name: str) -> str:
    """Return a Python field name as it travels: `prompt_tokens` -> `promptTokens`."""
    return re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name)


def to_wire(value: Any) -> Any:
    """Return a payload as plain JSON values with camelCase keys."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {camel(field.name): to_wire(getattr(value, field.name)) for field in fields}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    return value


def from_wire(kind: type[T], data: dict[str, Any]) -> T:
    """Return the payload of type `kind` in `data`.

    Raises ValueError naming the field that is missing or has the wrong type.
    """
    values = {}
    for name, annotation in typing.get_type_hints(kind).items():
        value = data.get(camel(name))
        if dataclasses.is_dataclass(annotation) and isinstance(value, dict):
            values[name] = from_wire(typing.cast("type[Any]", annotation), value)
            continue
        if not _matches(annotation, value):
            raise ValueError(f"{kind.__name__}.{camel(name)}: {value!r} is not {annotation}")
        values[name] = value
    return kind(**values)


def _matches(annotation: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(_matches(argument, value) for argument in arguments)
    if origin is Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(_matches(arguments[0], item) for item in value)
    if annotation is type(None):
        return value is None
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, annotation)
