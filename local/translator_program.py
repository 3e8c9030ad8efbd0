"""Runs in the translator's venv: SAM's own parser and transform, with JSON in and out.

    .local/translator/bin/python -I local/translator_program.py load|translate <region>

`load` takes a template's text, `translate` a parsed template. Both print a template, or end with
one line that says what is wrong with theirs. The project's own packages are not there.
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
    # It would say at its end that nobody published its metrics.
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
    # The template names no managed policy of AWS, so no account has to be asked for their list.
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
