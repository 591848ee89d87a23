"""From a folder of code to a model that the engine serves, by the commands that users type."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from linewise_models.engine.contract import Finish, Mark, Part, Request, Token
from linewise_models.engine.llama import LlamaEngine
from linewise_models.engine.native import LoadOptions
from tests.models.train.tiny import lines

RECIPE = """
base = "{vocabulary}"
[[sources.folders]]
path = "project0"
licence = "MIT"
[marks]
prefix = "<|fim_prefix|>"
suffix = "<|fim_suffix|>"
middle = "<|fim_middle|>"
end = "<|endoftext|>"
[examples]
train_tokens = 6000
held_out_tokens = 1500
held_out_share = 0.3
psm = 0.0
fewest_tokens = 24
most_tokens = 96
most_middle = 32
[clean]
fewest_lines = 2
"""
CONFIG = """
seed = 1
precision = "fp32"
[model]
layers = 2
width = 32
heads = 4
key_heads = 2
hidden = 64
context = 256
tokenizer = "{vocabulary}"
[tune]
method = "full"
[batch]
tokens = 512
accumulate = 1
longest = 96
[schedule]
epochs = 2.0
learning_rate = 3e-3
warmup = 0.1
final = 0.1
[watch]
evaluate_steps = 10
held_out = 10
samples = 1
checkpoint_steps = 10
"""


@pytest.fixture
def packages(tmp_path: Path) -> list[Path]:
    """Five small projects."""
    folders = []
    for number in range(5):
        folder = tmp_path / f"project{number}"
        folder.mkdir()
        for file in range(3):
            code = "\n\n".join(lines(10 * number + file, 12))
            (folder / f"adding{file}.py").write_text(f'"""Adds."""\n\n\n{code}')
        folders.append(folder)
    return folders


def run(*arguments: object) -> str:
    """Run `linewise models …` and return what it prints."""
    command = [sys.executable, "-m", "linewise_server", "models", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_folder_of_code_becomes_a_model_that_completes(
    packages: list[Path], tmp_path: Path
) -> None:
    vocabulary, data, out = tmp_path / "vocabulary.gguf", tmp_path / "data", tmp_path / "run"
    code = tmp_path / "code"
    code.mkdir()
    for folder in packages:
        (code / f"{folder.name}.py").write_text("".join(f.read_text() for f in folder.iterdir()))
    assert "300 tokens" in run("vocabulary", code, vocabulary, "--size", 300)

    recipe, config = tmp_path / "recipe.toml", tmp_path / "config.toml"
    recipe.write_text(RECIPE.format(vocabulary=vocabulary))
    config.write_text(CONFIG.format(vocabulary=vocabulary))
    folders = [argument for folder in packages[1:] for argument in ("--folder", folder)]
    run("prepare", recipe, "--out", data, "--licence", "MIT", *folders)
    assert "Done after step" in run("train", config, "--data", data, "--out", out)

    model = tmp_path / "small.gguf"
    run("export", out, model, "--type", "F16")
    picked = run(
        *("quantize", model, "--data", data, "--out", tmp_path / "sizes"),
        *("--types", "F16,Q8_0", "--examples", 5),
    )
    assert picked.strip().endswith(".gguf")
    assert [str(file) for file in (tmp_path / "sizes").iterdir()] == [picked.strip()]

    engine = LlamaEngine(LoadOptions(Path(picked.strip()), context=256, sequences=1))
    parts = (
        Part("suffix", mark=Mark.SUFFIX),
        Part("after", "\n"),
        Part("prefix", mark=Mark.PREFIX),
        Part("before", "def add_left(left, right):\n    return "),
    )
    events = list(engine.generate(Request("s", parts, max_tokens=8), lambda: False))
    assert engine.report().fim == "spm"
    engine.close()
    assert isinstance(events[-1], Finish)
    assert "".join(event.text for event in events if isinstance(event, Token))
