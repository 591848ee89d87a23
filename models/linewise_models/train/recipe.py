"""What a dataset is made of and how: a TOML file, checked to the last key.

In: a recipe file. Out: a frozen `Recipe`. The defaults here are those of the shipped model's data,
except for the sources, which the file names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from linewise_models.errors import ConfigError
from linewise_models.train.clean import Limits
from linewise_models.train.licences import PERMISSIVE
from linewise_models.train.tables import build

KINDS = ("character", "rest", "line", "lines", "node", "span", "onward")
"""The kinds of holes, in the order of their numbers; `holes` says what each is."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory of code: a project, or an unpacked wheel or source distribution."""

    path: str
    """Relative to the recipe file."""
    name: str = ""
    """By default what its metadata says, or the directory's name."""
    licence: str = ""
    """SPDX; by default what its metadata and licence files say. State it for code of your own."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where code comes from."""

    packages: tuple[str, ...] = ()
    """Requirements such as `click==8.3.0`, fetched with pip as wheels; nothing of them is run."""
    installed: tuple[str, ...] = ()
    """Names of packages that are installed beside Linewise."""
    folders: tuple[Folder, ...] = ()
    standard_library: bool = False
    """The standard library of the Python that runs this."""
    skip: tuple[str, ...] = ()
    """Paths to leave out, as patterns of PACKAGE/PATH; `*` matches slashes too. Packages are named
    here and below in their normal form: lower case, hyphens."""
    languages: tuple[str, ...] = ()
    """LSP language ids to read; by default all that there is a grammar for."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Package -> how much more often it is drawn from; 1 where it is not named."""
    most_bytes: int = 2_000_000
    """Of a package at most, chosen by chance, so that large ones leave room for others."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is left out beside what `clean` leaves out."""

    licences: tuple[str, ...] = PERMISSIVE
    """SPDX ids that are accepted."""
    similarity: float = 0.7
    """Jaccard similarity from which two files are near duplicates."""
    exclude: tuple[str, ...] = ()
    """Benchmarks, as paths relative to the recipe file; files that share a run of words go."""
    run: int = 24
    """Words in such a run, signs counted."""


@dataclass(frozen=True, slots=True)
class Examples:
    """How files become examples."""

    train_tokens: int = 5_000_000
    held_out_tokens: int = 150_000
    held_out_share: float = 0.06
    """Share of packages that no training example comes from."""
    kinds: Mapping[str, float] = field(
        default_factory=lambda: {
            "character": 0.07,
            "rest": 0.30,
            "line": 0.27,
            "lines": 0.10,
            "node": 0.12,
            "span": 0.06,
            "onward": 0.08,
        }
    )
    """Kind of hole -> share. Most are of one line: that is what users see."""
    psm: float = 0.1
    """Share in prefix-suffix-middle order; the rest is suffix-prefix-middle."""
    context: float = 0.1
    """Share that would quote other files of the package, where they define names in use."""
    alone: float = 0.5
    """Share of examples from top-level functions that show just the function and its imports."""
    below: float = 0.6
    """Share of holes up to a line's end whose suffix begins with the line below, as the product
    asks where nothing but closing brackets follows the cursor; else with the line's end."""
    prose: float = 0.1
    """Share of holes in comments and docstrings, and of lone brackets, that are kept."""
    fewest_tokens: int = 96
    most_tokens: int = 512
    """Tokens of an example, drawn log-uniformly; a file may offer fewer."""
    most_middle: int = 128
    documented: float = 3.0
    """How much more often a function with a docstring is drawn."""
    typed: float = 1.5
    """The same for one with annotations."""
    top: float = 2.0
    """The same for one outside classes."""
    balance: float = 0.5
    """Exponent on a package's size: 1 draws by size, 0 from all alike."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Unused special tokens of the base that become the marks, and its end token."""

    prefix: str = "<issue_comment>"
    suffix: str = "<issue_start>"
    middle: str = "<issue_closed>"
    end: str = "<|endoftext|>"

    def names(self) -> dict[str, str]:
        """Return mark -> the name of its token."""
        return {"prefix": self.prefix, "suffix": self.suffix, "middle": self.middle}


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of it."""

    base: str = "smollm2-135m-instruct"
    """A name of the model index, or the path of a GGUF file; its tokenizer is used."""
    seed: int = 1
    sources: Sources = Sources()
    filters: Filters = Filters()
    clean: Limits = field(default_factory=Limits)
    examples: Examples = Examples()
    marks: Marks = Marks()


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a file. Raises ConfigError, naming the key and what would do."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    try:
        recipe = build(Recipe, table)
        check(recipe)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return recipe


def check(recipe: Recipe) -> None:
    """Raise ConfigError for values that cannot be."""
    examples, filters = recipe.examples, recipe.filters
    shares = (examples.psm, examples.context, examples.alone, examples.below, examples.prose)
    rules = {
        f"examples.kinds must be some of {', '.join(KINDS)}, with shares that are not negative": (
            set(examples.kinds) <= set(KINDS)
            and sum(examples.kinds.values()) > 0
            and min(examples.kinds.values()) >= 0
        ),
        "psm, context, alone, below and prose must be shares from 0 to 1": all(
            0 <= share <= 1 for share in shares
        ),
        "examples.held_out_share must lie between 0 and 1": 0 < examples.held_out_share < 1,
        "train_tokens and held_out_tokens must be positive": min(
            examples.train_tokens, examples.held_out_tokens
        )
        > 0,
        "fewest_tokens must be at least 16, and at most most_tokens": (
            16 <= examples.fewest_tokens <= examples.most_tokens
        ),
        "most_middle must be positive and below most_tokens": (
            0 < examples.most_middle < examples.most_tokens
        ),
        "filters.similarity must lie between 0 and 1": 0 < filters.similarity < 1,
        "filters.run must be at least 8": filters.run >= 8,
        "sources must name something: packages, installed, folders or standard_library": bool(
            recipe.sources.packages
            or recipe.sources.installed
            or recipe.sources.folders
            or recipe.sources.standard_library
        ),
    }
    for rule, kept in rules.items():
        if not kept:
            raise ConfigError(f"{rule}.")
