"""Senders: the headers (sender ids) that DLT knows an account by."""

from argparse import Namespace

from cli.command import ACCOUNT, Verbs
from cli.deployment import Deployment
from cli.printing import Answer
from cli.resources import add_part, parts_of, remove_part
from harkara.manage.resources import advice_on, fields_of
from harkara.model.accounts import Sender
from harkara.model.fields import read
from harkara.model.messages import Category

NOUN = "sender"


def add_verbs(verbs: Verbs) -> None:
    """Register add, list and remove."""
    add = verbs.add("add", _add, "register a header, or register it anew", ACCOUNT)
    add.add_argument("header")
    add.add_argument(
        "--categories",
        nargs="+",
        required=True,
        choices=[*Category],
        help="it is registered for; the first is that of messages that say nothing of it",
    )
    add.add_argument("--pe-id", default="", metavar="ID", help="the entity that it belongs to")
    add.add_argument("--callback", default="", metavar="ID", help="of its messages")
    verbs.add("list", _list, "list an account's headers", ACCOUNT)
    verbs.add("remove", _remove, "take a header out", ACCOUNT).add_argument("header")


def _add(desk: Deployment, arguments: Namespace) -> Answer:
    fields = {
        "header": arguments.header,
        "categories": arguments.categories,
        "pe_id": arguments.pe_id,
        "callback": arguments.callback,
    }
    added = add_part(desk, arguments.account, Sender, fields)
    advice = "; ".join(advice_on(read(Sender, fields)))
    return {**added, "warning": advice} if advice else added


def _list(desk: Deployment, arguments: Namespace) -> Answer:
    return [fields_of(sender) for sender in parts_of(desk, arguments.account, Sender)]


def _remove(desk: Deployment, arguments: Namespace) -> Answer:
    return remove_part(desk, arguments.account, Sender, arguments.header)
