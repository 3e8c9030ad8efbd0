"""A measured figure beside its bar."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure that must be at most `bar`, or `at_least` at least; without one it only informs."""

    name: str
    figure: float
    unit: str
    bar: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        if self.bar is None:
            return True
        return self.figure >= self.bar if self.at_least else self.figure <= self.bar

    def __str__(self) -> str:
        limit = ""
        if self.bar is not None:
            limit = f"  (bar: at {'least' if self.at_least else 'most'} {self.bar:g})"
        verdict = "" if self.met else "  MISSED"
        note = f"  {self.note}" if self.note else ""
        return f"{self.name:<62}{self.figure:>9.2f} {self.unit}{limit}{verdict}{note}"
