"""`linewise doctor`: what there is, what runs, what is missing, and the command that mends it."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from linewise_models.engine.contract import Report
from linewise_models.errors import ModelError
from linewise_models.home import Home
from linewise_server import __version__
from linewise_server.cli.model import model_option
from linewise_server.engines import Engines
from linewise_server.settings import Settings

if TYPE_CHECKING:
    from linewise_models.engine.remote.client import Health

PACKAGES = ("llama-cpp-python", "pygls", "lsprotocol", "tree-sitter", "jedi", "numpy")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    value: str
    mend: str | None = None
    """The command, or the sentence, that mends it."""


@click.command()
@click.pass_context
@model_option
@click.option("--remote", default="", metavar="URL", help="Look at the server there instead.")
@click.option("--remote-model", default="", metavar="NAME", help="The model that it should serve.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def doctor(
    context: click.Context, model: str, remote: str, remote_model: str, as_json: bool
) -> None:
    """Check this installation: versions, back ends, devices, the model, measured speeds.

    Exits with 1 when something has to be mended.
    """
    from linewise_server.app import build_engines

    engines = build_engines()
    if context.get_parameter_source("model") is ParameterSource.COMMANDLINE:
        engines.entry(model)  # what was named here and is not there is misuse, and no finding
    if remote:
        settings = Settings(remote_url=remote, remote_model=remote_model)
        engines.warning(settings)
        findings = [*look_at_software(), *look_at_server(engines, settings)]
    else:
        findings = [
            *look_at_software(),
            look_at_home(engines.home),
            *look_at_model(engines, Settings(model=model)),
        ]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    if not all(finding.good for finding in findings):
        sys.exit(1)


def look_at_software() -> list[Finding]:
    """Return what is installed and what llama.cpp was built for."""
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    findings = [Finding("linewise", True, __version__), Finding("python", True, python)]
    for package in PACKAGES:
        try:
            findings.append(Finding(package, True, metadata.version(package)))
        except metadata.PackageNotFoundError:
            findings.append(Finding(package, False, "missing", f"pip install {package}"))
    try:
        from llama_cpp import llama_cpp as api

        system = api.llama_print_system_info().decode()
    except (ImportError, OSError, RuntimeError) as error:
        mend = "pip install --force-reinstall --no-cache-dir llama-cpp-python"
        return [*findings, Finding("llama.cpp", False, str(error), mend)]
    features = [part.split(" = ")[0].strip() for part in system.split("|") if " = 1" in part]
    gpu = "with GPU offload" if api.llama_supports_gpu_offload() else "CPU only"
    return [*findings, Finding("llama.cpp", True, f"{gpu}; {', '.join(features)}")]


def look_at_home(home: Home) -> Finding:
    """Return whether models and what else Linewise keeps can be written where they belong."""
    root = home.root.absolute()
    there = next(place for place in (root, *root.parents) if place.exists())
    good = there.is_dir() and os.access(there, os.W_OK)
    mend = f"make {there} a directory that you may write in, or set LINEWISE_HOME to another"
    return Finding("data", good, str(root) if good else f"{root} cannot be written", mend)


def look_at_model(engines: Engines, settings: Settings) -> list[Finding]:
    """Return whether the model is here, whole, and how fast it runs; starts its engine."""
    try:
        entry = engines.entry(settings.model)
    except ModelError as error:
        return [Finding("model", False, str(error), "linewise models list")]
    pull = f"linewise models pull {entry.name}"
    if entry.does_well:
        words = [("does well", entry.does_well), ("does badly", entry.does_badly)]
    else:
        words = [("does well", "not known: Linewise has not tried this model")]
    told = [Finding(name, True, said) for name, said in words]
    if not engines.store.installed(entry):
        return [Finding("model", False, f"{entry.name} is not on this machine", pull), *told]
    path = engines.store.path(entry)
    size = f"{path.stat().st_size / 1e6:.0f} MB"
    findings = [Finding("model", True, f"{entry.name}: {path} ({size})"), *told]
    if engines.store.receipt(entry) is not None:
        try:
            receipt = engines.store.verify(entry)
            findings.append(Finding("checksum", True, f"SHA-256 {receipt.sha256[:16]}… as pulled"))
        except ModelError as error:
            return [*findings, Finding("checksum", False, str(error), f"{pull} --again")]
    try:
        report = asyncio.run(_measure(engines, settings))
    except ModelError as error:
        mend = f"see the log in {engines.home.run}, or pull the model again: {pull} --again"
        return [*findings, Finding("engine", False, str(error), mend)]
    return [*findings, *_describe(report)]


def look_at_server(engines: Engines, settings: Settings) -> list[Finding]:
    """Return whether the server of `remote_url` completes code, how and how fast; asks it."""
    try:
        health = asyncio.run(_health(engines, settings))
    except ModelError as error:
        return [Finding("server", False, str(error), "give its address: --remote http://HOST:PORT")]
    findings = []
    if health.server is not None:
        kind, name = health.server.kind, health.server.name
        findings.append(Finding("server", True, f"{kind} at {health.host} serves {name}"))
    if health.error is not None:
        return [*findings, Finding("answer", False, health.error)]
    if health.latency_ms is not None:
        findings.append(Finding("way there", True, f"{health.latency_ms:.0f} ms there and back"))
    if health.report is not None:
        findings += _describe(health.report)
    if health.warning is not None:
        findings.append(Finding("privacy", True, health.warning))
    return findings


async def _health(engines: Engines, settings: Settings) -> Health:
    client = engines.remote(settings)
    try:
        return await client.health()
    finally:
        await client.close()


async def _measure(engines: Engines, settings: Settings) -> Report:
    client = engines.client(settings, lambda share: None)
    try:
        return await client.report()
    finally:
        await client.close()


def _describe(report: Report) -> list[Finding]:
    fim = {
        "none": "left to right only; this model cannot fill in",
        "psm": "fills in (prefix, suffix, middle)",
        "spm": "fills in (suffix, prefix, middle)",
    }
    keeps = "yes" if report.can_reuse else "no: each key evaluates the whole prompt"
    context = f"{report.context} tokens for each of {report.sessions} documents"
    speed = f"{report.prompt_speed:.0f} prompt and {report.generation_speed:.0f} generated tokens/s"
    devices = ", ".join(report.devices)
    threads = f", {report.threads} threads" if report.threads else ""
    return [
        Finding("back end", True, f"{report.backend} ({devices}){threads}"),
        Finding("speed", True, speed),
        Finding("context", True, context),
        Finding("completion", True, fim[report.fim]),
        Finding("keeps its cache", report.can_reuse, keeps, "choose a model with full attention"),
    ]


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    table: Any = Table.grid(padding=(0, 2))
    for finding in findings:
        sign = "[green]✓[/]" if finding.good else "[red]✗[/]"
        table.add_row(sign, finding.name, finding.value)
        if not finding.good and finding.mend:
            table.add_row("", "", f"[bold]mend:[/] {finding.mend}")
    Console(highlight=False).print(table)
