"""Requests with short links: the texts sent, the stored links, the refusals."""

import random
import re
from typing import Any

import pytest

from harkara.accept.requests import Options, SendRequest
from harkara.accept.template_index import rules_of
from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import set_id_of
from harkara.links.codec import EXAMPLE_CODE, LinkSet, LinkSigner, unpack_links
from harkara.links.shorten import ENDED_KNOWN_S
from harkara.model.accounts import Account, Sender
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.messages import Category, MessageBatch
from tests.support.fakes import caller_of
from tests.unit.accepting import BULK, NOW, OTP, Accept

SITE = "hk.example/ACMEBK"
SIGNER = LinkSigner(b"link key")
ASKED = Options(shorten_urls=True)
RECORD = BULK._replace(text="See https://acme.in/a and https://acme.in/b.", options=ASKED)
LINK = re.compile(r"https://hk\.example/ACMEBK/([0-9A-Za-z]{14})")
SERVICE = (Category.SERVICE_IMPLICIT,)


def linking(**fields: Any) -> Accept:
    return Accept(**{"short_domain": SITE, **fields})


def links_of(accept: Accept, batch: MessageBatch) -> LinkSet:
    return unpack_links(accept.ledger.entries[links_key(set_id_of(batch.id))].data["links"])


def led_to(accept: Accept, batch: MessageBatch, index: int) -> str:
    """Return a message's text with each link replaced by its URL."""
    links = links_of(accept, batch)

    def url_of(match: re.Match[str]) -> str:
        place = SIGNER.read("hk.example", match[1])
        assert (place.set_id, place.message) == (set_id_of(batch.id), index)
        url = links.url(place)
        assert url
        return url

    return LINK.sub(url_of, batch.messages[index].text)


def test_each_link_leads_where_the_url_did() -> None:
    accept = linking()
    records = [RECORD, BULK, RECORD._replace(text="https://acme.in/c")]
    accept.accept(*records)
    (batch,) = accept.batches.all()
    assert [led_to(accept, batch, index) for index in (0, 2)] == [records[0].text, records[2].text]
    assert batch.messages[1].text == BULK.text
    assert not any("acme.in" in message.text for message in batch.messages)
    links = links_of(accept, batch)
    assert (links.account_id, links.batch_id) == ("acme", batch.id)
    assert links.base == "https://hk.example/ACMEBK"


def test_all_links_of_a_batch_are_one_item() -> None:
    accept = linking()
    accept.accept(*[RECORD] * 1_000)
    (entry,) = accept.ledger.entries.values()
    assert len(entry.data["links"]) < 600
    assert accept.ledger.faults.calls == ["put_if_absent links"]


def test_links_end_after_the_accounts_days() -> None:
    accept = linking(link_days=7)
    accept.accept(RECORD)
    (batch,) = accept.batches.all()
    assert links_of(accept, batch).expires_at_s == int(NOW) + 7 * 86_400
    (end_s,) = accept.ledger.expires_at_s.values()
    assert end_s >= NOW + 7 * 86_400 + ENDED_KNOWN_S - 1


def test_links_of_a_scheduled_message_last_from_its_time() -> None:
    accept = linking(link_days=7)
    send_at_ms = int(NOW * 1000) + 20 * 86_400_000
    accept.accept(RECORD._replace(options=ASKED._replace(send_at_ms=send_at_ms)))
    (batch,) = accept.batches.all()
    assert links_of(accept, batch).expires_at_s == send_at_ms // 1000 + 7 * 86_400


@pytest.mark.parametrize(
    ("chosen", "default", "linked"),
    [
        (True, False, True),
        (True, True, True),
        (None, True, True),
        (None, False, False),
        (False, True, False),
        (False, False, False),
    ],
)
def test_a_request_asks_for_links_or_the_account_does(
    chosen: bool | None, default: bool, linked: bool
) -> None:
    accept = linking(shorten_urls=default)
    accept.accept(RECORD._replace(options=Options(shorten_urls=chosen)))
    (batch,) = accept.batches.all()
    assert bool(LINK.search(batch.messages[0].text)) is linked
    assert bool(accept.ledger.entries) is linked


def test_links_without_a_short_domain_are_refused() -> None:
    accept = Accept()
    assert accept.refusal(RECORD) is Code.NO_SHORT_DOMAIN
    (_, refused) = accept.accept(BULK, RECORD)
    assert refused.code is Code.NO_SHORT_DOMAIN


