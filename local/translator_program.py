"""Run SAM's own parser or transform in the translator's venv, with JSON in and out.

    .local/translator/bin/python -I local/translator_program.py load|translate <region>

`load` takes a template's text, `translate` a parsed template. Both print a template, or end with
one line about the template's error. The project's own packages cannot be imported here.
"""

import json
import logging
import sys
from typing import Any

import boto3
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse
from yaml import YAMLError


def translate(template: dict[str, Any], region: str) -> Any:
    """Apply SAM's transform, as CloudFormation does on AWS."""
    # Otherwise it logs at its end that its metrics were not published.
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
    # The template names no AWS managed policy, so their list need not be read from an account.
    return translator.translate(template, {}, get_managed_policy_map=dict)


def main(step: str, region: str) -> None:
    given = json.load(sys.stdin)
    try:
        made = yaml_parse(given) if step == "load" else translate(given, region)
    except (YAMLError, InvalidDocumentException) as error:
        sys.exit(" ".join(str(error).split()))
    # YAML reads an unquoted 2012-10-17 as a date; CloudFormation wants its text.
    json.dump(made, sys.stdout, default=str)


if __name__ == "__main__":
    main(*sys.argv[1:])
