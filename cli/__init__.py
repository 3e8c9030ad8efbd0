"""`harkara`: the operator's command for a deployment, on AWS and on the local stack alike.

    harkara <noun> <verb> ... --stack NAME [--region R] [--profile P]
    harkara <noun> <verb> ... --local

Exit status: 0 done, 1 refused or impossible, 2 wrong use. An error is one line on stderr.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from cli import (
    accounts,
    callbacks,
    carriers,
    credentials,
    pause,
    resume,
    routes,
    secrets,
    senders,
    suppressions,
    templates,
    users,
)
from cli.command import CommandRefused, PartlyRefused, UsageError, parser_of
from cli.deployment import Deployment
from cli.printing import Answer, as_json, as_table
from harkara.base.errors import RequestRefused, StoreUnavailable

NOUNS = (
    carriers,
    accounts,
    callbacks,
    senders,
    templates,
    credentials,
    users,
    routes,
    pause,
    resume,
    suppressions,
    secrets,
)
REFUSED, WRONG_USE = 1, 2


def main(
    argv: Sequence[str] | None = None,
    open_deployment: Callable[[Namespace], Deployment] = Deployment.open,
) -> int:
    """Run one command; return the exit status. `open_deployment` connects to its deployment."""
    try:
        arguments = parser_of(NOUNS).parse_args(argv)
        deployment = None if arguments.offline else open_deployment(arguments)
        answer = arguments.run(deployment, arguments)
    except UsageError as error:
        return _fail(str(error), WRONG_USE)
    except ValidationError as error:
        return _fail(_wrong_fields(error), WRONG_USE)
    except RequestRefused as error:
        return _fail(error.message, REFUSED)
    except StoreUnavailable as error:
        advice = "try again; if it stays so, check what your AWS credentials may do"
        return _fail(f"AWS did not do it ({error}): {advice}", REFUSED)
    except PartlyRefused as error:
        _print(error.answer, in_json=arguments.json)
        return _fail(str(error), REFUSED)
    except CommandRefused as error:
        return _fail(str(error), REFUSED)
    _print(answer, in_json=arguments.json)
    return 0


def _print(answer: Answer, *, in_json: bool) -> None:
    try:
        print(as_json(answer) if in_json else as_table(answer), flush=True)
    except BrokenPipeError:  # as in `harkara template list ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wrong_fields(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors(include_input=False, include_url=False)
    )


def _fail(message: str, status: int) -> int:
    print(f"harkara: {' '.join(message.split())}", file=sys.stderr)
    return status
