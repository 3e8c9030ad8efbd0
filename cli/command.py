"""The verbs of the command line: functions whose parameters are the arguments and options.

    @verb(app)
    def create(deployment: Deployment, account: AccountId, fields: AccountFields) -> Answer:
        \"\"\"Create an account.\"\"\"

A parameter that is a dataclass stands for the options that its fields describe, so that verbs share
them. Every verb also has the options of `Target`, and `--json`.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from itertools import takewhile
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperOption

from cli.printing import Answer, print_answer
from harkara.base.errors import RequestRefused, StoreUnavailable

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
EMPTIED = "emptied"
"""The key in a context for the names of list options that are given without a value."""
_Run = Callable[..., Answer | None]
_Parameters = Mapping[str, inspect.Parameter]
# A field at the beginning of a message of the API: `overlap_s: a whole number`.
_FIELD = re.compile(r"^([a-z_]+)(?=: )")


class UsageError(typer.TyperException):
    """The command was used wrongly; the message is one line with the right use."""

    exit_code = 2


class CommandRefused(typer.TyperException):
    """The request cannot be done; the message is one line with the remedy."""


class PartlyRefused(CommandRefused):
    """The request is done in part; `answer` says which part."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer


@dataclass(frozen=True)
class Target:
    """The deployment that a verb is for."""

    stack: Annotated[
        str | None,
        typer.Option(
            envvar="HARKARA_STACK",
            show_envvar=True,
            metavar="NAME",
            help="A CloudFormation stack on AWS.",
        ),
    ] = None
    local: Annotated[bool, typer.Option("--local", help="The stack that `make up` runs.")] = False
    region: Annotated[
        str | None,
        typer.Option(
            "--region", metavar="REGION", help="Its region, if not your profile's or environment's."
        ),
    ] = None
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="A profile of your AWS configuration.")
    ] = None


class Command(TyperCommand):
    """A command whose list options take all words up to the next option: `--countries IN US`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words; a list whose metavar is in brackets may be given empty."""
        lists = {
            name: option
            for option in self.params
            if isinstance(option, TyperOption) and option.multiple
            for name in option.opts
        }
        words, emptied, given = list[str](), list[str](), iter(enumerate(args, 1))
        for after, word in given:
            values = [*takewhile(lambda word: not word.startswith("--"), args[after:])]
            if word not in lists:
                words.append(word)
                continue
            option = lists[word]
            if not values and not (option.metavar or "").startswith("["):
                raise typer.BadParameter("give at least one value", ctx, option)
            if not values:
                emptied.append(str(option.name))
            for value in values:
                words += [word, value]
                next(given)
        rest = super().parse_args(ctx, words)
        # Typer makes None of a list that is empty.
        ctx.meta[EMPTIED] = emptied
        return rest


def noun() -> typer.Typer:
    """Return an empty set of verbs."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def verb(app: typer.Typer, asks: str = "") -> Callable[[_Run], _Run]:
    """Register a function as the verb of its name, with its docstring as the help.

    A function without a parameter `deployment` needs no deployment. `asks` is a question with the
    names of arguments in braces: without `--yes`, somebody must answer it by yes; a verb with an
    option `--dry-run` asks nothing then.
    """

    def register(run: _Run) -> _Run:
        own = inspect.signature(run, eval_str=True).parameters

        def command(ctx: typer.Context, **values: Any) -> None:
            values |= {name: [] for name in ctx.meta[EMPTIED]}
            target = _dataclass_of(Target, values)
            if "deployment" in own:
                _check(target, ctx)
            if asks and not (values["yes"] or values.get("dry_run")):
                _ask(asks.format(**values))
            with _errors_in_words_of(ctx, in_json=values["as_json"]):
                arguments = {
                    name: _dataclass_of(each.annotation, values)
                    if is_dataclass(each.annotation)
                    else values[name]
                    for name, each in own.items()
                    if name != "deployment"
                }
                if "deployment" in own:
                    arguments["deployment"] = ctx.obj(target)
                answer = run(**arguments)
                if answer is not None:  # else the verb wrote it itself
                    print_answer(answer, in_json=values["as_json"])

        command.__doc__ = run.__doc__
        signature = inspect.Signature([*_flattened(own, may_ask=bool(asks))])
        command.__signature__ = signature  # type: ignore[attr-defined]
        app.command(run.__name__.rstrip("_").replace("_", "-"), cls=Command)(command)
        return run

    return register


def _flattened(own: _Parameters, *, may_ask: bool) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a verb for typer, with the fields of dataclasses."""
    only = inspect.Parameter.KEYWORD_ONLY
    yield inspect.Parameter("ctx", only, annotation=typer.Context)
    for name, each in own.items():
        if name == "deployment":
            continue
        if is_dataclass(each.annotation):
            yield from _fields(each.annotation)
        else:
            yield each.replace(kind=only)
    yield from _fields(Target)
    if may_ask:
        yield inspect.Parameter("yes", only, default=False, annotation=_Yes)
    if "as_json" not in own:
        yield inspect.Parameter("as_json", only, default=False, annotation=AsJson)


