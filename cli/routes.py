"""Routes: which carriers take an account's messages, or those of all accounts."""

import re
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.arguments import AccountOrAll, Pair
from cli.command import CommandRefused, noun, verb
from cli.deployment import Deployment
from cli.printing import Answer
from harkara.model.messages import Category
from harkara.model.rcs import Channel
from harkara.model.routing import EVERYONE, InDoubtPolicy, RcsFirst, Route, Routing, Weighted

app = noun()
_WEIGHTED = re.compile(r"([A-Za-z0-9_-]{1,64})(?:=([0-9]{1,4}))?")
_PREFIX = re.compile(r"[0-9]{0,15}")


def _weighted(text: str) -> Weighted:
    match = _WEIGHTED.fullmatch(text)
    if match is None or int(match[2] or 1) > 1000:
        raise typer.BadParameter("write a carrier as airtel or airtel=70, up to 1000")
    return Weighted(carrier=match[1], weight=int(match[2] or 1))


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise typer.BadParameter("use up to 15 digits, as in 91 or 9198")
    return text


def _policy(text: str) -> Pair:
    category, _, policy = text.partition("=")
    try:
        return Pair(Category(category), InDoubtPolicy(policy))
    except ValueError:
        raise typer.BadParameter("write a policy as promotional=resubmit") from None


@dataclass(frozen=True)
class Which:
    """The numbers and categories that a route is for, which name it."""

    prefix: Annotated[
        str,
        typer.Option(
            "--prefix",
            parser=_prefix,
            metavar="PREFIX",
            help="Prefix of numbers, with the country code (default: all numbers).",
        ),
    ] = ""
    categories: Annotated[
        list[Category] | None,
        typer.Option(metavar="[CATEGORY...]", help="Categories (default: all)."),
    ] = None

    def names(self, route: Route) -> bool:
        """Whether they name a route."""
        return (route.prefix, set(route.categories)) == (self.prefix, set(self.categories or ()))


@dataclass(frozen=True)
class RcsOptions:
    """How messages with RCS content go by RCS first."""

    carrier: Annotated[
        str | None,
        typer.Option("--rcs", metavar="CARRIER", help="RCS carrier before the SMS."),
    ] = None
    wait_s: Annotated[
        int,
        typer.Option(
            "--rcs-wait",
            min=10,
            max=86_400,
            metavar="SECONDS",
            help="How long to wait for a delivery before the message is revoked.",
        ),
    ] = RcsFirst.model_fields["wait_s"].default
    doubles: Annotated[
        bool,
        typer.Option(
            "--rcs-doubles", help="Send the SMS even if the phone may have the RCS message."
        ),
    ] = False
    monthly: Annotated[
        int,
        typer.Option(
            "--rcs-monthly",
            min=0,
            max=1000,
            metavar="N",
            help="Most promotional messages by RCS to a number in a month; 0: any.",
        ),
    ] = RcsFirst.model_fields["monthly"].default

    def first(self) -> RcsFirst | None:
        """Return the route's RCS, None without a carrier for it."""
        if self.carrier is None:
            return None
        return RcsFirst(
            carrier=self.carrier, wait_s=self.wait_s, doubles=self.doubles, monthly=self.monthly
        )


def check_account(deployment: Deployment, account_id: str) -> None:
    """Raise CommandRefused unless there is such an account, or `*` stands for all."""
    if account_id != EVERYONE:
        deployment.account(account_id)


@verb(app)
def set_(
    deployment: Deployment,
    account: AccountOrAll,
    carriers: Annotated[
        list[Weighted],
        typer.Option(
            parser=_weighted,
            metavar="CARRIER[=WEIGHT]...",
            help="Each carrier's weight; 0: only while no other carrier is available.",
        ),
    ],
    which: Which,
    rcs: RcsOptions,
) -> Answer:
    """Add or change the route of this prefix and these categories."""
    check_account(deployment, account)
    for weighted in carriers:
        deployment.check_carrier(weighted.carrier, Channel.SMS)
    if rcs.carrier:
        deployment.check_carrier(rcs.carrier, Channel.RCS)
    route = Route(
        prefix=which.prefix,
        categories=tuple(sorted(which.categories or ())),
        carriers=tuple(carriers),
        rcs=rcs.first(),
    )

    def with_route(routing: Routing) -> Routing:
        others = [each for each in routing.routes if not which.names(each)]
        return routing.model_copy(update={"routes": (*others, route)})

    return _answer(account, deployment.operator.change_routing(account, with_route))


@verb(app, asks="Remove the route of {account} for prefix '{prefix}'?")
def remove(deployment: Deployment, account: AccountOrAll, which: Which) -> Answer:
    """Remove the route of this prefix and these categories."""
    check_account(deployment, account)
    if not any(map(which.names, deployment.operator.routing(account).routes)):
        raise CommandRefused("there is no such route: `harkara route show` has those that are")

    def without_route(routing: Routing) -> Routing:
        others = tuple(each for each in routing.routes if not which.names(each))
        return routing.model_copy(update={"routes": others})

    return _answer(account, deployment.operator.change_routing(account, without_route))


@verb(app)
def doubt(
    deployment: Deployment,
    account: AccountOrAll,
    policies: Annotated[
        list[Pair],
        typer.Argument(
            parser=_policy,
            metavar="CATEGORY=POLICY...",
            help="Leave them, or resubmit them if their carrier deduplicates.",
        ),
    ],
) -> Answer:
    """Set what to do with messages in doubt."""
    check_account(deployment, account)

    def with_policies(routing: Routing) -> Routing:
        return routing.model_copy(update={"in_doubt": {**routing.in_doubt, **dict(policies)}})

    return _answer(account, deployment.operator.change_routing(account, with_policies))


@verb(app)
def show(deployment: Deployment, account: AccountOrAll) -> Answer:
    """Show the routing of an account, or of all accounts."""
    check_account(deployment, account)
    return _answer(account, deployment.operator.routing(account))


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
                **({"rcs": route.rcs.model_dump()} if route.rcs else {}),
            }
            for route in routing.routes
        ],
    }
