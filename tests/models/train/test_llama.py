"""The model from scratch: its attention is the textbook's, and it sees nothing of the future."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from linewise_models.train.llama import EPSILON, ROTATION, Llama, Shape, attend, rotate

SHAPE = Shape(vocabulary=50, context=32, layers=2, width=16, heads=4, key_heads=2, hidden=24)


def test_attention_is_softmax_of_qk_over_root_d_times_v() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 5, 8, dtype=torch.float64).unbind()  # [T, D] each
    by_hand = torch.zeros(5, 8, dtype=torch.float64)
    for i in range(5):
        weights = [
            math.exp(sum(float(q[i, d] * k[j, d]) for d in range(8)) / math.sqrt(8))
            for j in range(i + 1)
        ]
        for j, weight in enumerate(weights):
            by_hand[i] += weight / sum(weights) * v[j]
    assert torch.allclose(attend(q[None, None], k[None, None], v[None, None])[0, 0], by_hand)


def test_rotation_makes_scores_depend_on_distance_alone() -> None:
    torch.manual_seed(0)
    q, k = (torch.randn(8, dtype=torch.float64).expand(1, 1, 12, 8) for _ in range(2))
    scores = (rotate(q) @ rotate(k).transpose(-2, -1))[0, 0]  # [T, T]
    for distance in range(5):
        along = scores.diagonal(-distance)
        assert torch.allclose(along, along[:1].expand_as(along))


def test_no_token_sees_a_later_one() -> None:
    torch.manual_seed(0)
    model = Llama(SHAPE)
    tokens = torch.randint(0, 50, (2, 10))
    changed = tokens.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 50
    ours, theirs = model(tokens), model(changed)
    assert torch.allclose(ours[:, :6], theirs[:, :6])
    assert not torch.allclose(ours[:, 6:], theirs[:, 6:])


def test_it_computes_what_hugging_faces_llama_computes() -> None:
    torch.manual_seed(0)
    model = Llama(SHAPE)
    reference = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=SHAPE.vocabulary,
            hidden_size=SHAPE.width,
            intermediate_size=SHAPE.hidden,
            num_hidden_layers=SHAPE.layers,
            num_attention_heads=SHAPE.heads,
            num_key_value_heads=SHAPE.key_heads,
            max_position_embeddings=SHAPE.context,
            rms_norm_eps=EPSILON,
            rope_parameters={"rope_type": "default", "rope_theta": ROTATION},
            tie_word_embeddings=True,
        )
    )
    reference.load_state_dict(model.state_dict())
    tokens = torch.randint(0, 50, (2, 10))
    assert torch.allclose(model(tokens), reference(tokens).logits, atol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_lora_is_the_base_and_scaled_b_a_with_their_derivatives(bias: bool) -> None:
    from linewise_models.train.lora import LoraLinear

    torch.manual_seed(0)
    linear = torch.nn.Linear(6, 5, bias=bias, dtype=torch.float64)
    lora = LoraLinear(linear, rank=2, alpha=3.0).double()
    torch.nn.init.normal_(lora.lora_b)
    x = torch.randn(2, 4, 6, dtype=torch.float64, requires_grad=True)
    expected = linear(x) + 1.5 * (x @ lora.lora_a.T) @ lora.lora_b.T
    learning = (x, lora.lora_a, lora.lora_b)
    by_torch = torch.autograd.grad(expected.square().sum(), learning)
    said = lora(x)
    by_us = torch.autograd.grad(said.square().sum(), learning)
    assert torch.allclose(said, expected)
    for ours, theirs in zip(by_us, by_torch, strict=True):
        assert torch.allclose(ours.double(), theirs, rtol=1e-5)
