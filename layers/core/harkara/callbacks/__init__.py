"""What we post to platforms, one module a format; every one has `render`."""

from collections.abc import Callable, Sequence

from harkara.callbacks import clevertap
from harkara.tasks import Dlr

Render = Callable[[Sequence[Dlr]], bytes]

FORMATS: dict[str, Render] = {"clevertap": clevertap.render}

MEMBER_LIMIT = 100
"""How many messages one callback speaks of at most: CleverTap's documents say 100."""
