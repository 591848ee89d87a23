"""`python -m linewise_models.host JSON RUN`: the engine process, as `client` starts it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from linewise_models.errors import AlreadyServed, LoadError
from linewise_models.home import Home
from linewise_models.host.address import Served
from linewise_models.host.client import ALREADY_SERVED
from linewise_models.host.process import serve
from linewise_models.measured import Measurements


def main() -> None:
    """Serve the model that the arguments describe until idle."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    facts = json.loads(sys.argv[1])
    served, run = Served(**facts | {"model": Path(facts["model"])}), Path(sys.argv[2])
    measurements = Measurements(Home(run.parent).measured)  # a home's run directory lies in it
    try:
        serve(served, run, lambda report: measurements.note_load(report, served.model))
    except AlreadyServed as found:
        logging.getLogger(__name__).info("%s", found)
        sys.exit(ALREADY_SERVED)
    except LoadError as error:
        logging.getLogger(__name__).error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
