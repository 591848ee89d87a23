"""What answers at an address: which server, which models, how much it holds, how it fills in.

In: a link and what the settings ask for. Out: a `Server`. Sends no code of the user's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from linewise_models.engine.contract import ChatTemplate, FimOrder, Mark
from linewise_models.engine.remote.fim import Family, family_named, family_of
from linewise_models.engine.remote.link import Link, RefusedError
from linewise_models.errors import EngineError, LoadError

Kind = Literal["llama.cpp", "vLLM", "Ollama", "TGI", "unknown"]
Way = Literal["none", "template", "suffix", "infill"]

LOADING_SECONDS = 30.0
"""How long a server may say that it is busy, as llama-server does while it loads its model."""
CONTEXT = 4096
"""Tokens of a session at most: a longer prompt costs every key its upload and the server's other
users their time. It is also what is taken where a server does not say what it holds."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that serves the model that was asked for."""

    kind: Kind
    models: tuple[str, ...]
    """All that it names; empty where it does not list them."""
    model: str
    """What requests name."""
    name: str
    """The same for people, without the directory that it lies in."""
    context: int
    sessions: int
    way: Way
    """How it fills in."""
    family: Family | None = None
    """Whose marks are written where the way is a template."""
    chat_template: ChatTemplate | None = None
    """Of servers that say how their model is talked to."""

    @property
    def fim(self) -> FimOrder:
        """The order in which parts should come."""
        if self.way == "none":
            return "none"
        return self.family.order if self.family else "psm"

    @property
    def marks(self) -> tuple[str, ...]:
        """The names of the marks that a prompt may have."""
        plain: tuple[Mark, ...] = (Mark.PREFIX, Mark.SUFFIX, Mark.MIDDLE)
        found = self.family.marks if self.family else plain if self.way != "none" else ()
        return tuple(sorted(found))

    @property
    def filling(self) -> str:
        """How it fills in, for people."""
        match self.way:
            case "template" if self.family is not None:
                return f"fills in, by the marks of {self.family.name}"
            case "suffix":
                return "fills in, by the server's own suffix field"
            case "infill":
                return "fills in, by the server's own /infill"
            case _:
                return "left to right only; set linewise.remote.fim if the model can fill in"


async def find_out(link: Link, model: str, fim: str) -> Server:
    """Return what answers, serving `model` (empty: the only one) and filling in as `fim` says.

    Raises LoadError, with what to do, or EngineLost where nothing answers.
    """
    try:
        listed = await _list(link, model)
        kind = await _kind(link, listed)
        entry = _choose(listed, model, link.address.host)
        name = str(entry["id"])
        context, sessions = await _room(link, kind, entry)
        way, family = await _way(link, kind, name, fim)
        template = await _template(link, kind)
    except RefusedError as error:
        raise LoadError(str(error)) from error
    return Server(
        kind=kind,
        models=tuple(str(one["id"]) for one in listed),
        # TGI takes any other name for that of an adapter.
        model="tgi" if kind == "TGI" else name,
        name=_short(name) if kind == "llama.cpp" else name,
        context=min(context, CONTEXT),
        sessions=sessions,
        way=way,
        family=family,
        chat_template=template,
    )


async def count(link: Link, server: Server, text: str) -> list[int]:
    """Return the tokens of `text`. Raises EngineError where the server has no way to say."""
    bodies: dict[Kind, dict[str, Any]] = {
        "llama.cpp": {"content": text, "add_special": False, "parse_special": False},
        "vLLM": {"model": server.model, "prompt": text, "add_special_tokens": False},
        "TGI": {"inputs": text, "add_special_tokens": False},
    }
    body = bodies.get(server.kind)
    if body is None:
        raise EngineError(f"{link.address.host} cannot say into which tokens it splits a text.")
    found = await link.post(f"{link.address.root}/tokenize", body, 0.0)
    tokens = found.get("tokens", []) if isinstance(found, dict) else found
    return [token["id"] if isinstance(token, dict) else int(token) for token in tokens]


async def _list(link: Link, model: str) -> list[dict[str, Any]]:
    """Return the server's list of models; it may lack one where the settings name the model."""
    url = f"{link.address.base}/models"
    try:
        found = await link.get(url, LOADING_SECONDS)
    except RefusedError as error:
        if error.status not in (404, 405):
            raise
        if model:
            return []
        raise LoadError(
            f"{link.address.host} lists no models at {url}. If it is a server of the OpenAI "
            "protocol, name its model in linewise.remote.model; else check linewise.remote.url."
        ) from error
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, list):
        raise LoadError(f"{url} is no list of models; there is no server of the OpenAI protocol.")
    return [entry for entry in data if isinstance(entry, dict) and entry.get("id")]


