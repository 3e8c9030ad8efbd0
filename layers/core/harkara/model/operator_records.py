"""Base models of the records in the Accounts table, set by the operator or by accounts."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict


class OperatorRecord(BaseModel):
    """A record of the Accounts table."""

    # Validation errors name the field and never show its value.
    model_config = ConfigDict(
        frozen=True, hide_input_in_errors=True, ser_json_bytes="base64", val_json_bytes="base64"
    )


class Part(OperatorRecord):
    """A resource that an account registers, unique by name within its kind.

    See `harkara.manage.resources`.
    """


P = TypeVar("P", bound=Part)
