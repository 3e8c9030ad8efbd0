"""Render a template: fill values into its variables."""

from collections.abc import Mapping, Sequence

from harkara.base.errors import VariableRefused
from harkara.dlt.placeholders import holds_placeholder
from harkara.dlt.positions import fits
from harkara.dlt.templates import DEFAULT_RULES, Kind, Rules, fold, parse, rule_of


def render(
    content: str, values: Sequence[str] | Mapping[str, str], rules: Rules = DEFAULT_RULES
) -> str:
    """Return the text of a template with these values for its variables, in order or by name.

    In a mapping the first variable is named `1` or `var1`. The text matches the template. Raises
    VariableRefused, which names the variable and its rule and never the value.
    """
    parts = parse(content)
    chosen = _in_order(values, count=len(parts) // 2)
    for number, (name, value) in enumerate(zip(parts[1::2], chosen, strict=True), 1):
        kind = Kind(name)
        if not value:
            raise VariableRefused(number, "is empty")
        if holds_placeholder(value):
            raise VariableRefused(number, "holds a placeholder that nothing was put in place of")
        if not fits(value, kind, rules):
            raise VariableRefused(number, f"({{#{kind}#}}) takes {rule_of(kind, rules)}")
    parts[1::2] = chosen
    return "".join(parts)


def _in_order(values: Sequence[str] | Mapping[str, str], count: int) -> list[str]:
    if isinstance(values, Mapping):
        given = {name.removeprefix("var"): value for name, value in values.items()}
        chosen = [given.pop(str(number), None) for number in range(1, count + 1)]
        extra = len(given)
    else:
        chosen = [*values[:count], *[None] * (count - len(values))]
        extra = max(0, len(values) - count)
    present = [fold(value) for value in chosen if value is not None]
    if len(present) < count:
        raise VariableRefused(chosen.index(None) + 1, "has no value")
    if extra:
        raise VariableRefused(count + 1, f"is not in the template, which has {count}")
    return present
