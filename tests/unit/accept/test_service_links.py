"""Requests with short links: the texts sent, the stored links, the refusals."""

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import Options, Record, SendRequest
from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import set_id_of
from harkara.links.codec import EXAMPLE_CODE, LinkSet, LinkSigner, unpack_links
from harkara.links.shorten import ENDED_KNOWN_S
from harkara.model.accounts import Enforcement, Sender, Template
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.messages import Category, Message, MessageBatch
from harkara.text.segments import measure
from tests.fakes import caller_of
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
    return unpack_links(accept.marks.marks[links_key(set_id_of(batch.id))].data["links"])


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
    (mark,) = accept.marks.marks.values()
    assert len(mark.data["links"]) < 600
    assert accept.marks.faults.calls == ["put_if_absent links"]


def test_links_end_after_the_accounts_days() -> None:
    accept = linking(link_days=7)
    accept.accept(RECORD)
    (batch,) = accept.batches.all()
    assert links_of(accept, batch).ends_s == int(NOW) + 7 * 86_400
    (end_s,) = accept.marks.ends_s.values()
    assert end_s >= NOW + 7 * 86_400 + ENDED_KNOWN_S - 1


def test_links_of_a_scheduled_message_last_from_its_time() -> None:
    accept = linking(link_days=7)
    send_at_ms = int(NOW * 1000) + 20 * 86_400_000
    accept.accept(RECORD._replace(options=ASKED._replace(send_at_ms=send_at_ms)))
    (batch,) = accept.batches.all()
    assert links_of(accept, batch).ends_s == send_at_ms // 1000 + 7 * 86_400


@pytest.mark.parametrize(
    ("asked", "default", "linked"),
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
    asked: bool | None, default: bool, linked: bool
) -> None:
    accept = linking(shorten_urls=default)
    accept.accept(RECORD._replace(options=Options(shorten_urls=asked)))
    (batch,) = accept.batches.all()
    assert bool(LINK.search(batch.messages[0].text)) is linked
    assert bool(accept.marks.marks) is linked


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

    accept.marks.put_if_absent = away  # type: ignore[method-assign]
    assert accept.refusal(RECORD) is Code.TRY_AGAIN
    assert not accept.queues.sent


def test_a_set_that_is_called_as_another_gets_another_name() -> None:
    accept = linking()
    # The set id of the first message batch: the id source's randomness counts from one.
    partition, kind = links_key(1)
    theirs = LedgerEntry(partition, kind, "somebody's batch", "", 0, {"links": "theirs"})
    accept.marks.put_if_absent([theirs])
    accept.accept(RECORD)
    (batch,) = accept.batches.all()
    assert set_id_of(batch.id) == 2
    assert led_to(accept, batch, 0) == RECORD.text
    assert accept.marks.marks[theirs.key] == theirs


def test_a_repeated_request_has_the_same_links() -> None:
    accept = linking()
    accept.accept(RECORD)
    before = dict(accept.marks.marks)
    (batch,) = accept.batches.all()
    accept.service.links.put(accept.account, batch, "another packing")
    assert accept.marks.marks == before


def test_links_that_do_not_fit_make_more_batches() -> None:
    accept = linking()
    luck = random.Random(1)  # noqa: S311 - the same URLs at every run
    records = [
        RECORD._replace(text=f"https://acme.in/{luck.randbytes(800).hex()}", client_ref=str(number))
        for number in range(400)
    ]
    results = accept.accept(*records)
    batches = {batch.id: batch for batch in accept.batches.all()}
    assert len(batches) == 2
    assert len(accept.marks.marks) == 2
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
    assert not accept.marks.marks


# DLT


def registered(text: str, **fields: Any) -> Accept:
    """Return a service for an account with enforced DLT and one template."""
    return linking(
        dlt=Enforcement.ENFORCE,
        senders={"ACMEBK": Sender(header="ACMEBK", categories=SERVICE)},
        templates={
            "1107": Template(dlt_template_id="1107", category=Category.SERVICE_IMPLICIT, text=text)
        },
        **fields,
    )


