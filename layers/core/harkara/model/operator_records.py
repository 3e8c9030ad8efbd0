"""What the operator and the accounts' owners set, as it lies in the Accounts table."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict


class OperatorRecord(BaseModel):
    """What an operator set, as it lies in the Accounts table."""

    # Errors of validation name the field and never show what stood in it.
    model_config = ConfigDict(
        frozen=True, hide_input_in_errors=True, ser_json_bytes="base64", val_json_bytes="base64"
    )


class Part(OperatorRecord):
    """What an account registers, known by a name among others of its kind.

    See `harkara.manage.resources`.
    """


P = TypeVar("P", bound=Part)
