"""Every command asked wrongly, or in vain: 2 for misuse, 1 for failure, a message, no traceback.

Misuse is what is wrong with the arguments and what they name; failure is what was asked rightly.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from linewise_server.cli import main

MISUSED = """
fly
complete
complete nowhere.py
complete nowhere.py:1:1
complete folder:1:1
complete unreadable.py:1:1
complete a.py:99:1
complete a.py:0:1
complete a.py:1:99
complete a.py:1:0
complete a.py:1:1 --model nosuch
complete a.py:1:1 --model folder
complete a.py:1:1 --model nowhere.gguf
complete a.py:1:5 --remote nonsense
complete a.py:1:5 --remote ftp://gpu
complete a.py:1:5 --remote http://gpu:99999
complete a.py:1:5 --remote http://me:secret@gpu
explain nowhere.py:1:1
explain a.py:99:1
explain a.py:1:1 --model nosuch
generate --file nowhere.py --range 1
generate --file folder --range 1
generate --file unreadable.py --range 1
generate --file a.py --range x
generate --file a.py --range 99
generate --file a.py --range 2:1
generate --file a.py --range 1
generate --file a.py --range 1 --kind translate
generate --file a.py --range 1 --instruction x --model nosuch
doctor --model nosuch
doctor --model folder
doctor --remote nonsense
demo --model nosuch
serve --tcp here
serve --tcp 127.0.0.1:99999
serve --log-level loud
engine nosuch
engine --threads x
engine --idle-minutes -1
catalogue sign bad.json --key nokey.pem
models path nosuch
models pull nosuch
models pull hf:bad
models pull pypi:bad
models pull file:nowhere.gguf
models pull file:folder
models verify nosuch
models verify folder
models remove nosuch
models remove bad.gguf
models use nosuch
models bench nosuch
models vocabulary nowhere out.gguf
models export nowhere out.gguf
models quantize nosuch --data folder
models quantize bad.gguf --data nowhere
models quantize bad.gguf --data folder --types Q99
models train nowhere.toml --data folder --out out
models train folder --data folder --out out
models train fim-smollm2 --data nowhere --out out
models prepare nowhere.toml --out out
models prepare --out out --folder nowhere
models prepare --out out --base nosuch --installed pip --installed click
docs add nowhere
docs refresh nosuch-thing
docs gaps nowhere.py
docs gaps folder
docs coverage nowhere
catalogue new nowhere/package
catalogue new a/b/c
catalogue new a.py --out a.py
catalogue build nowhere.yaml
catalogue build bad.yaml --inventory text.txt
catalogue check nowhere.json
catalogue sign nowhere.json --key key.pem
catalogue verify folder
catalogue suggest --from-dashboard nowhere.csv
catalogue add nowhere
catalogue add ftp://host
catalogue update nosuch
catalogue adapter nosuch on
catalogue remove nosuch
feedback "" --yes
feedback hello --rating 9
feedback hello --attach nowhere
feedback hello --attach binary.py
telemetry show --days -5
telemetry on --level off
collector serve --db nonsense
collector serve --db foo://host
collector serve --port 99999
collector project name --db nonsense
collector project name --symbols nowhere
collector account bob --db nonsense --password long-enough-for-anyone
eval humaneval nowhere.jsonl
eval humaneval folder
eval humaneval bad.json --model nosuch
eval humaneval bad.json --compare nowhere.json
eval humaneval bad.json --json nowhere/x.json
eval perplexity nowhere
eval perplexity folder --model nosuch
eval plot nowhere.json --out x.svg
eval plot folder --out x.svg
eval plot bad.json --out nowhere/x.svg
"""
FAILED = """
complete a.py:2:9
complete binary.py:1:1
complete a.py:2:9 --model bad.gguf
complete a.py:2:9 --model text.txt
complete a.py:2:9 --remote http://127.0.0.1:1
explain a.py:2:9 --model bad.gguf
generate --file a.py --range 1 --instruction x
demo
serve --tcp nosuch.invalid:4000
engine
engine bad.gguf
models path smollm2-135m
models verify
models verify smollm2-135m
models remove smollm2-135m
models use smollm2-135m
models use text.txt
models bench smollm2-135m
models bench bad.gguf
models vocabulary folder out.gguf
models export folder out.gguf
models train bad.toml --data folder --out out
models train text.txt --data folder --out out
models prepare bad.toml --out out
docs lookup nosuch.thing
docs open nosuch.thing
docs add text.txt
docs add http://127.0.0.1:1/objects.inv
catalogue build bad.yaml
catalogue build binary.py
catalogue check bad.json
catalogue check binary.py
catalogue verify text.txt
catalogue suggest --from-dashboard text.txt
catalogue suggest --from-dashboard binary.py
catalogue add http://127.0.0.1:1/x
collector serve --db postgresql://127.0.0.1:1/x
collector serve --host nosuch.invalid
collector project name --symbols binary.py
eval humaneval bad.json --model bad.gguf
eval humaneval bad.json --compare bad.json
eval plot bad.json --out x.svg
eval plot binary.py --out x.svg
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with what the commands name."""
    place = tmp_path / "place"
    (place / "folder").mkdir(parents=True)
    (place / "a.py").write_text("x = 1\nreturn a")
    (place / "text.txt").write_text("hello")
    (place / "bad.toml").write_text("a = [")
    (place / "bad.json").write_text("{")
    (place / "bad.yaml").write_text("x: [")
    (place / "bad.gguf").write_bytes(b"GGUF" + b"\0" * 64)
    (place / "binary.py").write_bytes(bytes(range(128, 256)))
    # Nobody, not even root, reads a file that is a link to itself.
    (place / "unreadable.py").symlink_to("unreadable.py")
    monkeypatch.chdir(place)
    return place


def ended(monkeypatch: pytest.MonkeyPatch, line: str) -> int | str | None:
    """Run the command line in this process; what is no message escapes as an exception."""
    monkeypatch.setattr(sys, "argv", ["linewise", *shlex.split(line)])
    with pytest.raises(SystemExit) as ending:
        main()
    return ending.value.code


@pytest.mark.parametrize(
    ("line", "code"),
    [(line, 2) for line in MISUSED.strip().splitlines()]
    + [(line, 1) for line in FAILED.strip().splitlines()],
)
@pytest.mark.usefixtures("place")
def test_bad_input(
    line: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended(monkeypatch, line) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip() not in ("", "Error:", "linewise:")
    assert "Traceback" not in said.err
    assert "Errno" not in said.err


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("complete a.py:2:9", 1),
        ("models pull smollm2-135m", 1),
        ("docs lookup json.dumps", 1),
        ("catalogue list", 1),
        ("feedback hello --yes", 1),
        ("collector serve --port 0", 1),
        ("doctor --json", 1),
    ],
)
@pytest.mark.usefixtures("place")
def test_a_home_that_cannot_be(
    line: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LINEWISE_HOME", "a.py/home")
    assert ended(monkeypatch, line) == code
    said = capsys.readouterr()
    assert "a.py" in said.out + said.err
