"""A prompt in tokens, piece by piece: what comes before, between and behind the tiles of a picture, and a question.

Pieces are tokenised as they stand in the whole prompt: next to the special tokens around them, at which every tokenizer
cuts. Put together they are what the whole prompt would give.
"""

from __future__ import annotations

from tokenizers import Tokenizer

from models.errors import GlintError
from models.picture_plan import PicturePlan
from models.prompt import PromptTemplate


class PromptIds:
    """plan: how the model looks at pictures; None: it does not.

    ends: tokens that end an answer. Raises GlintError when the tokenizer does not have them.
    """

    def __init__(self, tokenizer: Tokenizer, template: PromptTemplate, plan: PicturePlan | None):
        self._tokenizer, self._template, self._plan = tokenizer, template, plan
        names = template.end, *template.other_ends
        numbers = [tokenizer.token_to_id(name) for name in names]
        if None in numbers:
            raise GlintError(f"The tokenizer has no token {names[numbers.index(None)]!r}, which ends an answer.")
        self.ends: tuple[int, ...] = tuple(numbers)
        self._image = plan.markers.image if plan is not None else ""
        self._behind = plan.markers.after or self._image if plan is not None else ""

    def head(self) -> list[int]:
        """What stands before everything about a picture."""
        return self._ids(self._template.head, after=self._image)

    def around(self, rows: int, columns: int, hints: str = "") -> list[list[int]]:
        """What stands before the first, between each two and behind the last of the pictures of a grid."""
        assert self._plan is not None
        first, *between, last = self._plan.texts(rows, columns)
        return [
            self._ids(first, after=self._image),
            *(self._ids(text, self._image, self._image) for text in between),
            self._ids(last + self._template.after_image(hints), before=self._image),
        ]

    def question(self, question: str) -> list[int]:
        """What stands behind all that."""
        return self._ids(self._template.question(question), before=self._behind)

    def text(self, text: str) -> list[int]:
        """A text that follows the head."""
        return self._ids(text)

    def without_picture(self, question: str) -> list[int]:
        """The whole prompt of a question about no picture."""
        return self._ids(self._template.without_picture(question))

    def whole(self, rows: int, columns: int, each: int, question: str, hints: str = "") -> list[int]:
        """The whole prompt of a question about a picture of so many tiles with `each` visual tokens.

        Those are the token that stands for one, or -1 where there is none.
        """
        stands = self._tokenizer.token_to_id(self._image) if self._image else -1
        first, *others = self.around(rows, columns, hints)
        tiles = [token for text in others for token in ([stands] * each + text)]
        return self.head() + first + tiles + self.question(question)

    def tokens_between(self) -> int:
        """The most that stands between two tiles."""
        assert self._plan is not None
        return max(map(len, self.around(2, 2)))

    def _ids(self, text: str, before: str = "", after: str = "") -> list[int]:
        """The tokens of a text between the special tokens `before` and `after`, without those."""
        first, last = (len(self._encoded(edge)) if edge else 0 for edge in (before, after))
        ids = self._encoded(before + text + after)
        return ids[first : len(ids) - last]

    def _encoded(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids
