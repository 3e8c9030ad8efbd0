"""Carriers of every kind, and their receipt URLs, set up with the command."""

import json
from pathlib import Path

import pytest

from harkara.base.codes import Code
from harkara.carriers.http_options import HttpOptions
from harkara.carriers.kinds import KINDS
from harkara.carriers.settings import CarrierSettings, KannelOptions, token_matches
from harkara.model.messages import State
from tests.local.operators import Operator
from tests.unit.carrier_cases import CASES

KANNEL = "carrier put kn --kind kannel --url https://kannel.example/cgi-bin/sendsms --username h"


def token_of(receipt_url: str) -> str:
    return receipt_url.rpartition("/")[2]


def test_a_kannel_is_put_and_knows_where_its_receipts_go(tmp_path: Path) -> None:
    (tmp_path / "options.json").write_text('{"dlr_mask": 31}')
    operator = Operator()
    line = f"{KANNEL} --secret-file - --kannel {tmp_path}/options.json --rate 100 --json"
    answer = operator(line, "pw\n").json()
    carrier = operator.store.carrier("kn")
    assert carrier is not None
    assert carrier.kannel == KannelOptions(dlr_mask=31)
    assert carrier.rate_segments_per_s == 100
    assert carrier.receipt_url == b"kn:" + answer["receipt_url"].encode()[::-1]


def test_any_provider_is_put_by_its_options(tmp_path: Path) -> None:
    options = CASES["http"]["carrier"]["http"]
    (tmp_path / "options.json").write_text(json.dumps(options))
    operator = Operator()
    put = "carrier put any --kind http --url https://api.example/ --username h --secret-file -"
    assert operator(f"{put} --http {tmp_path}/options.json", "pw\n").status == 0
    carrier = operator.store.carrier("any")
    assert carrier is not None
    assert carrier.http == HttpOptions.model_validate(options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (None, "cannot be read: name a file with a JSON object"),
        ("{", "cannot be read: name a file with a JSON object"),
        ('{"dlr_mask": 3}', "dlr_mask"),
        ('{"parameters": {"to": "919876543210"}}', "parameters: there are alt-dcs"),
    ],
    ids=["no file", "no JSON", "no final receipts", "a parameter of the message"],
)
def test_options_that_cannot_be_are_refused_in_a_line(
    options: str | None, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "options.json"
    if options is not None:
        file.write_text(options)
    operator = Operator()
    done = operator(f"{KANNEL} --secret-file - --kannel {file}", "pw\n")
    assert (done.status, done.out) == (2, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert "919876543210" not in done.err
    assert operator.table.items == {}


def test_a_receipt_url_is_renewed_while_the_one_before_works_on() -> None:
    operator = Operator().with_carrier()
    tokens = []
    for _ in range(2):
        answer = operator("carrier put sim --new-receipt-url --json").json()
        tokens.append(token_of(answer["receipt_url"]))
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert [token_matches(token, carrier.receipt_token_hashes) for token in tokens] == [True] * 2
    assert len(carrier.receipt_token_hashes) == 2


def test_old_receipt_urls_are_ended() -> None:
    operator = Operator().with_carrier()
    old = operator("carrier put sim --new-receipt-url --json").json()
    new = operator("carrier put sim --new-receipt-url --end-old-receipt-urls --json").json()
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert not token_matches(token_of(old["receipt_url"]), carrier.receipt_token_hashes)
    assert token_matches(token_of(new["receipt_url"]), carrier.receipt_token_hashes)


def test_a_carriers_own_codes_are_put() -> None:
    operator = Operator().with_carrier()
    assert operator("carrier put sim --failures 195=DLT_TEMPLATE X=Y=DND").status == 0
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert carrier.failures == {"195": Code.DLT_TEMPLATE, "X=Y": Code.DND}
    assert operator("carrier put sim --failures").status == 0
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert carrier.failures == {}


def test_a_carriers_own_words_for_states_are_put() -> None:
    operator = Operator().with_carrier()
    assert operator("carrier put sim --states Sent=none done=delivered").status == 0
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert carrier.states == {"SENT": None, "DONE": State.DELIVERED}
    done = operator("carrier put sim --states SENT=somewhere")
    assert (done.status, "write it as SENT=none" in done.err) == (2, True)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in CarrierSettings.model_fields])
def test_an_option_that_a_kind_does_not_have_is_refused(kind: str, tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_text('{"dlr_masks": 31}')
    done = Operator().with_carrier()(f"carrier put sim --kind {kind} --{kind} {options}")
    assert (done.status, "dlr_masks" in done.err) == (2, True)


@pytest.mark.parametrize("given", ["195", "=DND", "195=", "195=LATER"])
def test_a_code_that_means_nothing_of_ours_is_refused(given: str) -> None:
    done = Operator().with_carrier()(f"carrier put sim --failures {given}")
    assert done.status == 2
    assert "write it as 195=DLT_PLATFORM" in done.err
