"""Turn the SAM template into one that the emulator deploys, without files and network."""

import re
from collections.abc import Mapping
from typing import Any

Template = dict[str, Any]
INTEGRATION = "x-amazon-apigateway-integration"
# Types that are not deployed: the nested stack of alarms, which nobody would hear, and URLs of
# functions, which the emulator refuses even under a condition.
LEFT_OUT = ("AWS::CloudFormation::Stack", "AWS::Lambda::Url")
# Properties that come from the OpenAPI document and mean nothing without it.
OF_BODY = ("Body", "BodyS3Location", "FailOnWarnings", "DisableSchemaValidation")


def with_code(template: Template, code: dict[str, dict[str, str]]) -> Template:
    """Return the template with the code of each named resource replaced by its place in S3.

    `code` has a {"Bucket", "Key"} for the logical id of every function and layer.
    """
    resources = {}
    for name, resource in template["Resources"].items():
        property_name = {
            "AWS::Serverless::Function": "CodeUri",
            "AWS::Serverless::LayerVersion": "ContentUri",
        }.get(resource["Type"])
        if property_name:
            properties = {**resource["Properties"], property_name: code[name]}
            resource = {**resource, "Properties": properties}
        resources[name] = resource
    return {**template, "Resources": resources}


def with_types(template: Template, parameters: Mapping[str, str]) -> Template:
    """Return the template with values converted to the types that CloudFormation would use.

    CloudFormation converts every value to the type of its property; the emulator passes values on
    unchanged: a Number parameter as text, a number of a mapping as a number. So numbers of mappings
    become text, which the emulator's properties accept and environment variables require; and the
    two properties that must be numbers get their parameters' values.
    """
    defaults = {name: each.get("Default") for name, each in template["Parameters"].items()}
    values = {**defaults, **parameters}
    mappings = {
        name: {
            key: {inner: str(value) for inner, value in row.items()} for key, row in mapping.items()
        }
        for name, mapping in template.get("Mappings", {}).items()
    }
    resources = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            properties = dict(resource["Properties"])
            if "ScalingConfig" in properties:  # of queues
                limit = properties["ScalingConfig"]["MaximumConcurrency"]
                properties["ScalingConfig"] = {"MaximumConcurrency": _number(limit, values)}
            properties["BatchSize"] = _number(properties["BatchSize"], values)
            resource = {**resource, "Properties": properties}
        resources[name] = resource
    return {**template, "Mappings": mappings, "Resources": resources}


def _number(value: Any, parameters: Mapping[str, Any]) -> int:
    return int(parameters[value["Ref"]] if isinstance(value, dict) else value)


def for_the_emulator(template: Template) -> Template:
    """Return the template without the parts that the emulator refuses or has no use for.

    These are the nested stack of monitoring, alarms of several metrics, function URLs with the
    outputs that name them, and releases by CodeDeploy.
    """
    resources = {
        name: {**resource, "Properties": _without_release(resource.get("Properties", {}))}
        for name, resource in template["Resources"].items()
        if resource["Type"] not in LEFT_OUT and "Metrics" not in resource.get("Properties", {})
    }
    removed = template["Resources"].keys() - resources.keys()
    outputs = {
        name: output
        for name, output in template.get("Outputs", {}).items()
        if not any(each in repr(output) for each in removed)
    }
    return {**template, "Resources": resources, "Outputs": outputs}


def _without_release(properties: Template) -> Template:
    return {name: each for name, each in properties.items() if name != "DeploymentPreference"}


def expand_http_apis(template: Template) -> Template:
    """Return the template with the routes of every HTTP API's OpenAPI body as own resources.

    The emulator creates no routes from a body; for API Gateway both forms mean the same.
    """
    resources: Template = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] != "AWS::ApiGatewayV2::Api" or "Body" not in properties:
            resources[name] = resource
            continue
        body = properties["Body"]
        kept = {key: value for key, value in properties.items() if key not in OF_BODY}
        kept = {"Name": body["info"]["title"], "ProtocolType": "HTTP", **kept}
        resources[name] = {**resource, "Properties": kept}
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                resources |= _route(name, path, method, operation)
    return {**template, "Resources": resources}


def _route(api: str, path: str, method: str, operation: dict[str, Any]) -> Template:
    integration = operation[INTEGRATION]
    verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
    key = "$default" if operation.get("isDefaultRoute") else f"{verb} {path}"
    suffix = "".join(part.capitalize() for part in re.findall(r"[A-Za-z0-9]+", key))
    integration_id = f"{api}{suffix}Integration"
    return {
        integration_id: {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": api},
                "IntegrationType": integration["type"].upper(),
                "IntegrationMethod": integration["httpMethod"],
                "IntegrationUri": integration["uri"],
                "PayloadFormatVersion": integration["payloadFormatVersion"],
            },
        },
        f"{api}{suffix}Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": api},
                "RouteKey": key,
                "Target": {"Fn::Sub": f"integrations/${{{integration_id}}}"},
            },
        },
    }
