"""The console on the real template: the link of `make up`, by the emulator's API Gateway."""

import pytest

from local.console_link import console_link
from tests.stack.campaigns import Lab, record
from tests.stack.opening import open_link

pytestmark = pytest.mark.stack


def test_a_link_opens_the_page_of_a_message_once(lab: Lab) -> None:
    text = "Dear Asha, your order 7 is on its way and arrives on Monday. HARKARA"
    answer = lab.send([record("shown", **{"from": "HARKAR", "smstext": text})], "demo")
    link = console_link(lab.stack, answer.json()[0]["mid"])
    opened = open_link(link)
    assert (opened.status_code, opened.url.path) == (200, link.partition("&next=")[2])
    assert "shown" in opened.text
    assert open_link(link).status_code == 404
