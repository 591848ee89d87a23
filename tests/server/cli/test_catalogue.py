"""`linewise catalogue` as a maker and a subscriber run it, with the file served on loopback."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
from linewise_server.cli.catalogue import catalogue
from linewise_server.errors import LinewiseError, UsageError
from linewise_telemetry.catalogue.document import MAX_ADAPTER_BYTES
from tests.loopback import serve

REQUESTS = Inventory(
    "Requests",
    "2.34",
    (Symbol("requests.get", "py:function", "api/#$"), Symbol("requests.put", "py:function", "a#$")),
)
BASE = "https://requests.example/"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve `tmp_path` on loopback; return its address."""
    with serve(tmp_path) as served:
        yield served.address


MERGED_ONLY = b"".join(
    # A GGUF file of version 3 without tensors, with five keys: of strings (8), of an array (9) of
    # unsigned (4) and of floating (6) numbers of 32 bits.
    (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 5),
        *(
            struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(word)) + word
            for key, word in (
                (b"general.architecture", b"llama"),
                (b"general.type", b"adapter"),
                (b"adapter.type", b"lora"),
            )
        ),
        *(
            struct.pack("<Q", len(key)) + key + struct.pack("<IIQ", 9, kind, 1) + value
            for key, kind, value in (
                (b"linewise.rows.ids", 4, struct.pack("<I", 7)),
                (b"linewise.rows.values", 6, struct.pack("<f", 0.5)),
            )
        ),
    )
)
"""An adapter with an embedding of its own."""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(catalogue, [str(argument) for argument in arguments])


def publish(folder: Path, release: int, key: str = "key.pem") -> None:
    """Build and sign a release into the folder that is served."""
    source = folder / "requests.yaml"
    if not source.exists():
        assert run("new", "requests", "--out", source).exit_code == 0
        (folder / "objects.inv").write_bytes(write_inventory(REQUESTS))
    text = source.read_text()
    source.write_text(text.replace(f"release: {release - 1}", f"release: {release}"))
    built = run("build", source, "--inventory", folder / "objects.inv", "--base", BASE)
    assert "2 symbols" in built.stdout, built
    fresh = [] if (folder / key).exists() else ["--new-key"]
    signed = run("sign", source.with_suffix(".json"), "--key", folder / key, *fresh)
    assert "SHA256:" in signed.stdout, signed


def test_the_walk_from_maker_to_subscriber(tmp_path: Path, site: str) -> None:
    publish(tmp_path, 1)
    address = f"{site}/requests.catalogue"
    assert "Nothing is wrong" in run("check", tmp_path / "requests.catalogue").stdout
    assert "release 1" in run("verify", tmp_path / "requests.catalogue").stdout
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    assert "2 symbols" in run("add", address).stdout
    assert address in run("list").stdout
    assert "nothing new" in run("update").stdout
    publish(tmp_path, 2)
    assert "requests: release 2" in run("update", "requests").stdout
    assert "key forgotten" in run("remove", "requests").stdout
    assert run("list").stdout == ""


def test_another_key_is_refused(tmp_path: Path, site: str) -> None:
    publish(tmp_path, 1)
    run("add", f"{site}/requests.catalogue")
    publish(tmp_path, 2, key="thief.pem")
    refused = run("update")
    assert isinstance(refused.exception, LinewiseError)
    assert "REFUSED" in str(refused.exception)
    assert "release 1" in run("list").stdout


