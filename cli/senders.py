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
    add = verbs.add("add", _add, "register a header, or replace it", ACCOUNT)
    add.add_argument("header")
    add.add_argument(
        "--categories",
        nargs="+",
        required=True,
        choices=[*Category],
        help="the header's categories; the first one is for messages that name none",
    )
    add.add_argument("--pe-id", default="", metavar="ID", help="id of the entity that owns it")
    add.add_argument("--callback", default="", metavar="ID", help="callback of its messages")
    verbs.add("list", _list, "list an account's headers", ACCOUNT)
    verbs.add("remove", _remove, "remove a header", ACCOUNT).add_argument("header")


def _add(deployment: Deployment, arguments: Namespace) -> Answer:
    fields = {
        "header": arguments.header,
        "categories": arguments.categories,
        "pe_id": arguments.pe_id,
        "callback": arguments.callback,
    }
    added = add_part(deployment, arguments.account, Sender, fields)
    advice = "; ".join(advice_on(read(Sender, fields)))
    return {**added, "warning": advice} if advice else added


def _list(deployment: Deployment, arguments: Namespace) -> Answer:
    return [fields_of(sender) for sender in parts_of(deployment, arguments.account, Sender)]


def _remove(deployment: Deployment, arguments: Namespace) -> Answer:
    return remove_part(deployment, arguments.account, Sender, arguments.header)
