"""Generating over the wire: what is asked, what is given, and every way in which it ends."""

from __future__ import annotations

import asyncio

import pytest

from linewise_models.engine.contract import Mark, Part, Request, Token
from linewise_models.errors import EngineError, EngineLost, LoadError
from tests.models.engine.remote.conftest import Clients, run, spoken
from tests.models.engine.remote.stage import After, Reply, Stage, as_json, as_stream, said, usage

COMPLETIONS = "/v1/completions"


@pytest.mark.parametrize("cut", [0, 1, 7])
async def test_tokens_come_as_they_are_said(stage: Stage, clients: Clients, cut: int) -> None:
    client = clients.connect(stage.url)
    await client.report()
    words = (said(" é"), said(" = '日本"), said("🙂\u2028'"), said("", "stop"), usage(40, 3, 30))
    stage.replies[COMPLETIONS] = [as_stream(*words, cut=cut)]
    tokens, finish = await run(client)
    assert [token.text for token in tokens] == [" é", " = '日本", "🙂\u2028'"]
    assert {token.logprob for token in tokens} == {-0.5}
    assert (finish.reason, finish.generated_tokens) == ("end", 3)
    assert (finish.prompt_tokens, finish.evaluated_tokens, finish.reused_tokens) == (40, 10, 30)
    assert 0 < finish.ttft_ms <= finish.total_ms