def test_segments_are_those_of_what_goes_out() -> None:
    accept = linking(segment_limit=1)
    long = "https://acme.in/" + "x" * 400
    accept.accept(RECORD._replace(text=f"See {long}", client_ref="1"))
    (batch,) = accept.batches.all()
    assert batch.messages[0].segment_count == 1
    assert accept.refusal(BULK._replace(text=f"See {long}")) is Code.TEXT_TOO_LONG
    short = "https://a.in " * 3
    text = short + "x" * (160 - len(short))
    assert accept.refusal(RECORD._replace(text=text)) is Code.TEXT_TOO_LONG
    accept.accept(BULK._replace(text=text))


def test_links_are_made_only_once_the_key_is_there() -> None:
    accept = linking()

    def away() -> LinkSigner:
        raise StoreUnavailable("AccessDeniedException")

    object.__setattr__(accept.service.links, "signer", away)
    with pytest.raises(StoreUnavailable):
        accept.accept(BULK, OTP._replace(text=RECORD.text, options=ASKED))
    assert not accept.batches.packed
    accept.accept(BULK)


def test_what_cannot_be_stored_with_its_links_is_not_accepted() -> None:
    accept = linking()

    def away(*_: object, **__: object) -> list[LedgerEntry]:
        raise StoreUnavailable("ThrottlingException")

    accept.ledger.put_if_absent = away  # type: ignore[method-assign]
    assert accept.refusal(RECORD) is Code.TRY_AGAIN
    assert not accept.queues.sent


def test_a_set_that_is_called_as_another_gets_another_name() -> None:
    accept = linking()
    # The set id of the first message batch: the id source's randomness counts from one.
    partition, kind = links_key(1)
    foreign = LedgerEntry(partition, kind, "somebody's batch", "", 0, {"links": "theirs"})
    accept.ledger.put_if_absent([foreign])
    accept.accept(RECORD)
    (batch,) = accept.batches.all()
    assert set_id_of(batch.id) == 2
    assert led_to(accept, batch, 0) == RECORD.text
    assert accept.ledger.entries[foreign.key] == foreign


def test_a_repeated_request_has_the_same_links() -> None:
    accept = linking()
    accept.accept(RECORD)
    before = dict(accept.ledger.entries)
    (batch,) = accept.batches.all()
    accept.service.links.put(accept.account, batch, "another packing")
    assert accept.ledger.entries == before


def test_links_that_do_not_fit_make_more_batches() -> None:
    accept = linking()
    rng = random.Random(1)  # noqa: S311 - the same URLs at every run
    records = [
        RECORD._replace(text=f"https://acme.in/{rng.randbytes(800).hex()}", client_ref=str(number))
        for number in range(400)
    ]
    results = accept.accept(*records)
    batches = {batch.id: batch for batch in accept.batches.all()}
    assert len(batches) == 2
    assert len(accept.ledger.entries) == 2
    for record, result in zip(records, results, strict=True):
        batch = batches[result.mid[:-2]]
        index = [message.client_ref for message in batch.messages].index(record.client_ref)
        assert led_to(accept, batch, index) == record.text


def test_a_dry_run_shows_an_example_and_stores_nothing() -> None:
    accept = linking()
    caller = caller_of(accept.account)
    (result,) = accept.service.dry_run(caller, SendRequest([RECORD]))
    assert result.message
    link = f"https://hk.example/ACMEBK/{EXAMPLE_CODE}"
    assert result.message.text == f"See {link} and {link}."
    assert not accept.ledger.entries


def test_the_path_of_a_link_is_the_header_of_its_message() -> None:
    senders = {each: Sender(header=each, categories=SERVICE) for each in ("ACMEBK", "ACMEFD")}
    accept = linking(short_domain="hk.example/{header}", senders=senders)
    accept.accept(RECORD, BULK, RECORD._replace(sender_id="ACMEFD"))
    (batch,) = accept.batches.all()
    texts = [message.text for message in batch.messages]
    assert [re.findall(r"example/(\w+)/", text) for text in texts] == [
        ["ACMEBK", "ACMEBK"],
        [],
        ["ACMEFD", "ACMEFD"],
    ]
    links = links_of(accept, batch)
    assert [links.base_for(index)[-6:] for index in (0, 2)] == ["ACMEBK", "ACMEFD"]


def test_links_by_header_count_as_registered() -> None:
    account = Account(
        id="acme",
        name="Acme",
        carrier="sim",
        short_domain="hk.example/{header}",
        registered_urls=("https://acme.in/",),
        senders={"ACMEFD": Sender(header="ACMEFD", categories=SERVICE)},
    )
    assert rules_of(account).urls == ("https://acme.in/", "https://hk.example/ACMEFD")
