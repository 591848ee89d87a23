"""The worker process: one JSON request a line on standard input, one JSON reply a line on output.

    {"id": 1, "ask": "define", "text": "len", "path": null, "line": 1, "column": 0}
    {"id": 1, "answer": {"full": "builtins.len", …}}

Started by process.py as `python -m linewise_server.apidocs.python.worker OPTIONS`, where OPTIONS
is a JSON object with `root`, `site_packages` and `cache`. Ends with its input. A question that jedi
fails on is answered with null and logged to standard error; it never ends the process.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import traceback
from typing import Any

import jedi

from linewise_server.apidocs.python.inference import Inference


def main(options: dict[str, Any]) -> None:
    """Answer until the input ends."""
    # What a compiled module prints while jedi looks at it must not reach the protocol.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    if options["cache"]:
        jedi.settings.cache_directory = options["cache"]
    inference = Inference(options["root"], options["site_packages"])
    for line in sys.stdin.buffer:
        request = json.loads(line)
        output.write(
            json.dumps({"id": request["id"], "answer": _answer(inference, request)}) + "\n"
        )
        output.flush()


def _answer(inference: Inference, request: dict[str, Any]) -> Any:
    try:
        if request["ask"] == "canonical":
            return inference.canonical(request["names"])
        definition = inference.define(
            request["text"], request["path"], request["line"], request["column"]
        )
        return definition and dataclasses.asdict(definition)
    except Exception:
        traceback.print_exc()
        return None


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
