"""The words of operators' DLT portals: columns of their files, types, statuses, variable tags.

Each portal has its own. A word that is known to none of these tables is nobody's: it is refused,
since a template that is skipped by mistake is missed only when its messages fail.
"""

import re
from typing import NamedTuple

from harkara.dlt.templates import KINDS, Kind
from harkara.messages import Category

COLUMNS = {
    "pe_id": "Entity ID",
    "headers": "Header",
    "template_id": "Template ID",
    "name": "Template Name",
    "text": "Content",
    "category": "Type",
    "status": "Status",
    "tags": "Variable Tags",
}
# Other names of the columns, in letters alone.
_ALIASES = {
    "pe_id": ("peid", "principalentityid", "dltentityid"),
    "headers": (
        *("headers", "headername", "headernames", "sender", "senderid", "senderids", "sendername"),
        *("cli", "associatedheaders", "linkedheaders", "mappedheaders"),
    ),
    "template_id": (
        *("dlttemplateid", "contenttemplateid", "dltid", "contentid", "dltcontentid"),
        *("templatedltid", "templateidno"),
    ),
    "name": ("name", "contentname", "contenttemplatename"),
    "text": (
        *("templatecontent", "contenttemplate", "templatemessage", "templatetext", "message"),
        *("messagecontent", "messagetext", "contenttemplatemessage", "templatebody", "smstext"),
        *("smscontent", "templatemessagecontent", "contentmessage", "dltcontent"),
    ),
    "category": (
        *("templatetype", "communicationtype", "smstype", "typeofcommunication"),
        *("typeoftemplate", "typeofmessage", "contenttemplatetype", "communicationcategory"),
    ),
    "status": (
        *("templatestatus", "approvalstatus", "registrationstatus", "dltstatus", "currentstatus"),
        *("contentstatus", "contenttemplatestatus"),
    ),
    "tags": ("variabletag", "variablestags", "vartags", "tags", "variabletype", "variabletypes"),
}
TYPES = {
    Category.OTP: "OTP",
    Category.TRANSACTIONAL: "Transactional",
    Category.SERVICE_IMPLICIT: "Service Implicit",
    Category.SERVICE_EXPLICIT: "Service Explicit",
    Category.PROMOTIONAL: "Promotional",
}
# In letters alone. "Others" is what portals call all that is not promotional.
OTHERS = ("others", "other")
_CATEGORIES = {
    **dict.fromkeys(("otp", "onetimepassword"), Category.OTP),
    **dict.fromkeys(
        ("transactional", "transaction", "trans", "txn", "t"),
        Category.TRANSACTIONAL,
    ),
    **dict.fromkeys(
        ("serviceimplicit", "serviceinferred", "service", "implicit", "inferred", "si"),
        Category.SERVICE_IMPLICIT,
    ),
    **dict.fromkeys(("serviceimp", "implicitservice", *OTHERS), Category.SERVICE_IMPLICIT),
    **dict.fromkeys(
        ("serviceexplicit", "explicit", "serviceexp", "explicitservice", "se"),
        Category.SERVICE_EXPLICIT,
    ),
    **dict.fromkeys(("promotional", "promotion", "promo", "p"), Category.PROMOTIONAL),
}
_APPROVED = frozenset(
    {"approved", "accepted", "registered", "whitelisted", "verified", "active", "activated"}
    | {"live", "enabled", "approve", "yes", "true", "1"}
)
_NOT_APPROVED = frozenset(
    {"not", "un", "unapproved", "unregistered", "unverified", "disapproved", "nonapproved"}
    | {"rejected", "reject", "declined", "denied", "refused", "failed", "invalid", "false", "no"}
    | {"pending", "submitted", "draft", "review", "processing", "process", "progress", "inprogress"}
    | {"awaiting", "waiting", "hold", "onhold", "new", "requested", "initiated", "yet", "0"}
    | {"blacklisted", "blocked", "barred", "suspended", "disabled", "inactive", "deactivated"}
    | {"deactive", "expired", "revoked", "cancelled", "canceled", "deleted", "removed", "closed"}
    | {"withdrawn", "dormant", "archived", "terminated", "surrendered", "obsolete", "scrubbed"}
)
_BEFORE = frozenset({"dlt", "template", "content", "status", "auto", "is"})
_BY = frozenset({"via", "by", "on", "with", "at", "from", "in", "through", "since"})
_OPERATORS = frozenset(
    {"airtel", "jio", "vi", "vodafone", "idea", "vilpower", "bsnl", "mtnl", "tata", "smartping"}
    | {"videocon", "pingconnect", "operator", "operators", "registrar", "trai", "and", "dlt"}
)
_NO_LETTERS = re.compile(r"[\W\d_]+")
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN = re.compile(r"[a-z]+|[0-9]+")
_TAG = re.compile(r"[^\W\d_]+")


class Status(NamedTuple):
    """Whether DLT has approved a template; the word that says that it has not."""

    approved: bool
    word: str = ""


def column_of(name: str) -> str | None:
    """Return the field that a column of this name holds."""
    return _COLUMN_OF.get(letters(name))


def category_of(word: str) -> Category | None:
    """Return the category of a type of template, however it is spelled."""
    found = _CATEGORIES.get(letters(word))
    return found or _CATEGORIES.get(letters(_IN_BRACKETS.sub("", word)))


def status_of(word: str) -> Status | None:
    """Return what a status says, None for one that nobody knows; nothing is as good as approved."""
    tokens = _TOKEN.findall(_CAMEL.sub(" ", word).lower())
    if not word.strip():
        return Status(approved=True)
    refused = next((token for token in tokens if token in _NOT_APPROVED), None)
    if refused:
        return Status(approved=False, word=refused)
    while tokens and tokens[0] in _BEFORE:
        del tokens[0]
    if not tokens or tokens[0] not in _APPROVED:
        return None
    for token in tokens:
        if token in _BY:
            break
        if token not in _APPROVED and token not in _OPERATORS:
            return None
    return Status(approved=True)


def kinds_of(cell: str) -> list[Kind] | None:
    """Return the kinds of variables that a cell lists; None where one is unknown."""
    names = _TAG.findall(cell.lower())
    if not all(name in KINDS for name in names):
        return None
    return [KINDS[name] for name in names]


def letters(name: str) -> str:
    """Return the letters of a name, in lower case."""
    return _NO_LETTERS.sub("", name).lower()


_COLUMN_OF = {letters(name): column for column, name in COLUMNS.items()} | {
    alias: column for column, aliases in _ALIASES.items() for alias in aliases
}
