"""The same weights asked as one would who has read the first page of llama-cpp-python's manual.

In: a problem that asks for a whole function. Out: the code of the first fence of a chat's answer,
greedy, without anything that the product adds. It is the figure to set beside the product's.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import time
from pathlib import Path
from typing import Any

from linewise_models.evaluate.problem import Answer, Problem
from linewise_models.evaluate.raw import MOST_TOKENS

PROMPT = "Complete this Python code. Answer with the code only.\n\n```python\n{code}\n```"
CONTEXT = 2048

_FENCE = re.compile(r"```[\w+-]*\n(.*?)(?:```|\Z)", re.DOTALL)


class Naive:
    """Completes with `Llama.create_chat_completion`; called with a problem."""

    def __init__(self, model: Path, threads: int) -> None:
        """Load the model into this process."""
        llama: Any = importlib.import_module("llama_cpp")  # it has no types
        self._llama = llama.Llama(
            str(model), n_ctx=CONTEXT, n_threads=threads or None, verbose=False
        )

    async def __call__(self, problem: Problem) -> Answer:
        """Return what the model's first block of code has in the place of the hole."""
        started = time.monotonic()
        prompt = PROMPT.format(code=problem.prefix.rstrip())
        said, finish = await asyncio.to_thread(self._ask, prompt)
        return Answer(
            text=taken(problem, said),
            said=said,
            prompt_bytes=len(prompt.encode()),
            finish=finish,
            total_ms=(time.monotonic() - started) * 1000,
        )

    async def close(self) -> None:
        """Free the model."""
        self._llama.close()

    def _ask(self, prompt: str) -> tuple[str, str]:
        answer = self._llama.create_chat_completion(
            [{"role": "user", "content": prompt}],
            temperature=0.0,
            max_tokens=MOST_TOKENS["body"],
        )
        choice = answer["choices"][0]
        return str(choice["message"]["content"]), str(choice["finish_reason"])


def taken(problem: Problem, said: str) -> str:
    """Return the part of an answer that belongs into the hole.

    An answer says the function again, head and docstring and all; what a hole of the extent "body"
    needs is what follows these, and the imports that stand above them.
    """
    found = _FENCE.search(said)
    code = found[1] if found else said
    if problem.extent != "body":
        return code
    names = re.findall(r"^def\s+(\w+)", problem.prefix, re.MULTILINE)
    head = re.search(
        rf"^def\s+{names[-1]}\b.*?:[ \t]*(?:#[^\n]*)?\n", code, re.MULTILINE | re.DOTALL
    )
    if head is None:
        return code[len(problem.typed) :] if code.startswith(problem.typed) else code.lstrip("\n")
    body = re.sub(
        r"\A(?:[ \t]*\n)*[ \t]+[rRuU]?(?:\"\"\".*?\"\"\"|\'\'\'.*?\'\'\')[ \t]*\n",
        "",
        code[head.end() :],
        flags=re.DOTALL,
    )
    space = re.match(r"(?:[ \t]*\n)*([ \t]*)", body)
    indentation = space[1] if space else ""
    imports = re.findall(r"^(?:import|from)\s[^\n]+", code[: head.start()], re.MULTILINE)
    lines = "".join(f"{indentation}{line}\n" for line in imports)
    return (lines + body.lstrip("\n")).removeprefix(problem.typed)
