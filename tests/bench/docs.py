"""What docs links cost: `python -m tests.bench.docs [FILES]` prints the figures.

The index: the time to open it and look up a first name among 100,000, and the memory that takes.
Hovers over every call of the files: with nothing cached, and warm. A cold hover may say less, but
never later than its deadline. Without FILES they are ten of installed packages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from linewise_server.apidocs.consent import Policy
from linewise_server.apidocs.docs import HOVER_DEADLINE, Docs, Shared, open_docs
from linewise_server.apidocs.environment import own_environment
from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol
from linewise_server.apidocs.python.scope import parse
from linewise_server.apidocs.python.uses import called_names
from linewise_server.apidocs.source import Source

SYMBOLS = 100_000
FILES = (
    "_pytest/fixtures.py",
    "attr/_make.py",
    "click/core.py",
    "flask/app.py",
    "httpx/_client.py",
    "pygls/protocol/json_rpc.py",
    "requests/sessions.py",
    "sqlalchemy/engine/base.py",
    "starlette/routing.py",
    "uvicorn/config.py",
)
COLD = "import pandas as pd\ndf = pd.DataFrame()\ndf.groupby"

LOOK_UP = """
import json, sys, time
import psutil
from pathlib import Path
from linewise_server.apidocs.index import Index
before = psutil.Process().memory_info().rss
start = time.perf_counter()
index = Index(Path(sys.argv[1]))
found = index.find(index.docsets("big")[0], sys.argv[2])
spent = time.perf_counter() - start
after = psutil.Process().memory_info().rss
print(json.dumps({"found": found is not None, "ms": 1000 * spent, "mb": (after - before) / 2**20}))
"""


def measure_index(folder: Path) -> None:
    """Print what opening a large index costs a fresh process."""
    names = [f"package{i % 50}.module{i % 500}.Class{i}.method_{i}" for i in range(SYMBOLS)]
    symbols = tuple(Symbol(n, "py:method", f"api/{n.split('.')[1]}.html#$") for n in names)
    path = folder / "big.sqlite"
    index = Index(path)
    index.put("big", Inventory("Big", "1", symbols), base="b/", origin="added", source="s")
    index.close()
    command = [sys.executable, "-c", LOOK_UP, str(path), names[SYMBOLS // 2]]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    size = path.stat().st_size / 2**20
    print(
        f"index of {SYMBOLS:,} names: open and first look-up {answer['ms']:.1f} ms,"
        f" {answer['mb']:.1f} MB of memory, {size:.0f} MB on disk"
    )


async def measure_hovers(docs: Docs, files: list[Path]) -> None:
    """Print the times of hovers over all calls of the files, of which there is one at least."""
    times: dict[str, list[float]] = {"first": [], "warm": []}
    for file in files:
        source = Source(file.read_text("utf-8", "replace"), "python", file)
        spans = called_names(parse(source.text))
        for name, spent in times.items():
            if name == "warm":
                await docs.warm(source)
            for span in spans:
                start = time.perf_counter()
                await docs.resolve(source, span.start)
                spent.append(1000 * (time.perf_counter() - start))
    for name, spent in times.items():
        ranked = sorted(spent)
        median, p95 = ranked[len(ranked) // 2], ranked[int(0.95 * (len(ranked) - 1))]
        print(
            f"hover, {name}: n={len(ranked)} median {median:.1f} ms, p95 {p95:.1f} ms,"
            f" max {ranked[-1]:.1f} ms (deadline {1000 * HOVER_DEADLINE:.0f} ms)"
        )


async def measure_cold(docs: Docs) -> None:
    """Print how long the first hover over a large package takes when nothing is inferred yet."""
    await docs.warm(Source("", "python"))
    for attempt in ("first", "after 10 s"):
        start = time.perf_counter()
        found = await docs.resolve(Source(COLD, "python"), len(COLD))
        spent = 1000 * (time.perf_counter() - start)
        print(f"cold pandas, {attempt}: {spent:.1f} ms, {found.name if found else None}")
        await asyncio.sleep(10)


async def main(files: list[Path]) -> None:
    """Run all measurements in a fresh home."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure_index(folder)
        for measure in ("cold", "hovers"):
            environment = own_environment()
            shared = Shared(folder / "docs")
            docs = open_docs(
                shared,
                folder / f"cache-{measure}",
                folder,
                environment,
                lambda: Policy("never", ()),
            )
            if measure == "cold":
                await measure_cold(docs)
            else:
                await measure_hovers(docs, files)
            await docs.close()
            await shared.close()


def chosen_files() -> list[Path]:
    """Return the files that the command line names, else the usual ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.docs", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="Python files; ten of packages without")
    installed = Path(sysconfig.get_path("purelib"))
    files: list[Path] = parser.parse_args().files or [installed / name for name in FILES]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        parser.error(f"no such file: {', '.join(missing)}")
    if not any(called_names(parse(file.read_text("utf-8", "replace"))) for file in files):
        parser.error("nothing is called in these files, so there is nothing to hover over")
    return files


if __name__ == "__main__":
    asyncio.run(main(chosen_files()))
