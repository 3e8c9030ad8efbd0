"""Custom domains of the API and of the short links, with certificate and record."""

from typing import Any

import pytest

from tests.template.reading import resources, template

DOMAINS = ("ApiDomain", "LinkDomain", "ConsoleDomain")
NAMES = {
    "ApiDomain": "DomainName",
    "LinkDomain": "LinkDomainName",
    "ConsoleDomain": "ConsoleDomainName",
}


def of(kind: str, domain: str, suffix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = resources(f"AWS::{kind}")[f"{domain}{suffix}"]
    return found


def not_empty(parameter: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_is_there_with_its_name_and_certificate_alone(domain: str) -> None:
    name = NAMES[domain]
    certificate = name.replace("DomainName", "CertificateArn")
    resource = of("ApiGatewayV2::DomainName", domain)
    condition = resource["Condition"]
    assert template()["Conditions"][condition] == {
        "Fn::And": [not_empty(name), not_empty(certificate)]
    }
    assert resource["Properties"] == {
        "DomainName": {"Ref": name},
        "DomainNameConfigurations": [
            {
                "CertificateArn": {"Ref": certificate},
                "EndpointType": "REGIONAL",
                "SecurityPolicy": "TLS_1_2",
            }
        ],
    }
    mapping = of("ApiGatewayV2::ApiMapping", domain, "Mapping")
    assert mapping["Condition"] == condition
    assert mapping["Properties"] == {
        "DomainName": {"Ref": domain},
        "ApiId": {"Ref": "HttpApi"},
        "Stage": {"Ref": "HttpApi.Stage"},
    }
    rule = template()["Rules"][f"{name.removesuffix('Name')}HasCertificate"]
    assert rule["RuleCondition"] == not_empty(name)
    assert [each["Assert"] for each in rule["Assertions"]] == [not_empty(certificate)]


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_record_is_made_where_the_zone_is_named_and_told_where_it_is_not(domain: str) -> None:
    name = NAMES[domain]
    zone = name.replace("DomainName", "HostedZoneId")
    record = of("Route53::RecordSet", domain, "Record")
    assert template()["Conditions"][record["Condition"]] == {
        "Fn::And": [
            {"Condition": of("ApiGatewayV2::DomainName", domain)["Condition"]},
            not_empty(zone),
        ]
    }
    target = {"Fn::GetAtt": [domain, "RegionalDomainName"]}
    assert record["Properties"]["AliasTarget"] == {
        "DNSName": target,
        "HostedZoneId": {"Fn::GetAtt": [domain, "RegionalHostedZoneId"]},
    }
    assert (record["Properties"]["Name"], record["Properties"]["Type"]) == ({"Ref": name}, "A")
    output = template()["Outputs"][name.replace("Name", "Target")]
    assert output["Value"] == target
    assert output["Condition"] == of("ApiGatewayV2::DomainName", domain)["Condition"]


def test_with_a_domain_the_api_is_reached_there_alone() -> None:
    """The output ApiUrl is the base of printed receipt URLs and of those in platforms' pages."""
    (api,) = resources("AWS::Serverless::HttpApi").values()
    assert api["Properties"]["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasDomain", True, False]}
    # API Gateway warns about SAM's servers without a URL.
    assert "FailOnWarnings" not in api["Properties"]
    condition, own, aws = template()["Outputs"]["ApiUrl"]["Value"]["Fn::If"]
    assert (condition, own) == ("HasDomain", {"Fn::Sub": "https://${DomainName}"})
    assert "execute-api" in aws["Fn::Sub"]
