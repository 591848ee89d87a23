"""Configs of training: those that come with Linewise are sound, and mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linewise_models.errors import ConfigError
from linewise_models.train.config import parse_config, read_config
from tests.models.train.tiny import tiny_table

CONFIGS = Path(__file__).parents[3] / "models/linewise_models/train/configs"


@pytest.mark.parametrize("name", ["fim-smollm2", "scratch-small"])
def test_the_configs_that_come_with_linewise_are_sound(name: str) -> None:
    assert read_config(CONFIGS / f"{name}.toml").seed == 1


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("sede", 1, "there is no key sede. Did you mean seed?"),
        ("batch.token", 1, "there is no key batch.token. Did you mean tokens?"),
        ("seed", "1", "seed must be of the type int"),
        ("precision", "fp16", "precision must be one of: bf16, fp32, auto"),
        ("model.heads", 3, "model.heads must split width"),
        ("model.base", "smollm2-135m", "either a base or the layers"),
        ("tune.method", "lora", "needs a model.base"),
        ("batch.longest", 1000, "batch.longest"),
        ("schedule.warmup", 1.0, "shares"),
        ("watch.checkpoint_steps", 0, "checkpoint_minutes"),
    ],
)
def test_a_mistake_in_a_config_is_named(where: str, value: Any, message: str) -> None:
    table = tiny_table(Path("tiny.gguf"))
    *tables, key = where.split(".")
    inner = table[tables[0]] if tables else table
    inner[key] = value
    with pytest.raises(ConfigError) as error:
        parse_config(table)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["seed = ", "\udcff", ""])
def test_a_file_that_is_no_config_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"c\.toml"):
        read_config(file)
