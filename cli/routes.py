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
    change = verbs.add("set", _set, "add or change the route of this prefix and these categories")
    _add_which(change)
    change.add_argument(
        "--carriers",
        nargs="+",
        type=_weighted,
        required=True,
        metavar="CARRIER[=WEIGHT]",
        help="each carrier's weight; 0: only while no other carrier is available",
    )
    _add_which(verbs.add("remove", _remove, "remove the route of this prefix and these categories"))
    doubt = verbs.add("doubt", _doubt, "set what to do with messages in doubt")
    _add_account(doubt)
    doubt.add_argument(
        "policies",
        nargs="+",
        type=_policy,
        metavar="CATEGORY=POLICY",
        help="leave them, or resubmit them if their carrier deduplicates",
    )
    _add_account(verbs.add("show", _show, "show the routing of an account, or of all accounts"))


def account_or_all(text: str) -> str:
    """Return an account's id, or `*` for all accounts."""
    if text != EVERYONE and not may_be_username(text):
        raise argparse.ArgumentTypeError("give an account, or '*' for all of them")
    return text


def check_account(deployment: Deployment, account_id: str) -> None:
    """Raise CommandRefused unless there is such an account, or `*` stands for all."""
    if account_id != EVERYONE:
        deployment.account(account_id)


def _add_account(parser: Parser) -> None:
    parser.add_argument("account", type=account_or_all, help="account id; '*': all accounts")


def _add_which(parser: Parser) -> None:
    _add_account(parser)
    parser.add_argument(
        "--prefix",
        type=_prefix,
        default="",
        help="prefix of numbers, with the country code (default: all numbers)",
    )
    parser.add_argument(
        "--categories",
        nargs="*",
        type=Category,
        choices=[*Category],
        default=[],
        help="categories (default: all)",
    )


def _set(deployment: Deployment, arguments: Namespace) -> Answer:
    check_account(deployment, arguments.account)
    for weighted in arguments.carriers:
        if deployment.store.carrier(weighted.carrier) is None:
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

    return _answer(
        arguments.account, deployment.operator.change_routing(arguments.account, with_route)
    )


def _remove(deployment: Deployment, arguments: Namespace) -> Answer:
    check_account(deployment, arguments.account)
    routing = deployment.operator.routing(arguments.account)
    if not any(_is_named(each, arguments) for each in routing.routes):
        raise CommandRefused("there is no such route: `harkara route show` has those that are")

    def without_route(routing: Routing) -> Routing:
        others = tuple(each for each in routing.routes if not _is_named(each, arguments))
        return routing.model_copy(update={"routes": others})

    return _answer(
        arguments.account, deployment.operator.change_routing(arguments.account, without_route)
    )


def _doubt(deployment: Deployment, arguments: Namespace) -> Answer:
    check_account(deployment, arguments.account)

    def with_policies(routing: Routing) -> Routing:
        in_doubt = {**routing.in_doubt, **dict(arguments.policies)}
        return routing.model_copy(update={"in_doubt": in_doubt})

    return _answer(
        arguments.account, deployment.operator.change_routing(arguments.account, with_policies)
    )


def _show(deployment: Deployment, arguments: Namespace) -> Answer:
    check_account(deployment, arguments.account)
    return _answer(arguments.account, deployment.operator.routing(arguments.account))


def _answer(account_id: str, routing: Routing) -> Answer:
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
