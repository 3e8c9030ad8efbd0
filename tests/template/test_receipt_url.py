"""An optional URL of the receipt function that bypasses the API; no other function has one."""

from tests.template.reading import resources, template

ALIAS = {"Ref": "ReceiptFunction.Alias"}


def test_the_receipt_function_has_a_url_only_where_it_is_chosen() -> None:
    parameter = template()["Parameters"]["ReceiptUrl"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("api", ["api", "function"])
    assert template()["Conditions"]["HasReceiptUrl"] == {
        "Fn::Equals": [{"Ref": "ReceiptUrl"}, "function"]
    }
    (url,) = resources("AWS::Lambda::Url").values()
    assert url["Condition"] == "HasReceiptUrl"
    # The handler authenticates. The alias brings SnapStart and gradual releases.
    assert url["Properties"] == {"TargetFunctionArn": ALIAS, "AuthType": "NONE"}
    output = template()["Outputs"]["ReceiptsUrl"]
    assert output["Condition"] == "HasReceiptUrl"
    assert output["Value"] == {"Fn::GetAtt": ["ReceiptFunctionUrl", "FunctionUrl"]}


def test_everybody_may_call_the_url_and_nothing_but_the_url() -> None:
    public = {
        name: each
        for name, each in resources("AWS::Lambda::Permission").items()
        if each["Properties"]["Principal"] == "*"
    }
    assert {each["Condition"] for each in public.values()} == {"HasReceiptUrl"}
    assert {each["Properties"]["FunctionName"]["Ref"] for each in public.values()} == {ALIAS["Ref"]}
    held = {
        each["Properties"]["Action"]: {
            name: value
            for name, value in each["Properties"].items()
            if name not in ("Action", "FunctionName", "Principal")
        }
        for each in public.values()
    }
    assert held == {
        "lambda:InvokeFunctionUrl": {"FunctionUrlAuthType": "NONE"},
        "lambda:InvokeFunction": {"InvokedViaFunctionUrl": True},
    }


def test_no_function_is_public_by_what_sam_makes() -> None:
    functions = resources("AWS::Serverless::Function").values()
    assert not any("FunctionUrlConfig" in each["Properties"] for each in functions)
