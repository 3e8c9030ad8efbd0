"""The account of the integration pages, and the results of its requests."""

import json
from typing import Any

from harkara.model.accounts import Account, Credential, Secret, Sender, Template, hash_secret
from harkara.model.messages import Category, Message
from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.invoking import Event
from tests.functions.sending import accepted_in
from tests.support.fakes import calling_back

CALLBACK_URL = "https://api.clevertap.com/callback/of/acme"
PE_ID = "1101172974420810001"
TEMPLATE_ID = "1107161234567890001"
TEXT = "Your order 4711 is on its way."


def add_account(gateway: Gateway) -> None:
    """Add the account of the pages, with DLT enforced."""
    categories = (Category.SERVICE_IMPLICIT, Category.PROMOTIONAL)
    template = Template(
        dlt_template_id=TEMPLATE_ID,
        headers=("ACMEBK",),
        category=Category.SERVICE_IMPLICIT,
        text="Your order {#var#} is on its way.",
        pe_id=PE_ID,
    )
    gateway.accounts.accounts["acme"] = Account(
        id="acme",
        name="Acme",
        carrier="sim",
        **calling_back(CALLBACK_URL),
        senders={"ACMEBK": Sender(header="ACMEBK", categories=categories, pe_id=PE_ID)},
        templates={TEMPLATE_ID: template},
    )
    gateway.accounts.credentials[pages.USER] = Credential(
        username=pages.USER,
        account_id="acme",
        secrets=(Secret(hash=hash_secret(b"pepper", pages.SECRET)),),
        callback="main",
    )


def send(acme: Gateway, event: Event) -> tuple[int, Any]:
    answer = acme.call("send", event)
    return answer["statusCode"], json.loads(answer["body"])


def stored(acme: Gateway) -> dict[str, Message]:
    """Return the accepted messages by id; each is called back at the credential's URL."""
    batches = accepted_in(acme).values()
    for batch in batches:
        assert [endpoint.url for endpoint in batch.endpoints] == [CALLBACK_URL]
    return {
        mid: message
        for batch in batches
        for mid, message in zip(batch.mids(), batch.messages, strict=True)
        if not message.refusal
    }


def is_the_order(message: Message, client_ref: str) -> bool:
    """Whether a message is the one that all platforms send here."""
    kept = (message.to, message.sender_id, message.text, message.client_ref)
    return kept == ("919876543210", "ACMEBK", TEXT, client_ref) and (
        (message.dlt_template_id, message.pe_id) == (TEMPLATE_ID, PE_ID)
    )