async def test_what_is_asked_is_what_the_protocol_has(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await run(client, "x = ", max_tokens=20, must_speak=True, seed=3)
    body = stage.bodies()[-1]
    assert body == {
        "model": "m",
        "prompt": "x =",
        "max_tokens": 21,
        "temperature": 0,
        "seed": 3,
        "logprobs": 1,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "min_tokens": 1,
        "repetition_penalty": 1.0,
        "skip_special_tokens": False,
    }


async def test_code_is_sent_only_when_it_is_asked_about(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    assert stage.asked == []
    await client.report()
    await client.health()
    assert all("add_one_to_all" in body["prompt"] for body in stage.bodies())


async def test_a_connection_serves_many_requests(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await run(client)
    await run(client)
    assert len(stage.bodies()) == 3
    assert stage.connections == 1


async def test_a_connection_that_was_closed_meanwhile_is_made_anew(
    stage: Stage, clients: Clients
) -> None:
    client = clients.connect(stage.url)
    await client.report()
    good = as_stream(said("a", "stop"))
    stage.replies[COMPLETIONS] = [good, Reply(after="close", mute=True), good]
    for _ in range(2):
        tokens, _ = await run(client)
        assert spoken(tokens) == "a"
    assert stage.connections == 2
    assert clients.slept == []


async def test_closing_the_stream_ends_the_work_there(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_stream(said("a"), done=False, after="silence")]
    stream = client.generate(Request("s", (Part("text", "x"),), 8))
    assert await anext(stream) == Token("a", -0.5)
    await stream.aclose()
    await asyncio.wait_for(stage.hung_up.wait(), 10)


async def test_cancelling_who_waits_ends_the_work_there(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_stream(said("a"), done=False, after="silence")]
    first = asyncio.Event()

    async def wait() -> None:
        async for _ in client.generate(Request("s", (Part("text", "x"),), 8)):
            first.set()

    task = asyncio.create_task(wait())
    await first.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    await asyncio.wait_for(stage.hung_up.wait(), 10)


async def test_being_told_to_stop_ends_with_what_is_known(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    begun = said("a", usage={"prompt_tokens": 40, "completion_tokens": 1})
    stage.replies[COMPLETIONS] = [as_stream(begun, done=False, after="silence")]
    tokens, finish = await run(client, stopped=lambda: True)
    assert (spoken(tokens), finish.reason) == ("a", "cancelled")
    assert (finish.prompt_tokens, finish.generated_tokens) == (40, 1)
    await asyncio.wait_for(stage.hung_up.wait(), 10)


@pytest.mark.parametrize("begins", [True, False])
async def test_a_deadline_keeps_what_there_is(stage: Stage, clients: Clients, begins: bool) -> None:
    client = clients.connect(stage.url)
    await client.report()
    begun = as_stream(said("a"), done=False, after="silence")
    stage.replies[COMPLETIONS] = [begun if begins else Reply(after="silence", mute=True)]
    tokens, finish = await run(client, deadline_ms=100)
    assert (spoken(tokens), finish.reason) == ("a" if begins else "", "deadline")
    await asyncio.wait_for(stage.hung_up.wait(), 10)


async def test_a_stop_is_cut_here_and_ends_the_work_there(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    words = (said("a"), said("b\n"), said("\nc"))
    stage.replies[COMPLETIONS] = [as_stream(*words, done=False, after="silence")]
    tokens, finish = await run(client, stop=("\n\n",))
    assert (spoken(tokens), finish.reason) == ("ab", "stop")
    await asyncio.wait_for(stage.hung_up.wait(), 10)


@pytest.mark.parametrize(
    ("answer", "new", "reason", "generated"),
    [
        (["\n", "    return", " 1"], "return 1", "end", 2),
        (["\n    ret", "urn"], "return", "end", 2),
        (["\n  return"], "", "end", 0),
        (["return"], "", "end", 0),
    ],
)
async def test_white_space_is_taken_back_and_not_said_twice(
    stage: Stage, clients: Clients, answer: list[str], new: str, reason: str, generated: int
) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_stream(*map(said, answer), said("", "stop"))]
    tokens, finish = await run(client, "def f():\n    ")
    assert stage.bodies()[-1]["prompt"] == "def f():"
    assert (spoken(tokens), finish.reason, finish.generated_tokens) == (new, reason, generated)
    assert finish.healed == "\n    "


async def test_what_is_spelt_again_is_not_counted(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    words = [said(word) for word in ("\n", "    ", "a", "b", "c", "d")]
    stage.replies[COMPLETIONS] = [as_stream(*words, done=False, after="silence")]
    tokens, finish = await run(client, "def f():\n    ", max_tokens=2)
    assert (spoken(tokens), finish.reason) == ("ab", "length")


async def test_a_prompt_can_be_evaluated_for_later(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_stream(said("a", "length"), usage(40, 1))]
    tokens, finish = await run(client, "x =\n", max_tokens=0)
    assert (tokens, finish.reason, finish.prompt_tokens) == ([], "length", 40)
    assert stage.bodies()[-1]["max_tokens"] == 1


async def test_candidates_are_requests_of_their_own(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [
        as_stream(said(text), said(text, "stop"), usage(40, 2)) for text in "abc"
    ]
    tokens, finish = await run(client, candidates=3, temperature=0.6, seed=5)
    assert sorted(spoken(tokens, n) for n in range(3)) == ["aa", "bb", "cc"]
    assert (finish.generated_tokens, finish.evaluated_tokens) == (6, 120)
    asked = sorted((b["temperature"], b["seed"], b.get("top_p")) for b in stage.bodies()[-3:])
    assert asked == [(0, 5, None), (0.6, 6, 0.95), (0.6, 7, 0.95)]


async def test_a_candidate_that_fails_ends_them_all(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [
        as_stream(said("a"), done=False, after="silence"),
        as_json({"error": {"message": "too many"}}, 400),
    ]
    with pytest.raises(EngineError, match="too many"):
        await run(client, candidates=2)
    await asyncio.wait_for(stage.hung_up.wait(), 10)


async def test_a_server_that_does_not_stream_says_all_at_once(
    stage: Stage, clients: Clients
) -> None:
    client = clients.connect(stage.url)
    await client.report()
    whole = said("a b\n\nc", "stop", usage={"prompt_tokens": 40, "completion_tokens": 2})
    stage.replies[COMPLETIONS] = [as_json(whole)]
    tokens, finish = await run(client, stop=("\n\n",))
    assert (spoken(tokens), finish.reason, finish.prompt_tokens) == ("a b", "stop", 40)


async def test_marks_go_by_the_family_of_the_model(stage: Stage, clients: Clients) -> None:
    stage.replies["/v1/models"] = [as_json({"data": [{"id": "org/Qwen2.5-Coder-7B"}]})]
    client = clients.connect(stage.url)
    report = await client.report()
    assert (report.fim, report.architecture) == ("psm", "qwen")
    assert set(report.marks) >= {"prefix", "suffix", "middle"}
    marked = (Part("p", mark=Mark.PREFIX), Part("before", "a"), Part("m", mark=Mark.MIDDLE))
    stage.replies[COMPLETIONS] = [as_stream(said("b"), said("<|fim_pad|>"), said("", "stop"))]
    tokens = [e async for e in client.generate(Request("s", marked, 8)) if isinstance(e, Token)]
    assert spoken(tokens) == "b"
    assert stage.bodies()[-1]["prompt"] == "<|fim_prefix|>a<|fim_middle|>"


async def test_speeds_are_those_of_real_requests(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    first = await client.report()
    assert (first.prompt_speed > 0, first.generation_speed) == (True, 0)
    assert (first.evaluated_total, first.generated_total, first.requests_total) == (340, 1, 1)
    words = [said(word) for word in "abcdef"]
    stage.replies[COMPLETIONS] = [as_stream(*words, said("", "stop"), usage(50, 6, 48))]
    await run(client)
    second = await client.report()
    # Two tokens that had to be evaluated say nothing of the speed; six that were generated do.
    assert second.prompt_speed == first.prompt_speed
    assert second.generation_speed > 0
    assert (second.evaluated_total, second.generated_total) == (342, 7)


async def test_a_server_that_never_ends_a_complete_answer_is_left(
    stage: Stage, clients: Clients
) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_stream(said("a", "stop"), after="silence")]
    tokens, finish = await run(client)
    assert (spoken(tokens), finish.reason) == ("a", "end")
    await asyncio.wait_for(stage.hung_up.wait(), 10)


# --- what goes wrong


@pytest.mark.parametrize(
    ("words", "done", "after", "error", "says"),
    [
        ([said("a")], False, "reset", EngineLost, "broke the connection off"),
        ([said("a")], False, "close", EngineLost, "broke the connection off"),
        ([said("a")], False, "keep", EngineLost, "before it was complete"),
        ([said("a"), {"error": {"message": "no memory"}}], True, "keep", EngineError, "no memory"),
        ([said("a")], False, "silence", EngineLost, "said nothing for too long"),
    ],
)
async def test_after_the_first_token_nothing_is_asked_again(
    stage: Stage,
    clients: Clients,
    words: list[object],
    done: bool,
    after: str,
    error: type[EngineError],
    says: str,
) -> None:
    client = clients.connect(stage.url, timeout=0.2)
    await client.report()
    stage.replies[COMPLETIONS] = [as_stream(*words, done=done, after=after)]  # type: ignore[arg-type] # a table
    stream = client.generate(Request("s", (Part("text", "x"),), 8))
    assert await anext(stream) == Token("a", -0.5)
    with pytest.raises(error, match=says):
        await anext(stream)
    assert len(stage.bodies()) == 2
    assert clients.slept == []


@pytest.mark.parametrize("after", ["reset", "close"])
async def test_a_reset_is_tried_again_only_where_nobody_can_be_at_work(
    stage: Stage, clients: Clients, after: After
) -> None:
    client = clients.connect(stage.url)
    await client.report()
    # The connection was there already: the server may have closed it before it heard anything.
    stage.replies[COMPLETIONS] = [Reply(after=after, mute=True), as_stream(said("a", "stop"))]
    tokens, _ = await run(client)
    assert spoken(tokens) == "a"
    assert len(stage.bodies()) == 1 + 2
    # One that was made for the request carried it: the server may be at work, or have died of it.
    stage.replies[COMPLETIONS] = [Reply(after=after, mute=True)]
    with pytest.raises(EngineLost, match="broke the connection off"):
        await run(client)
    assert len(stage.bodies()) == 1 + 2 + 2
    assert clients.slept == []


@pytest.mark.parametrize("after", ["reset", "close"])
async def test_what_only_asks_for_facts_is_asked_again(
    stage: Stage, clients: Clients, after: After
) -> None:
    listed = as_json({"data": [{"id": "m", "owned_by": "vllm"}]})
    stage.replies["/v1/models"] = [Reply(after=after, mute=True), listed]
    assert (await clients.connect(stage.url).report()).model == "m"


async def test_a_busy_server_is_asked_again_when_it_says(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    busy = as_json({"error": "overloaded"}, 429, Retry_After="2")
    loading = as_json({"error": {"message": "Loading model"}}, 503)
    stage.replies[COMPLETIONS] = [busy, loading, as_stream(said("a", "stop"))]
    tokens, _ = await run(client)
    assert spoken(tokens) == "a"
    assert clients.slept[0] == 2
    assert 0.05 < clients.slept[1] < 0.2


@pytest.mark.parametrize("after", ["3600", "Wed, 21 Oct 2093 07:28:00 GMT"])
async def test_nobody_waits_beyond_a_deadline(stage: Stage, clients: Clients, after: str) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_json({"error": "overloaded"}, 503, Retry_After=after)]
    with pytest.raises(EngineError, match=r"busy.*overloaded"):
        await run(client, deadline_ms=5000)
    assert clients.slept == []


async def test_a_server_that_stays_busy_is_given_up(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_json({"error": "overloaded"}, 503)]
    with pytest.raises(EngineError, match="busy"):
        await run(client, deadline_ms=1000)
    assert sum(clients.slept) <= 1
    assert len(clients.slept) >= 2


async def test_a_bad_request_is_not_repeated(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_json({"error": {"message": "prompt is too long"}}, 400)]
    with pytest.raises(EngineError, match="prompt is too long"):
        await run(client)
    assert len(stage.bodies()) == 2


async def test_what_answers_is_found_out_again_after_a_loss(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    await client.report()
    stage.replies[COMPLETIONS] = [as_json({"message": "The model `m` does not exist."}, 404)]
    with pytest.raises(EngineError, match="does not exist"):
        await run(client)
    stage.replies["/v1/models"] = [as_json({"data": [{"id": "n", "owned_by": "vllm"}]})]
    stage.replies[COMPLETIONS] = [as_stream(said("a", "stop"))]
    tokens, _ = await run(client)
    assert (spoken(tokens), stage.bodies()[-1]["model"]) == ("a", "n")


async def test_who_cannot_split_a_text_says_so(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url)
    stage.replies["/tokenize"] = [as_json({"tokens": [1, 2]})]
    assert await client.tokenise("a b") == [1, 2]
    assert stage.bodies("/tokenize") == [
        {"model": "m", "prompt": "a b", "add_special_tokens": False}
    ]
    stage.replies["/v1/models"] = [as_json({"data": [{"id": "m"}]})]
    with pytest.raises(EngineError, match="cannot say into which tokens"):
        await clients.connect(stage.url).tokenise("a b")


async def test_who_cannot_score_a_text_says_so_and_is_sent_none(
    stage: Stage, clients: Clients
) -> None:
    with pytest.raises(EngineError, match=r"how likely a given text is.*linewise\.remote\.url"):
        await run(clients.connect(stage.url), "x =", forced=" 1")
    assert stage.asked == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply((b"<html>hello</html>",), headers={"Content-Type": "text/html"}),
        Reply((b"hello",)),
    ],
)
async def test_what_does_not_stream_tokens_is_no_server(
    stage: Stage, clients: Clients, reply: Reply
) -> None:
    stage.replies[COMPLETIONS] = [reply]
    with pytest.raises((EngineError, LoadError), match="no server of the OpenAI completions"):
        await clients.connect(stage.url).report()
