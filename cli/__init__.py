"""`harkara`: the operator's command for a deployment, on AWS and on the local stack alike.

    harkara <noun> <verb> ... --stack NAME [--region R] [--profile P]
    harkara <noun> <verb> ... --local

Exit status: 0 done, 1 refused or failed, 2 wrong use. An error is one line on stderr.

The verbs of a noun are imported once they are asked for, since the libraries for AWS take half a
second; `harkara --help` needs none of them.
"""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from harkara.base.version import VERSION

if TYPE_CHECKING:
    from cli.command import Target
    from cli.deployment import Deployment

# Each with its module, and its help.
NOUNS = {
    "carrier": ("carriers", "Carriers: where messages are submitted."),
    "account": ("accounts", "Accounts: the customers, with their rules for sending."),
    "callback": ("callbacks", "Callbacks: where the events of messages go, and how."),
    "sender": ("senders", "Senders: the headers that DLT knows an account by."),
    "template": ("templates", "Templates: the contents that DLT knows."),
    "answer": ("answers", "Answers: the messages to phones that wrote STOP, START or HELP."),
    "link": ("links", "Short links: what to register of them with DLT."),
    "credential": ("credentials", "Credentials: user names with their secrets and scopes."),
    "message": ("messages", "Messages: find them, and see what became of one."),
    "user": ("users", "Users: the people who may sign in to the console."),
    "route": ("routes", "Routes: which carriers take which messages."),
    "pause": ("pause", "Let messages of an account, a carrier or a campaign wait."),
    "resume": ("resume", "Let them go on; a drained account takes requests again."),
    "queue": ("queues", "Queues: what waits in them, and their dead letters."),
    "suppression": ("suppressions", "Suppressions: numbers that get no messages of some kind."),
    "consent": ("consents", "Consents: numbers that agreed to a header's promotion."),
    "secret": ("secrets", "Secrets: the keys of the deployment; none is ever shown."),
}


# Verbs without a noun, each in a module of its name.
VERBS = {
    "erase": "Erase a person's number and texts (DPDP Act, section 12).",
    "export": "Write messages of an account, or of all, to a CSV file.",
    "stats": "Count messages by account, day, state, code, sender and more.",
    "status": "Show the queues, the circuit breakers and the tasks that are due.",
}


class LoneVerb(TyperGroup):
    """A verb without a noun, which is imported once it is run."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **more: Any) -> Any:
        """Return the context of the verb itself."""
        verb = get_command(import_module(f"cli.{info_name}").app)
        return verb.make_context(info_name, args, parent, **more)


class Noun(TyperGroup):
    """A noun, whose verbs are imported once they are asked for."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the verb of a name."""
        self._load()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all verbs."""
        self._load()
        return super().list_commands(ctx)

    def _load(self) -> None:
        if not self.commands:
            module, _ = NOUNS[str(self.name)]
            self.commands = get_group(import_module(f"cli.{module}").app).commands


def main(
    argv: Sequence[str] | None = None,
    open_deployment: "Callable[[Target], Deployment] | None" = None,
) -> int:
    """Run one command; return the exit status. `open_deployment` connects to its deployment."""
    try:
        status = program().main(
            argv, prog_name="harkara", standalone_mode=False, obj=open_deployment or _open
        )
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        advice = f" (see {context.command_path} --help)" if context else ""
        message = error.format_message().rstrip(".").replace("Value error, ", "")
        return _fail(f"{message}{advice}", error.exit_code)
    except typer.Abort:
        return _fail("nothing was changed", 1)
    return int(status or 0)


@cache
def program() -> TyperGroup:
    """Return the whole command."""
    app = typer.Typer(rich_markup_mode=None, callback=_root)
    for name, (_, text) in NOUNS.items():
        app.add_typer(typer.Typer(), name=name, cls=Noun, help=text)
    for name, text in VERBS.items():
        app.add_typer(typer.Typer(), name=name, cls=LoneVerb, help=text)
    return cast(TyperGroup, get_command(app))


def _version(shown: bool) -> None:
    if shown:
        print(f"harkara {VERSION}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Set up and watch over a deployment of Harkara."""


def _open(target: "Target") -> "Deployment":
    from cli.deployment import Deployment

    return Deployment.open(target)


def _fail(message: str, status: int) -> int:
    print(f"harkara: {' '.join(message.split())}", file=sys.stderr)
    return status