@pytest.mark.parametrize("record_count", [1, 2])
@pytest.mark.parametrize(
    ("template", "text", "fields", "code"),
    [
        pytest.param("Pay at {#url#} now", "Pay at https://acme.in/1 now", {}, None, id="url"),
        pytest.param(
            "Pay at {#var#}{#var#} now", "Pay at https://acme.in/1 now", {}, None, id="two vars"
        ),
        pytest.param(
            "Pay at {#var#} now",
            "Pay at https://acme.in/1 now",
            {},
            Code.TEMPLATE_MISMATCH,
            id="the link is longer than its variable",
        ),
        pytest.param(
            "Pay at {#url#} now",
            "Pay it https://acme.in/1 now",
            {},
            Code.TEMPLATE_MISMATCH,
            id="another text",
        ),
        pytest.param(
            "Pay at {#url#} now",
            "Pay at https://acme.in/1 now",
            {"registered_urls": ("https://acme.in",)},
            None,
            id="a registered URL becomes a link",
        ),
        pytest.param(
            "Pay at {#var#} now",
            "Pay at https://evil.example now",
            {"registered_urls": ("https://acme.in",), "variable_limit": 60},
            Code.URL_NOT_ALLOWED,
            id="a URL that is not registered does not become one",
        ),
        pytest.param(
            "Pay at {#var#} now",
            "Pay at https://acme.in/1 now",
            {"registered_urls": ("https://acme.in",), "variable_limit": 60},
            None,
            id="the short domain is as good as registered",
        ),
    ],
)
def test_a_text_is_as_dlt_has_it_with_its_urls_and_with_its_links(
    template: str, text: str, fields: dict[str, Any], code: Code | None, record_count: int
) -> None:
    accept = registered(template, **fields)
    given = RECORD._replace(text=text, dlt_template_id="1107")
    for record in (given, given._replace(dlt_template_id="")):
        accept.batches.packed.clear()
        if code:
            found = accept.refusal(*[record] * record_count)
            is_known = record.dlt_template_id or text.startswith("Pay at")
            assert found is (code if is_known else Code.TEMPLATE_NOT_FOUND)
            continue
        accept.accept(*[record] * record_count)
        (batch,) = accept.batches.all()
        for index, message in enumerate(batch.messages):
            assert message.dlt_template_id == "1107"
            assert LINK.search(message.text)
            assert led_to(accept, batch, index) == text


def test_a_url_of_the_templates_own_stays() -> None:
    accept = registered("Pay at https://acme.in/pay or {#url#}")
    text = "Pay at https://acme.in/pay or https://acme.in/x"
    accept.accept(RECORD._replace(text=text))
    (batch,) = accept.batches.all()
    assert batch.messages[0].text.startswith("Pay at https://acme.in/pay or https://hk.example/")
    assert links_of(accept, batch).urls == ["https://acme.in/x"]


def test_a_refusal_says_that_the_links_are_to_blame() -> None:
    accept = registered("Pay at {#var#} now")
    record = RECORD._replace(text="Pay at https://acme.in/1 now")
    (_, result) = accept.accept(BULK._replace(text="Pay at home now"), record)
    assert (result.code, result.detail) == (Code.TEMPLATE_MISMATCH, "(with its short links)")


def test_where_dlt_only_warns_a_text_goes_out_with_its_links() -> None:
    accept = registered("Pay at {#var#} now")
    accept.account = accept.account.model_copy(update={"dlt": Enforcement.WARN})
    (result,) = accept.accept(RECORD)
    assert result.warning is Code.TEMPLATE_NOT_FOUND
    (batch,) = accept.batches.all()
    assert led_to(accept, batch, 0) == RECORD.text


words = st.sampled_from(["Pay", "at", "https://acme.in/1", "https://acme.in/2", "अ", "now", "“"])
texts = st.lists(words, min_size=1, max_size=6).map(" ".join)


@given(
    texts=st.lists(texts, min_size=1, max_size=5),
    template=st.sampled_from(["{#var#}{#var#}{#var#}", "Pay at {#url#}", "Pay {#var#} now"]),
    dlt=st.sampled_from(Enforcement),
    urls=st.sampled_from([(), ("https://acme.in/1",)]),
    smart=st.booleans(),
)
def test_links_are_the_same_in_a_campaign_and_alone(
    texts: list[str], template: str, dlt: Enforcement, urls: tuple[str, ...], smart: bool
) -> None:
    def accepted(records: list[Record]) -> list[tuple[Any, ...]]:
        accept = registered(template, registered_urls=urls, smart_encoding=smart)
        accept.account = accept.account.model_copy(update={"dlt": dlt})
        caller = caller_of(accept.account)
        results = accept.service.dry_run(caller, SendRequest(records))
        return [(result.code, result.warning, result.message) for result in results]

    records = [RECORD._replace(text=text) for text in texts]
    assert accepted(records) == [each for record in records for each in accepted([record])]
    for _, _, message in accepted(records):
        if isinstance(message, Message):
            assert message.segment_count == measure(message.text).segment_count
