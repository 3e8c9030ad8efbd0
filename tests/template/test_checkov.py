"""The rules that checkov skips, everywhere or at one resource, always with a reason."""

import re

import yaml

from local.settings import ROOT

WAIVERS = (ROOT / "local" / "checkov.yaml").read_text()
TEMPLATES = list(ROOT.glob("[!.]*.yaml"))
RULE = re.compile(r"((?:^ +# .+\n)+)^ +- (CKV\w+)$", re.MULTILINE)


def test_every_waiver_names_the_rule_and_says_why() -> None:
    reasons = {rule: " ".join(why.split()) for why, rule in RULE.findall(WAIVERS)}
    assert sorted(reasons) == sorted(yaml.safe_load(WAIVERS)["skip-check"])
    for reason in reasons.values():
        assert re.match(r'# "[^"]{10,}": .{40,}', reason)


def test_nothing_is_waived_by_another_way() -> None:
    """No finding may pass softly or be left out for its severity, path or resource."""
    assert yaml.safe_load(WAIVERS).keys() == {
        "file",
        "framework",
        "quiet",
        "compact",
        "skip-download",
        "skip-check",
    }
    templates = "".join(path.read_text() for path in TEMPLATES)
    at_a_resource = re.findall(r"^    # checkov:skip=CKV\w+:[^\n]{40,}$", templates, re.MULTILINE)
    assert len(at_a_resource) == templates.count("checkov")


def test_every_template_is_checked() -> None:
    assert sorted(yaml.safe_load(WAIVERS)["file"]) == sorted(path.name for path in TEMPLATES)