async def _kind(link: Link, listed: list[dict[str, Any]]) -> Kind:
    owners = {entry.get("owned_by") for entry in listed}
    if "llamacpp" in owners:
        return "llama.cpp"
    if "vllm" in owners or any(_is_of_ray(entry) for entry in listed):
        return "vLLM"
    if any(entry.get("owned_by") == entry["id"] for entry in listed):
        return "TGI"
    try:
        about = await link.get(f"{link.address.root}/api/version", 0.0)
    except RefusedError:
        return "unknown"
    return "Ollama" if isinstance(about, dict) and "version" in about else "unknown"


def _is_of_ray(entry: dict[str, Any]) -> bool:
    """Say whether Ray Serve lists a model, behind which is vLLM."""
    about = entry.get("metadata")
    return isinstance(about, dict) and "max_request_context_length" in about


def _choose(listed: list[dict[str, Any]], model: str, host: str) -> dict[str, Any]:
    """Return the entry of a model. Raises LoadError with the names that there are."""
    names = [str(entry["id"]) for entry in listed]
    if not model:
        if len(listed) == 1:
            return listed[0]
        raise LoadError(
            f"{host} serves no model yet."
            if not listed
            else f"{host} serves several models. Name one in linewise.remote.model: "
            f"{', '.join(names)}"
        )
    if not listed:
        return {"id": model}
    # Ollama lists name:latest for what people call by its name, llama-server the path of a file.
    alike = (str, lambda name: name.removesuffix(":latest"), _short)
    for form in alike:
        for entry, name in zip(listed, names, strict=True):
            if form(name) == model:
                return entry
    raise LoadError(
        f"{host} does not serve {model}. In linewise.remote.model, name one that it does: "
        f"{', '.join(names)}"
    )


def _short(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]


async def _room(link: Link, kind: Kind, entry: dict[str, Any]) -> tuple[int, int]:
    """Return the tokens that one session can hold, and how many sessions there are."""
    try:
        match kind:
            case "llama.cpp":
                about = await link.get(f"{link.address.root}/props", 0.0)
                size = about.get("default_generation_settings", {}).get("n_ctx")
                return int(size or CONTEXT), int(about.get("total_slots") or 1)
            case "TGI":
                about = await link.get(f"{link.address.root}/info", 0.0)
                return int(about.get("max_total_tokens") or CONTEXT), 1
    except RefusedError as error:
        # llama-server tells anybody its models, but nothing else.
        if error.status in (401, 403):
            raise
    ray = entry.get("metadata") if _is_of_ray(entry) else None
    size = (ray or {}).get("max_request_context_length") or entry.get("max_model_len")
    return int(size or CONTEXT), 1


async def _template(link: Link, kind: Kind) -> ChatTemplate | None:
    """Return the chat template that llama-server shows; others keep theirs to themselves."""
    if kind != "llama.cpp":
        return None
    try:
        about = await link.get(f"{link.address.root}/props", 0.0)
    except RefusedError:
        return None
    text = about.get("chat_template")
    if not isinstance(text, str) or not text:
        return None
    return ChatTemplate(text, str(about.get("bos_token") or ""), str(about.get("eos_token") or ""))


async def _way(link: Link, kind: Kind, model: str, fim: str) -> tuple[Way, Family | None]:
    """Return how to have a model fill in, as the setting says or as can be found out."""
    match fim:
        case "none" | "suffix" | "infill":
            return fim, None
        case "auto":
            pass
        case _:
            family = family_named(fim)
            return ("template", family) if family else ("none", None)
    if kind == "Ollama":
        # It puts every prompt into the model's own template, marks and all, so that only its
        # suffix field fills in; and only some models have it.
        return ("suffix" if await _inserts(link, model) else "none"), None
    if (family := family_of(model)) is not None:
        return "template", family
    if kind == "llama.cpp" and await _infills(link):
        return "infill", None
    return "none", None


async def _inserts(link: Link, model: str) -> bool:
    try:
        about = await link.post(f"{link.address.root}/api/show", {"model": model}, 0.0)
    except RefusedError:
        return False
    return "insert" in (about.get("capabilities") or ())


async def _infills(link: Link) -> bool:
    """Say whether llama-server finds marks in its model's vocabulary: without, it refuses (501)."""
    body = {"input_prefix": "a", "input_suffix": "b", "n_predict": 0}
    try:
        await link.post(f"{link.address.root}/infill", body, 0.0)
    except RefusedError:
        return False
    return True
