"""A training run in a process of its own, to be killed: `tiny_run VOCABULARY DATASET RUN`."""

import sys
from pathlib import Path

from linewise_models.train.loop import train
from tests.models.train.tiny import tiny_config

if __name__ == "__main__":
    vocabulary, dataset, run = (Path(argument) for argument in sys.argv[1:])
    train(tiny_config(vocabulary), dataset, run, resume=True)
