"""`python -m linewise_models.host JSON RUN`: the engine process, as `client` starts it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from linewise_models.host.address import Served
from linewise_models.host.process import serve


def main() -> None:
    """Serve the model that the arguments describe until idle."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    facts = json.loads(sys.argv[1])
    serve(Served(**facts | {"model": Path(facts["model"])}), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
