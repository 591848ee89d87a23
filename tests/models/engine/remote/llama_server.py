"""A real llama-server in a process of its own: prints its address, serves until it is ended.

Usage: python llama_server.py MODEL SLOTS [KEY]
"""

from __future__ import annotations

import sys
import threading

import xllamacpp


def main() -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = sys.argv[1]
    parameters.n_parallel = int(sys.argv[2])
    parameters.n_ctx = 1024 * parameters.n_parallel
    parameters.api_keys = sys.argv[3:]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.endpoint_metrics = True
    # One thread: threads that wait for one another stand still on a machine that is busy.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