def _fields(kind: Any) -> Iterator[inspect.Parameter]:
    for each in inspect.signature(kind, eval_str=True).parameters.values():
        yield each.replace(kind=inspect.Parameter.KEYWORD_ONLY)


def _dataclass_of(kind: Any, values: Mapping[str, Any]) -> Any:
    return kind(**{each.name: values[each.name] for each in fields(kind)})


def _check(target: Target, ctx: typer.Context) -> None:
    source = ctx.get_parameter_source("stack")
    if target.local and source is not None and source.name == "COMMANDLINE":
        raise UsageError("--stack and --local name two deployments: give one of them")
    if not (target.local or target.stack):
        raise UsageError("name a deployment: --stack NAME (or HARKARA_STACK), or --local")


def _ask(question: str) -> None:
    """Ask the person at the terminal. Raises CommandRefused unless the answer is yes."""
    if not sys.stdin.isatty():
        raise CommandRefused(f"{question} There is no terminal to answer at: give --yes")
    if not typer.confirm(question, err=True):
        raise CommandRefused("nothing was changed")


@contextmanager
def _errors_in_words_of(ctx: typer.Context, *, in_json: bool) -> Iterator[None]:
    """Turn errors of services into UsageError or CommandRefused, with options for fields."""
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise UsageError(
            "; ".join(_wrong(ctx, each["loc"], each["msg"]) for each in found)
        ) from None
    except RequestRefused as error:
        # The API's own sentence is about the fields of a request.
        field = _FIELD.match(error.detail.strip("()"))
        option = field and _option(ctx, field[1])
        rule = f"{option}{error.detail.strip('()')[field.end() :]}" if field and option else ""
        raise CommandRefused(rule or error.message) from error
    except StoreUnavailable as error:
        advice = "try again; if it stays so, check what your AWS credentials may do"
        raise CommandRefused(f"AWS did not do it ({error}): {advice}") from error
    except PartlyRefused as error:
        print_answer(error.answer, in_json=in_json)
        raise


def _wrong(ctx: typer.Context, place: Sequence[int | str], message: str) -> str:
    """Return the message about a wrong field, beginning with the option that gives it."""
    words = [str(each) for each in place]
    for number, word in enumerate(words):
        if option := _option(ctx, word):
            words = [option, ".".join(words[number + 1 :])]
            break
    text = message.removeprefix("Value error, ")
    text = _FIELD.sub(lambda match: _option(ctx, match[1]) or match[1], text)
    return ": ".join(filter(None, [*words, text]))


def _option(ctx: typer.Context, field: str) -> str | None:
    """Return the option or the argument that gives a field, None if there is none."""
    names = {each.name: each for each in ctx.command.params}
    found = names.get(field) or names.get(f"{field}_file") or names.get(f"{field}_")
    if found is None:
        return None
    return (
        found.opts[0]
        if isinstance(found, TyperOption)
        else str(found.metavar or found.name).upper()
    )
