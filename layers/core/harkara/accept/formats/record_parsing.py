"""Parse the rows of a request as records, column by column: the quickest way for a thousand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import repeat
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from harkara.accept.requests import BODY_LIMIT_BYTES, NO_OPTIONS, Options, Record, SendRequest
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.json import decode
from harkara.model.messages import RECORD_LIMIT

# Equivalent to the named tuples' own `_make`, without a call of Python for each.
_as_record = cast(Callable[[Iterable[Any]], Record], partial(tuple.__new__, Record))
_as_options = cast(Callable[[Iterable[Any]], Options], partial(tuple.__new__, Options))
NOTHING: Mapping[str, Any] = MappingProxyType({})
_ABSENT = (None, "")
_SENDER = Record._fields.index("sender_id")
_WRONG = object()

_Problems = dict[int, tuple[Code, str]]


class OptionField(NamedTuple):
    """A field of a request that holds an option.

    `option` is the field of `harkara.accept.requests.Options`; `code` and `rule` describe the error
    if `read` raises ValueError.
    """

    option: str
    read: Callable[[Any], Any]
    code: Code
    rule: str


class Fields(NamedTuple):
    """A format's names of Record's strings, in Record's order, and its fields with options.

    `shared` are the strings that may stand beside the list, for all its records. `unknown` returns
    the error for an unknown name, in a format that refuses unknown fields.
    """

    strings: Sequence[str]
    options: Mapping[str, OptionField]
    shared: Sequence[str] = ()
    unknown: Callable[[str], str] | None = None


def string(value: Any) -> str:
    """Return a string, or a whole number's digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError
    return str(value)


def json_of(body: str | bytes) -> Any:
    """Return a body's JSON. Raises RequestRefused if it is too long, or malformed."""
    check_length(body)
    try:
        return decode(body)
    except ValueError as error:
        raise RequestRefused(Code.MALFORMED_JSON) from error


def object_of(body: str | bytes) -> dict[str, Any]:
    """Return a body's JSON object. Raises RequestRefused if it is anything else."""
    value = json_of(body)
    if not isinstance(value, dict):
        raise RequestRefused(Code.INVALID_REQUEST, "(an object at the top)")
    return value


_STRING = OptionField("", string, Code.INVALID_RECORD, "a string")


def top_level(request: Mapping[str, Any], name: str) -> str:
    """Return a string at the top of a request. Raises RequestRefused, which names the field."""
    value = request.get(name)
    try:
        return "" if value is None else string(value)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_REQUEST, f"({name}: a string)") from error


def check_length(body: str | bytes) -> None:
    """Raise RequestRefused(BODY_TOO_LARGE) for a body beyond the limit."""
    if len(body) > BODY_LIMIT_BYTES:
        raise RequestRefused(Code.BODY_TOO_LARGE)


def request_of(
    rows: Any, fields: Fields, name: str = "", shared: Mapping[str, Any] = NOTHING
) -> SendRequest:
    """Return the request of a list of rows, JSON objects; `shared` has values for all of them.

    A row's own option overrides the shared one. Null and, for an option, an empty string count as
    absent. The error of a row is its record's `problem`. Raises RequestRefused unless `rows`,
    called `name`, is a list of 1 to 1,000.
    """
    if rows is not None and not isinstance(rows, list):
        raise RequestRefused(Code.INVALID_REQUEST, f"({name}: an array of objects)")
    if not rows:
        raise RequestRefused(Code.NO_RECORDS)
    if len(rows) > RECORD_LIMIT:
        raise RequestRefused(Code.TOO_MANY_RECORDS)
    problems: _Problems = {}
    if set(map(type, rows)) != {dict}:
        rows = _objects(rows, problems)
    present = set().union(*rows)
    if fields.unknown and (strange := present.difference(fields.strings, fields.options)):
        for index, row in enumerate(rows):
            if names := sorted(name for name in strange if row.get(name) is not None):
                problems.setdefault(index, (Code.INVALID_RECORD, fields.unknown(names[0])))
    common = {name: top_level(shared, name) for name in fields.shared}
    columns: list[Iterable[Any]] = [
        _strings([row.get(field, "") for row in rows], field, problems, common.get(field, ""))
        if field in present
        else repeat(common.get(field, ""), len(rows))
        for field in fields.strings
    ]
    columns[_SENDER] = map(str.strip, columns[_SENDER])
    options = _options(rows, fields.options, present, shared, problems)
    columns += options, repeat(None, len(rows))
    records = list(map(_as_record, zip(*columns, strict=True)))
    for index, (code, _) in problems.items():
        records[index] = records[index]._replace(problem=code)
    details = {index: detail for index, (_, detail) in problems.items()}
    return SendRequest(records, details=details)


