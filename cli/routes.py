"""Routes: which carriers take an account's messages, or those of all accounts."""

import argparse
import re
from argparse import Namespace

from cli.command import CommandRefused, Parser, Verbs
from cli.deployment import Deployment
from cli.printing import Answer
from harkara.model.accounts import may_be_username
from harkara.model.messages import Category
from harkara.model.routing import EVERYONE, InDoubtPolicy, Route, Routing, Weighted

NOUN = "route"
_WEIGHTED = re.compile(r"([A-Za-z0-9_-]{1,64})(?:=([0-9]{1,4}))?")
_PREFIX = re.compile(r"[0-9]{0,15}")


def add_verbs(verbs: Verbs) -> None:
    """Register set, remove, doubt and show."""
    change = verbs.add("set", _set, "add a route, or change the one of this prefix and categories")
    _add_which(change)
    change.add_argument(
        "--carriers",
        nargs="+",
        type=_weighted,
        required=True,
        metavar="CARRIER[=WEIGHT]",
        help="their parts of the messages; weight 0: only when no other one takes them",
    )
    _add_which(verbs.add("remove", _remove, "take the route of this prefix and categories out"))
    doubt = verbs.add("doubt", _doubt, "say what becomes of messages in doubt")
    _add_account(doubt)
    doubt.add_argument(
        "policies",
        nargs="+",
        type=_policy,
        metavar="CATEGORY=POLICY",
        help="leave, or resubmit where their carrier deduplicates",
    )
    _add_account(verbs.add("show", _show, "show the routing of an account, or that of all"))


def account_or_all(text: str) -> str:
    """Return an account's id, or `*` for all accounts."""
    if text != EVERYONE and not may_be_username(text):
        raise argparse.ArgumentTypeError("give an account, or '*' for all of them")
    return text


def check_account(desk: Deployment, account_id: str) -> None:
    """Raise CommandRefused unless there is such an account, or `*` stands for all."""
    if account_id != EVERYONE:
        desk.account(account_id)


def _add_account(parser: Parser) -> None:
    parser.add_argument("account", type=account_or_all, help="its id, or '*': of all accounts")


def _add_which(parser: Parser) -> None:
    _add_account(parser)
    parser.add_argument(
        "--prefix", type=_prefix, default="", help="of numbers with country code; none: all numbers"
    )
    parser.add_argument(
        "--categories", nargs="*", type=Category, choices=[*Category], default=[], help="none: all"
    )


def _set(desk: Deployment, arguments: Namespace) -> Answer:
    check_account(desk, arguments.account)
    for weighted in arguments.carriers:
        if desk.store.carrier(weighted.carrier) is None:
            raise CommandRefused(
                f"there is no carrier {weighted.carrier}: set it up with `harkara carrier put`"
            )
    route = Route(
        prefix=arguments.prefix,
        categories=tuple(sorted(arguments.categories)),
        carriers=tuple(arguments.carriers),
    )

    def with_route(routing: Routing) -> Routing:
        others = [each for each in routing.routes if not _is_named(each, arguments)]
        return routing.model_copy(update={"routes": (*others, route)})

    return _shown(arguments.account, desk.operator.change_routing(arguments.account, with_route))


def _remove(desk: Deployment, arguments: Namespace) -> Answer:
    check_account(desk, arguments.account)
    routing = desk.operator.routing(arguments.account)
    if not any(_is_named(each, arguments) for each in routing.routes):
        raise CommandRefused("there is no such route: `harkara route show` has those that are")

    def without_route(routing: Routing) -> Routing:
        others = tuple(each for each in routing.routes if not _is_named(each, arguments))
        return routing.model_copy(update={"routes": others})

    return _shown(arguments.account, desk.operator.change_routing(arguments.account, without_route))


def _doubt(desk: Deployment, arguments: Namespace) -> Answer:
    check_account(desk, arguments.account)

    def with_policies(routing: Routing) -> Routing:
        in_doubt = {**routing.in_doubt, **dict(arguments.policies)}
        return routing.model_copy(update={"in_doubt": in_doubt})

    return _shown(arguments.account, desk.operator.change_routing(arguments.account, with_policies))


def _show(desk: Deployment, arguments: Namespace) -> Answer:
    check_account(desk, arguments.account)
    return _shown(arguments.account, desk.operator.routing(arguments.account))


def _shown(account_id: str, routing: Routing) -> Answer:
    return {
        "account": account_id,
        "paused": routing.paused,
        "paused_campaigns": routing.paused_campaigns,
        "in_doubt": [f"{category}={policy}" for category, policy in routing.in_doubt.items()],
        "routes": [
            {
                "prefix": route.prefix,
                "categories": route.categories,
                "carriers": [f"{each.carrier}={each.weight}" for each in route.carriers],
            }
            for route in routing.routes
        ],
    }


def _is_named(route: Route, arguments: Namespace) -> bool:
    named = (arguments.prefix, set(arguments.categories))
    return (route.prefix, set(route.categories)) == named


def _weighted(text: str) -> Weighted:
    match = _WEIGHTED.fullmatch(text)
    if match is None or int(match[2] or 1) > 1000:
        raise argparse.ArgumentTypeError("write a carrier as airtel or airtel=70, up to 1000")
    return Weighted(carrier=match[1], weight=int(match[2] or 1))


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise argparse.ArgumentTypeError("use up to 15 digits, as in 91 or 9198")
    return text


def _policy(text: str) -> tuple[Category, InDoubtPolicy]:
    category, _, policy = text.partition("=")
    try:
        return Category(category), InDoubtPolicy(policy)
    except ValueError:
        raise argparse.ArgumentTypeError("write a policy as promotional=resubmit") from None
