"""Whether an answer works: its program passes the problem's own test.

In: a problem and an answer's text. Out: yes or no. Programs run in `execution` alone.
"""

from __future__ import annotations

from linewise_models.evaluate.execution import Limits, run_program
from linewise_models.evaluate.problem import Asserts, Exchange, Exchanges, Problem, SameCall, Says
from linewise_models.evaluate.scores import is_same_call, names


async def works(problem: Problem, text: str, replace: int, limits: Limits) -> bool:
    """Say whether `text` in the hole, in place of `replace` characters after it, passes the test.

    Raises ValueError for a problem without a test.
    """
    program = problem.prefix + text + problem.suffix[replace:]
    match problem.test:
        case SameCall():
            return is_same_call(text, problem.gold)
        case Says(name, wanted):
            return (name in names(text)) is wanted
        case Asserts(code):
            # A program that exits before its test has run through has not passed it.
            return (await run_program(f"{program}\n{code}", "", limits)).outcome == "finished"
        case Exchanges(runs):
            for run in runs:
                if not await _answers(program, run, limits):
                    return False
            return True
        case None:
            raise ValueError(f"{problem.id} has no test")


async def _answers(program: str, run: Exchange, limits: Limits) -> bool:
    ending = await run_program(program, run.stdin, limits)
    right = {_words(output) for output in run.outputs}
    return ending.outcome in ("finished", "exited") and _words(ending.output) in right


def _words(output: str) -> tuple[tuple[str, ...], ...]:
    """Return what an output says, line by line, spacing and blank lines at its end aside."""
    return tuple(tuple(line.split()) for line in output.rstrip().split("\n"))
