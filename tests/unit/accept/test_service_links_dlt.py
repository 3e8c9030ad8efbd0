"""Short links in texts that are compared with DLT templates."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import Record, SendRequest
from harkara.base.codes import Code
from harkara.model.accounts import Enforcement, Sender, Template
from harkara.model.messages import Category, Message
from harkara.text.segments import measure
from tests.support.fakes import caller_of
from tests.unit.accept.test_service_links import LINK, RECORD, SERVICE, led_to, linking, links_of
from tests.unit.accepting import BULK, Accept


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
