"""A head that writes a sentence about a picture: a small transformer over what the encoder saw, word by word.

What the encoder saw last is computed anew, by a copy of its last blocks that learns with the head (object_blocks).

The language model could say more, but people's captions are few, and a step of training it takes fifteen times as long.
An encoder-decoder of Vaswani et al. (2017, arXiv:1706.03762), norms first: the 49 cells of the encoder look at each
other, the words at the cells and at the words before them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from export.recipe.object_blocks import LastBlocks
from export.recipe.object_features import ENTRY_COLUMNS, WIDTHS

CELLS = 49
LAST_STAGE = WIDTHS[0]
HEAD_SIZE = 64
END = 0  # the word that begins a caption and ends it
LONGEST = 20  # words of a caption, the end among them
LIKELY = 8
KeyValues = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Shape:
    """cell_width: bytes of a cell that are looked at; hidden: width throughout.

    seeing, writing: layers that look at the cells, and that write; dropout: share.
    """

    words: int
    cell_width: int
    hidden: int = 256
    seeing: int = 1
    writing: int = 3
    dropout: float = 0.15


class Attention(nn.Module):
    def __init__(self, hidden: int):
        super().__init__()
        self.query, self.key_value, self.out = (nn.Linear(hidden, n * hidden) for n in (1, 2, 1))

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (-1, HEAD_SIZE)).transpose(1, 2)

    def keys(self, x: torch.Tensor) -> KeyValues:
        """[b, n, hidden] -> keys and values [b, heads, n, HEAD_SIZE]."""
        key, value = self.key_value(x).chunk(2, -1)
        return self._heads(key), self._heads(value)

    def forward(self, x: torch.Tensor, keys: KeyValues, visible: torch.Tensor | None = None) -> torch.Tensor:
        seen = F.scaled_dot_product_attention(self._heads(self.query(x)), *keys, attn_mask=visible)
        return self.out(seen.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """looks: whether it looks at the cells besides."""

    def __init__(self, hidden: int, dropout: float, looks: bool):
        super().__init__()
        self.own_norm, self.own = nn.LayerNorm(hidden), Attention(hidden)
        self.cell_norm: nn.LayerNorm | None = nn.LayerNorm(hidden) if looks else None
        self.cells: Attention | None = Attention(hidden) if looks else None
        self.feed_norm = nn.LayerNorm(hidden)
        self.up, self.down = nn.Linear(hidden, 3 * hidden), nn.Linear(3 * hidden, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: torch.Tensor,
        visible: torch.Tensor | None,
        cells: KeyValues | None = None,
        past: list[KeyValues] | None = None,
    ) -> torch.Tensor:
        """past: empty, or the keys of the words before; takes those of all words."""
        normed = self.own_norm(x)
        keys = self.own.keys(normed)
        if past is not None:
            if past:
                key, value = past.pop()
                keys = torch.cat([key, keys[0]], 2), torch.cat([value, keys[1]], 2)
            past.append(keys)
        x = x + self.dropout(self.own(normed, keys, visible))
        if self.cells is not None and self.cell_norm is not None and cells is not None:
            x = x + self.dropout(self.cells(self.cell_norm(x), cells))
        return x + self.dropout(self.down(self.dropout(F.gelu(self.up(self.feed_norm(x))))))


class CaptionHead(nn.Module):
    """blocks: compute LAST_STAGE numbers of each cell more, from the columns ENTRY_COLUMNS of the bytes.

    mean and spread: of each byte of a cell, float32 [cell_width]; set them before training. What the blocks compute is
    taken to be spread as the first columns are, which the encoder's own blocks computed.
    """

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, shape: Shape, blocks: LastBlocks | None = None, step: float = 1.0):
        """step: of the bytes of the first columns."""
        super().__init__()
        self.shape, hidden = shape, shape.hidden
        self.register_buffer("mean", torch.zeros(shape.cell_width))
        self.register_buffer("spread", torch.ones(shape.cell_width))
        self.blocks, self.step = blocks, step
        width = shape.cell_width + (LAST_STAGE if blocks else 0)
        self.enter, self.cell_place = nn.Linear(width, hidden), nn.Parameter(torch.randn(CELLS, hidden) / 50)
        self.seeing = nn.ModuleList(Layer(hidden, shape.dropout, looks=False) for _ in range(shape.seeing))
        self.seen_norm = nn.LayerNorm(hidden)
        self.words, self.place = nn.Embedding(shape.words, hidden), nn.Parameter(torch.randn(LONGEST, hidden) / 50)
        nn.init.normal_(self.words.weight, std=1 / 25)
        self.writing = nn.ModuleList(Layer(hidden, shape.dropout, looks=True) for _ in range(shape.writing))
        self.written_norm, self.bias = nn.LayerNorm(hidden), nn.Parameter(torch.zeros(shape.words))
        self.dropout, self.channel_dropout = nn.Dropout(shape.dropout), nn.Dropout1d(shape.dropout)

    def see(self, cells: torch.Tensor) -> list[KeyValues]:
        """uint8 [b, CELLS, cell_width or more] -> what each writing layer looks at."""
        values = (cells[..., : self.shape.cell_width].float() - self.mean) / self.spread
        if self.blocks is not None:
            own = self.blocks(cells[..., ENTRY_COLUMNS]).float() / self.step
            values = torch.cat([values, (own - self.mean[:LAST_STAGE]) / self.spread[:LAST_STAGE]], -1)
        x = self.enter(self.channel_dropout(values.transpose(1, 2)).transpose(1, 2))
        x = self.dropout(x + self.cell_place)
        for layer in self.seeing:
            x = layer(x, None)
        x = self.seen_norm(x)
        return [layer.cells.keys(x) for layer in self.writing]  # type: ignore[union-attr, operator]

    def write(
        self,
        words: torch.Tensor,
        places: torch.Tensor,
        visible: torch.Tensor | None,
        cells: list[KeyValues],
        past: list[list[KeyValues]] | None = None,
    ) -> torch.Tensor:
        """words, places: int [b, n]; visible: bool [b, 1, n, n] -> float32 [b, n, hidden], for `logits`."""
        x = self.dropout(self.words(words) + self.place[places])
        for i, layer in enumerate(self.writing):
            x = layer(x, visible, cells[i], past[i] if past is not None else None)
        return self.written_norm(x)

    def logits(self, written: torch.Tensor) -> torch.Tensor:
        """float32 [..., hidden] -> [..., words]: which word comes next."""
        return written @ self.words.weight.T + self.bias

    @torch.no_grad()
    def captions(self, cells: torch.Tensor, samples: int = 0) -> list[list[int]]:
        """The likeliest words of each picture one by one, or so many samples of each, one after the other.

        With END, unless LONGEST words are reached without it. A caption has one word at least. Samples are drawn from
        the LIKELY likeliest words: what label smoothing gives to all others would end every sample in nonsense.
        """
        count = max(1, samples)
        seen = [(key.repeat_interleave(count, 0), value.repeat_interleave(count, 0)) for key, value in self.see(cells)]
        past: list[list[KeyValues]] = [[] for _ in self.writing]
        words = torch.full((len(cells) * count, 1), END)
        written: list[torch.Tensor] = []
        done = torch.zeros(len(words), dtype=torch.bool)
        for place in range(LONGEST):
            logits = self.logits(self.write(words, torch.tensor([place]), None, seen, past)[:, -1])
            if place == 0:
                logits[:, END] = -torch.inf
            if samples:
                best, which = logits.topk(min(LIKELY, logits.shape[-1]))
                drawn = which.gather(1, torch.multinomial(best.softmax(-1), 1))[:, 0]
            else:
                drawn = logits.argmax(-1)
            written.append(drawn.masked_fill(done, END))
            done |= drawn == END
            if done.all():
                break
            words = written[-1][:, None]
        rows = torch.stack(written, 1).tolist()
        return [row[: row.index(END) + 1] if END in row else row for row in rows]
