"""Base models of the records in the Accounts table, set by the operator or by accounts."""

from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict


class OperatorRecord(BaseModel):
    """A record of the Accounts table."""

    # Validation errors name the field and never show its value.
    model_config = ConfigDict(
        frozen=True, hide_input_in_errors=True, ser_json_bytes="base64", val_json_bytes="base64"
    )


class Part(OperatorRecord):
    """A resource that an account registers, unique by its field `name_field` within its kind."""

    model_config = ConfigDict(
        validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )
    name_field: ClassVar[str]


P = TypeVar("P", bound=Part)


def name_of(part: Part) -> str:
    """Return the name of a resource, unique among those of its kind in an account."""
    return str(getattr(part, part.name_field))
