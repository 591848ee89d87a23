"""Write the pins of constraints.txt, from the report of a pip that resolved without installing.

In: `python3 .ci/constraints.py REPORT`, the JSON of `pip install --dry-run --report` (its format is
in pip's documentation, "Installation Report"). Out: the pins on stdout, names and versions only,
so that they hold with any index.
"""

import json
import sys
from pathlib import Path

HEADER = """\
# What `make run` and `make test` install, to the version. Made by `make constraints`, which
# resolves pyproject.toml anew (all extras, all of `dev`) and takes the newest that fit.
"""


def pins(report: dict) -> list[str]:
    """Return `name==version` for all that was resolved but the project itself."""
    found = {}
    for item in report["install"]:
        if not item["download_info"].get("dir_info", {}).get("editable"):
            metadata = item["metadata"]
            # A local version (2.13.0+cpu) is one index's own build; the release is what is pinned.
            found[metadata["name"].lower()] = metadata["version"].partition("+")[0]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


if __name__ == "__main__":
    resolved = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(HEADER + "\n".join(pins(resolved)) + "\n")
