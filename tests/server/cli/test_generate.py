"""`linewise generate` with an engine that says what its script says: answers, edits, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from linewise_server.generation.ways import WAYS
from tests.e2e.conftest import engines
from tests.scripts import write_script

SOURCE = 'import os\n\n\ndef mean(xs):\n    """Return the mean."""\n\n\ndef last():\n    return 1\n'
RULES = (
    {"after": r'the mean\."""\s*', "text": "    import math\n    return total(xs)\n\n\nx = 1\n"},
    {"after": r"# silence\s*", "text": ""},
    {"after": r"# square root\s*", "text": "    x = math.sqrt(x)\n"},
)


@pytest.fixture
def script(tmp_path: Path, linewise_home: Path) -> Iterator[Path]:
    yield write_script(tmp_path / "model", *RULES)
    for process in engines(linewise_home):
        process.kill()
        process.wait()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "stats.py"
    path.write_text(SOURCE)
    return path


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linewise_server", "generate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_says_the_code_and_on_stderr_what_is_wrong_with_it(script: Path, source: Path) -> None:
    done = generate("--file", source, "--range", "4", "--model", script)
    assert (done.stdout, done.returncode) == ("return total(xs)\n", 0), done.stderr
    assert "Defined nowhere: total." in done.stderr
    assert source.read_text() == SOURCE


def test_a_diff_can_be_applied(script: Path, source: Path) -> None:
    done = generate("--file", source, "--range", "4", "--model", script, "--diff")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("+", "-"))][2:]
    assert lines == ["+import math", "+    return total(xs)"]


def test_json_has_the_edits_the_checks_and_the_cost(script: Path, source: Path) -> None:
    done = generate("--file", source, "--range", "4:5", "--model", script, "--json")
    answer = json.loads(done.stdout)
    assert answer["edits"] == [
        {"start": [5, 27], "end": [5, 27], "text": "\n    return total(xs)"},
        {"start": [2, 1], "end": [2, 1], "text": "import math\n"},
    ]
    assert (answer["problems"], answer["unresolved"]) == ([], ["total"])
    assert (answer["kind"], answer["finish_reason"]) == ("implement", "end")
    assert answer["prompt_tokens"] > 0


def test_the_docs_of_what_it_uses_are_told(script: Path, source: Path) -> None:
    source.write_text("import math\n\n\ndef root(x):\n    # square root\n")
    asked = ("--file", source, "--range", "5", "--kind", "comment", "--model", script)
    done = generate(*asked)
    assert (done.stdout, done.returncode) == ("x = math.sqrt(x)\n", 0), done.stderr
    (api,) = json.loads(generate(*asked, "--json").stdout)["apis"]
    assert api["name"] == "math.sqrt"
    assert api["url"].endswith("library/math.html#math.sqrt")
    assert f"Docs of math.sqrt: {api['url']}\n" in done.stderr


def test_the_prompt_can_be_looked_at(script: Path, source: Path) -> None:
    done = generate("--file", source, "--range", "4", "--model", script, "--explain")
    assert "Return the mean." in done.stdout


def test_no_text_is_a_failure(script: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("# silence\n")
    done = generate("--file", path, "--range", "1", "--kind", "comment", "--model", script)
    assert (done.stdout, done.returncode) == ("", 1)
    assert "said nothing that fits here" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--file", "{source}"], 2, "Missing option '--range'"),
        (["--file", "{source}", "--range", "a"], 2, "is not A:B"),
        (["--file", "{source}", "--range", "9:4"], 2, "did you mean 4:9"),
        (["--file", "{source}", "--range", "99"], 2, "has lines 1 to 10"),
        (["--file", "{source}", "--range", "8:99"], 2, "is not a range of them"),
        (["--file", "{source}", "--range", "0"], 2, "is not a range of them"),
        (["--file", "nowhere.py", "--range", "1"], 2, "cannot be read"),
        (["--file", "{folder}", "--range", "1"], 2, "cannot be read"),
        (["--file", "{folder}/.env", "--range", "1"], 2, "may hold secrets"),
        (["--file", "{folder}/link.py", "--range", "1"], 2, "may hold secrets"),
        (["--file", "{folder}/made.py", "--range", "1"], 2, "ignored by git"),
        (["--file", "{folder}/latin.py", "--range", "1"], 2, "is not UTF-8 text"),
        (["--file", "{source}", "--range", "9"], 2, "has a body already"),
        (["--file", "{source}", "--range", "1"], 2, "no function here"),
        (["--file", "{source}", "--range", "4", "--instruction", " "], 2, "Say what to generate"),
        (["--file", "{source}", "--range", "4", "--kind", "fly"], 2, "is not one of"),
        (["--file", "{source}", "--range", "4", "--kind", "translate"], 2, "needs --to"),
        (
            ["--file", "{source}", "--range", "4", "--kind", "instruction"],
            2,
            "Say what to generate",
        ),
        (["--file", "{source}", "--range", "4", "--json", "--diff"], 2, "exclude each other"),
        (["--file", "{source}", "--range", "4", "--model", "smolm"], 2, "Did you mean"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, list) else "",
)
def test_bad_input_is_told_without_a_traceback(
    source: Path, arguments: list[str], code: int, said: str
) -> None:
    folder = source.parent
    (folder / ".env").write_text("TOKEN=1\n")
    (folder / "link.py").symlink_to(folder / ".env")
    (folder / ".gitignore").write_text("made.py\n")
    (folder / "made.py").write_text("x = 1\n")
    (folder / "latin.py").write_bytes(b"# \xe9\n")
    named = {"source": source, "folder": folder}
    done = generate(*(argument.format(**named) for argument in arguments))
    assert done.returncode == code, done.stderr
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_every_way_has_a_sentence_about_small_models() -> None:
    assert all(way.small.endswith((".", "nonsense.")) and way.title for way in WAYS.values())
