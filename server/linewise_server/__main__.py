"""`python -m linewise_server` is `linewise`."""

from linewise_server.cli import main

main()
