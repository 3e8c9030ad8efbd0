"""`harkara carrier presets`, and `carrier put --preset`: setting up providers by name.

The requests to these providers are tested in tests/functions/test_providers.py, and those to RCS
providers in test_rcs_providers.py.
"""

from pathlib import Path

import pytest

from cli import preset_files as presets
from tests.local.operators import Operator
from tests.support.google import CLIENT_TOKEN, service_account
from tests.support.preset_cases import CASES, RCS_CASES, put


def test_every_preset_has_cases() -> None:
    assert set(CASES) == set(presets.NAMES) - RCS_CASES.keys()
    assert len(CASES) >= 13


def test_presets_are_listed_without_a_deployment() -> None:
    operator = Operator()
    listed = operator("carrier presets --json").json()
    assert [row["preset"] for row in listed] == presets.NAMES
    assert all(row["provider"] and row["secret"] for row in listed)
    assert operator.services == {}
    one = operator("carrier presets exotel --json").json()
    assert "Send SMS; SMS Status Codes" in one["source"]
    assert [each["with"] for each in one["variables"]] == ["sid", "host"]
    assert [each["otherwise"] for each in one["variables"]] == ["", "api.in.exotel.com"]
    assert "inbound URL" in one["at the provider"]


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_preset_names_its_pages_and_what_it_asks_for(name: str) -> None:
    preset = presets.read_preset(name)
    case = (CASES | RCS_CASES)[name]
    assert preset.source == case["source"]
    used = set(presets.variables_in(preset.carrier))
    assert used == preset.variables.keys()
    assert preset.defaults.keys() <= preset.variables.keys()
    assert bool(preset.username) == bool(case["username"])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--preset exotel", "the preset exotel takes --with sid=... (Account SID"),
        ("--preset exotel --with sid=a zone=b", "has no variable zone: it has sid, host"),
        ("--preset exotel --with sid", "write it as sid=acme1"),
        ("--preset exotel --with sid=", "write it as sid=acme1"),
        ("--preset twilio --with sid=a", "has no variable sid: it has none"),
        ("--preset nobody", "'--preset': use one of exotel"),
        ("--with sid=a", "--with is for the variables of a --preset"),
        ("--preset twilio", "it takes --username, --secret-file"),
        ("--preset textlocal", "it takes --secret-file"),
        ("--preset exotel --with sid={to}", "it takes --username"),
        ("--preset msg91-flow --secret-file -", "takes the provider's templates (--templates)"),
    ],
)
def test_what_a_preset_lacks_is_said_in_a_line(line: str, says: str) -> None:
    operator = Operator()
    done = operator(f"carrier put acme {line}")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert says in done.err
    assert operator.table.items == {}


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("s3cret-password", "--secret-file: this is no key of a Google service account, in JSON"),
        ('{"type": "service_account", "private_key": "s3cret"}', "name the file that Google gave"),
        (service_account().file + " " * 4096, "longer than 4096 bytes"),
    ],
)
def test_a_key_that_signs_nothing_is_refused_at_once(
    secret: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "key.json").write_text(secret)
    (tmp_path / "client-token").write_text(CLIENT_TOKEN)
    operator = Operator()
    line = (
        f"carrier put google --preset google-rbm --with agent=acme"
        f" --secret-file {tmp_path}/key.json --receipt-secret-file {tmp_path}/client-token"
    )
    done = operator(line)
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert says in done.err
    assert "s3cret" not in done.err
    assert operator.table.items == {}


def test_googles_webhook_takes_a_client_token() -> None:
    line = "carrier put google --preset google-rbm --with agent=acme --secret-file -"
    done = Operator()(line, service_account().file + "\n")
    assert (done.status, done.out) == (2, "")
    assert "--receipt-secret-file: a signature needs it" in done.err


def test_what_is_given_goes_before_the_preset(tmp_path: Path) -> None:
    more = ("--url", "https://here.example/", "--timeout", "7")
    carrier = put(tmp_path, "textlocal", *more).settings
    assert (carrier.url, carrier.timeout_s) == ("https://here.example/", 7)
    assert carrier.http is not None
    assert carrier.http.form["apikey"] == "{password}"


def test_braces_of_a_variable_are_no_placeholders() -> None:
    fields = presets.carrier_fields("exotel", {"sid": "{to}"})
    assert fields["url"] == "https://api.in.exotel.com/v1/Accounts/{{to}}/Sms/send.json"


def test_the_notes_say_what_to_do_at_the_provider() -> None:
    operator = Operator()
    done = operator("carrier put acme --preset msg91 --secret-file - --json", "s3cret\n").json()
    assert "SMS, Webhook" in done["at the provider"]
    assert done["receipt_url"].startswith("https://api.example/receipts/acme/")


@pytest.mark.parametrize("name", CASES)
def test_each_provider_delivers_fails_refuses_and_throttles(name: str) -> None:
    case = CASES[name]
    assert {"delivered", "failed"} <= case["receipts"].keys()
    outcomes = {row["outcome"][0] for row in case["answers"].values()}
    assert {"taken", "refused", "not taken"} <= outcomes