def test_what_cannot_be_done_says_so(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    source = tmp_path / "requests.yaml"
    assert "left as it is" in str(run("new", "requests", "--out", source).exception)
    assert "--base" in str(run("build", source, "--inventory", tmp_path / "objects.inv").exception)
    again = run("sign", tmp_path / "requests.json", "--key", tmp_path / "key.pem", "--new-key")
    assert "without --new-key" in str(again.exception)
    nowhere = run("sign", tmp_path / "requests.json", "--key", tmp_path / "nowhere.pem")
    assert isinstance(nowhere.exception, UsageError)
    assert "--new-key makes it" in str(nowhere.exception)
    nameless = run("new", "no name!", "--out", tmp_path / "nameless.yaml")
    assert isinstance(nameless.exception, UsageError)
    assert not (tmp_path / "nameless.yaml").exists()
    assert "catalogue add" in run("list").stderr
    assert "is subscribed" in str(run("update", "nothing").exception)
    tampered = tmp_path / "requests.catalogue"
    tampered.write_text(tampered.read_text().replace('"sig": "', '"sig": "AAAA'))
    changed = run("verify", tampered).exception
    assert isinstance(changed, LinewiseError)
    assert "changed after it was signed" in str(changed)


def test_every_line_of_the_template_can_be_used_for_any_package(tmp_path: Path) -> None:
    source = tmp_path / "acme.yaml"
    assert run("new", "Acme_Tools", "--out", source).exit_code == 0
    # An adapter is a file of the maker's; all else is used as it stands.
    text = re.sub(r"(?ms)^# adapters:.*?(?=^# telemetry)", "", source.read_text())
    head, _, examples = text.partition("\n\n")
    symbols = "".join(
        f"  - {{name: acme_tools.{name}, kind: function, url: 'https://docs.example/{name}'}}\n"
        for name in ("old", "new")
    )
    source.write_text(f"{head}\n{re.sub('(?m)^# ', '', examples)}symbols:\n{symbols}")
    assert "2 symbols" in run("build", source).stdout
    checked = run("check", source.with_suffix(".json")).stdout
    assert "2 symbols, 1 deprecations, 1 samples, 1 announcements" in checked


def test_the_schema_is_published() -> None:
    published = json.loads(run("schema").stdout)
    assert published["properties"]["format"] == {"const": "linewise-catalogue/1"}
    assert set(published["required"]) <= set(published["properties"])


def test_a_host_that_is_gone_stops_no_other_update(tmp_path: Path, site: str) -> None:
    publish(tmp_path, 1)
    run("add", f"{site}/requests.catalogue")
    (tmp_path / "requests.catalogue").unlink()
    failed = run("update").exception
    assert isinstance(failed, LinewiseError)
    assert "404" in str(failed)
    assert "release 1" in run("list").stdout


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (None, "cannot be read"),
        (b"GGUF", "damaged, or no GGUF file"),
        (MERGED_ONLY, "tune without `marks`"),
        (b"\0" * (MAX_ADAPTER_BYTES + 1), "subscribers take 67,108,864 at most"),
    ],
)
def test_an_adapter_that_nobody_could_use_is_not_published(
    tmp_path: Path, file: bytes | None, said: str
) -> None:
    source = tmp_path / "acme.yaml"
    assert run("new", "acme", "--out", source).exit_code == 0
    adapter = "adapters: [{file: acme.gguf, licence: MIT, summary: Teaches acme}]\n"
    source.write_text(source.read_text() + adapter)
    if file is not None:
        (tmp_path / "acme.gguf").write_bytes(file)
    refused = run("build", source).exception
    assert isinstance(refused, LinewiseError)
    assert said in str(refused)
    assert not source.with_suffix(".json").exists()


def test_the_dashboards_export_becomes_a_work_list_and_prompts(tmp_path: Path) -> None:
    export, prompts = tmp_path / "export.csv", tmp_path / "prompts.jsonl"
    head = "project,week,metric,split,value,num,den,installs\n"
    export.write_text(head + "acme,2026-11-16,deprecated_use,symbol,acme.send,30,100,9\n")
    done = run("suggest", "--from-dashboard", export, "--prompts", prompts)
    assert "- [ ] `acme.send`: teach the model its replacement" in done.stdout
    assert done.stderr == f"{prompts}: 1 prompts; linewise eval catalogue {prompts}\n"
    assert '"task": "avoid"' in prompts.read_text()
    export.write_text(head + "acme,2026-11-16,gaps,symbol,acme.send,30,100,9\n")
    done = run("suggest", "--from-dashboard", export, "--prompts", prompts)
    assert "there is nothing to teach" in done.stderr
    assert prompts.read_text() == ""
    export.write_text("no,export\n")
    refused = run("suggest", "--from-dashboard", export).exception
    assert isinstance(refused, LinewiseError)
    assert "export.csv" in str(refused)