def _objects(rows: Sequence[Any], problems: _Problems) -> list[dict[str, Any]]:
    """Return the rows, with an empty object in place of anything that is not an object."""
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            problems[index] = Code.INVALID_RECORD, "(an object)"
    return [row if isinstance(row, dict) else {} for row in rows]


def _strings(column: list[Any], name: str, problems: _Problems, absent: str) -> list[str]:
    """Return a column as strings."""
    try:
        "".join(column)  # the quickest check that all are strings
    except TypeError:
        return _read(column, name, _STRING, problems, absent=absent, wrong="")
    return [value or absent for value in column] if absent else column


def _options(
    rows: Sequence[dict[str, Any]],
    fields: Mapping[str, OptionField],
    present: set[str],
    shared: Mapping[str, Any],
    problems: _Problems,
) -> Iterable[Options]:
    """Return the rows' options, equal ones as one object."""
    # A shared value is read once for all the rows: it may be long.
    common = {
        name: _value(field, shared[name])
        for name, field in fields.items()
        if shared.get(name) not in _ABSENT
    }
    uniform, columns = NO_OPTIONS._asdict(), dict[str, list[Any]]()
    uniform |= {fields[name].option: read for name, read in common.items() if read is not _WRONG}
    for name, field in fields.items():
        absent = common.get(name, uniform[field.option])
        if name in present or absent is _WRONG:
            values = [row.get(name) for row in rows]
            wrong = getattr(NO_OPTIONS, field.option)
            column = _read(values, name, field, problems, absent=absent, wrong=wrong)
            if first := columns.get(field.option):  # an option with two names
                column = [a if b is absent else b for a, b in zip(first, column, strict=True)]
            columns[field.option] = column
    cached = {NO_OPTIONS: NO_OPTIONS}
    if not columns.keys() & uniform.keys():
        options = Options(**uniform)
        return repeat(cached.get(options, options), len(rows))
    whole = [columns.get(option, repeat(value, len(rows))) for option, value in uniform.items()]
    read = map(_as_options, zip(*whole, strict=True))
    return [cached.setdefault(each, each) for each in read]


def _read(
    column: Sequence[Any],
    name: str,
    field: OptionField,
    problems: _Problems,
    *,
    absent: Any,
    wrong: Any,
) -> list[Any]:
    """Return the values of a column as the field reads them: `absent` where there is none.

    An invalid value becomes `wrong`, and a problem unless the row has one already.
    """
    cached: dict[tuple[type, Any], Any] = {(type(each), each): absent for each in _ABSENT}
    found = []
    for index, value in enumerate(column):
        key = type(value), value
        try:
            read = cached[key]
        except KeyError:
            read = cached[key] = _value(field, value)
        except TypeError:  # a list or an object has no hash
            read = _value(field, value)
        if read is _WRONG:
            problems.setdefault(index, (field.code, f"({name}: {field.rule})"))
        found.append(wrong if read is _WRONG else read)
    return found


def _value(field: OptionField, value: Any) -> Any:
    try:
        return field.read(value)
    except ValueError:
        return _WRONG
