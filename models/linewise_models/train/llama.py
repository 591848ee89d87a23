"""A small Llama-type model, from scratch and to be read.

In: tokens [B, T]. Out: hidden states [B, T, width]. B rows, T tokens, H heads of queries, K heads
of keys and values, D = width / H. The weights bear the names that Hugging Face gives them, so that
what is exported is served by any program that knows Llama (Touvron et al. 2023, arXiv:2302.13971).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
ROTATION = 10_000.0
"""The slowest pair of a head turns once in 2 pi times so many tokens."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model."""

    vocabulary: int
    context: int
    layers: int
    width: int
    heads: int
    key_heads: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Config:
    """What a library's models say under these names of theirs."""

    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return softmax(Q K^T / sqrt(D)) V, each token seeing itself and what precedes it.

    q, k and v are [B, H, T, D], and so is the result (Vaswani et al. 2017, arXiv:1706.03762,
    equation 1; the causal mask is their section 3.2.3).
    """
    rows, heads, length, width = q.shape
    q, k, v = (x.reshape(rows * heads, length, width) for x in (q, k, v))
    later = torch.full((length, length), -math.inf, dtype=q.dtype, device=q.device).triu(1)
    # One product that scales and masks as it goes; the same in passes of their own takes longer.
    scores = torch.baddbmm(later.expand(rows * heads, -1, -1), q, k.mT, alpha=1 / math.sqrt(width))
    return (scores.softmax(-1) @ v).view(rows, heads, length, width)


def rotate(x: Tensor, base: float = ROTATION) -> Tensor:
    """Turn each pair (i, i + D/2) of a head by its token's position times base^(-2i/D).

    x is [B, H, T, D]; the product of a rotated query and key then depends on their distance alone
    (RoPE; Su et al. 2021, arXiv:2104.09864, with the halves paired as Llama's checkpoints are).
    """
    half = x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, device=x.device) / half)  # [D/2]
    angles = torch.arange(x.shape[-2], device=x.device)[:, None] * speeds  # [T, D/2]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class Attention(nn.Module):
    """Grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, size = shape, shape.width // shape.heads
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.key_heads * size, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.key_heads * size, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] -> [B, T, width]."""
        rows, length, width = x.shape

        def heads(projected: Tensor) -> Tensor:
            """[B, T, n · D] -> [B, n, T, D]."""
            size = self.shape.width // self.shape.heads
            return projected.view(rows, length, -1, size).transpose(1, 2)

        q, k, v = heads(self.q_proj(x)), heads(self.k_proj(x)), heads(self.v_proj(x))
        group = self.shape.heads // self.shape.key_heads
        k, v = (t.repeat_interleave(group, dim=1) for t in (k, v))  # [B, H, T, D]
        mixed = attend(rotate(q), rotate(k), v)
        return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, width))  # type: ignore[no-any-return] # a module's call is untyped


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down_proj = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] -> [B, T, width]."""
        gated: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return gated


class Block(nn.Module):
    """Attention, then feed-forward, each on what is normed and added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.width, eps=EPSILON)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, eps=EPSILON)
        self.mlp = FeedForward(shape)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] -> [B, T, width]."""
        x = x + self.self_attn(self.input_layernorm(x))
        y: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return y


class Body(nn.Module):
    """Embedding, blocks and the last norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=EPSILON)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T] -> [B, T, width]."""
        x = self.embed_tokens(tokens)  # [B, T, width]
        for block in self.layers:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed


class Llama(nn.Module):
    """The whole model; the head shares the embedding's weights."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.config = Config(shape.layers, shape.heads, shape.key_heads)
        self.model = Body(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.apply(_initialise)
        # What is added to the residual stream starts smaller, the more is added (GPT-2).
        for block in self.model.layers:
            for last in (block.self_attn.o_proj, block.mlp.down_proj):  # type: ignore[union-attr] # a ModuleList forgets what it holds
                nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * shape.layers))  # type: ignore[union-attr, arg-type] # the same
        self.lm_head.weight = self.model.embed_tokens.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T] -> the scores of the next tokens, [B, T, vocabulary]."""
        scores: Tensor = self.lm_head(self.model(tokens))
        return scores


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
