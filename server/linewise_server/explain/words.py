"""Figures of an explanation in words, the same on a page and in a terminal. Pure.

In: an explanation. Out: sentences and labels, as plain text; whoever shows them escapes them.
"""

from __future__ import annotations

import unicodedata
from math import exp, log

from linewise_server.explain.explanation import Explanation, Said, Shown
from linewise_server.explain.occlusion import Lean

METHOD = (
    "This is occlusion: lines are left out of the prompt, one group at a time, and what counts is "
    "by how much the same completion becomes less likely (Zeiler and Fergus 2014). The model's "
    "attention weights are not shown: llama.cpp does not offer them, and whether they explain what "
    "a model says is disputed (Jain and Wallace 2019; Wiegreffe and Pinter 2019)."
)
"""How it was found out, and why so."""
SOURCES = (
    "Zeiler and Fergus: Visualizing and Understanding Convolutional Networks. ECCV 2014. "
    "arXiv:1311.2901",
    "Li, Monroe and Jurafsky: Understanding Neural Networks through Representation Erasure. 2016. "
    "arXiv:1612.08220",
    "Jain and Wallace: Attention is not Explanation. NAACL 2019. arXiv:1902.10186",
    "Wiegreffe and Pinter: Attention is not not Explanation. EMNLP 2019. arXiv:1908.04626",
)
NAMES = {
    "context": "what other files say",
    "lines": "the lines above",
    "line": "the line as typed",
    "suffix": "what follows the cursor",
}
"""Parts of a prompt -> what people call them."""
NOTHING = 0.05
"""Nats that make no difference: a twentieth more or less likely."""
_MILLION = log(1e6)
_TEN = log(10)
_BLANKS = {" ": "space", "\t": "tab", "\n": "line break", "\r": "carriage return"}


def summary(explanation: Explanation) -> list[str]:
    """Return what matters most, in sentences."""
    tokens = explanation.tokens
    least = min(tokens, key=lambda token: token.logprob)
    sentences = [
        f"{count(len(tokens), 'token')}, on average {percent(exp(explanation.confidence))} likely; "
        f"the model was least sure of {quoted(least)} ({percent(least.probability)}).",
        gate(explanation),
    ]
    strongest = max(explanation.leans, key=lambda lean: lean.fall, default=None)
    if strongest is not None and strongest.fall > NOTHING:
        sentences.append(
            f"It leans most on {where(explanation, strongest)}: without "
            f"{'them' if strongest.group.height > 1 else 'it'} the completion is "
            f"{likelihood(strongest.fall)}."
        )
    elif strongest is not None:
        sentences.append("It leans on no single group of lines: none makes it less likely.")
    return sentences


def part_name(part: Shown) -> str:
    """Return what people call a part of a prompt."""
    return f"the mark {part.name}" if part.mark else NAMES.get(part.name, part.name)


def gate(explanation: Explanation) -> str:
    """Return whether so sure a completion is shown unasked."""
    sure = explanation.confidence >= explanation.least
    return (
        f"Unasked, Linewise shows what is {percent(exp(explanation.least))} likely or more on "
        f"average, so this is {'sure enough' if sure else 'not sure enough'} to be shown while "
        "typing."
    )


def cost(explanation: Explanation) -> str:
    """Return what finding out took."""
    spent = explanation.cost
    return (
        f"{count(spent.requests, 'request')} that left something out, {spent.tokens:,} tokens "
        f"evaluated, {spent.seconds:.1f} s."
    )


def where(explanation: Explanation, lean: Lean) -> str:
    """Return which lines a group is; lines count from 1."""
    lines = explanation.lines_of(lean)
    if lines is None:
        return f"{count(lean.group.height, 'line')} quoted from other files"
    first, last = lines[0] + 1, lines[1] + 1
    return f"line {first}" if first == last else f"lines {first} to {last}"


def likelihood(fall: float) -> str:
    """Return how much less likely a fall of so many nats is; the factor is e to its power."""
    if abs(fall) < NOTHING:
        return "as likely"
    way, size = ("less" if fall > 0 else "more"), abs(fall)
    if size >= _MILLION:
        return f"more than a million times {way} likely"
    factor = f"{exp(size):.1f}" if size < _TEN else f"{exp(size):,.0f}"
    return f"{factor} times {way} likely"


def percent(probability: float) -> str:
    """Return a probability for people."""
    if probability >= 0.995:
        return "over 99 %" if probability < 1 else "100 %"
    return f"{probability * 100:.0f} %" if probability >= 0.01 else "under 1 %"


def quoted(token: Said) -> str:
    """Return a token in quotation marks, or what it is where nothing of it can be seen."""
    if token.text.strip():
        return f"“{visible(token.text.strip())}”"
    return blank(token.text)


def blank(text: str) -> str:
    """Return white space in words: "line break, 4 spaces"."""
    runs: list[tuple[str, int]] = []
    for character in text:
        if runs and runs[-1][0] == character:
            runs[-1] = (character, runs[-1][1] + 1)
        else:
            runs.append((character, 1))
    named = [(_BLANKS.get(character, "blank"), number) for character, number in runs]
    return ", ".join(name if number == 1 else count(number, name) for name, number in named)


def visible(text: str) -> str:
    r"""Return a text in which nothing hides: what cannot be seen is spelt \u202e and the like.

    A character that turns the direction of writing would make a page say what the code does not
    (Boucher and Anderson 2021, arXiv:2111.00169). Line feeds and tabs stay.
    """
    return "".join(
        f"\\u{ord(character):04x}"
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        and character not in "\n\t"
        else character
        for character in text.replace("\r\n", "\n")
    )


def count(number: int, noun: str) -> str:
    """Return a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
