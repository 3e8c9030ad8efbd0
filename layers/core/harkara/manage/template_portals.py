"""The words of operators' DLT portals: columns of their files, types, statuses, variable tags.

Each portal has its own words. A word that is in none of these tables is refused, since a template
skipped by mistake is noticed only when its messages fail.
"""

import re
import unicodedata
from calendar import month_abbr
from typing import NamedTuple

from harkara.dlt.templates import KINDS, Kind
from harkara.model.messages import Category

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
# Other names of the columns, letters only.
_ALIASES = {
    "pe_id": ("peid", "principalentityid", "dltentityid"),
    "headers": (
        *("headers", "headername", "headernames", "sender", "senderid", "senderids", "sendername"),
        *("cli", "clis", "associatedheaders", "linkedheaders", "mappedheaders", "associatedheader"),
        *(
            "linkedheader",
            "mappedheader",
            "headerlist",
            "templateheader",
            "dltheader",
            "dltheaders",
        ),
        *("linkedcli", "associatedcli", "mappedcli", "senderidname", "approvedheaders"),
    ),
    "template_id": (
        *("dlttemplateid", "contenttemplateid", "dltid", "contentid", "dltcontentid"),
        *("templatedltid", "templateidno", "teid", "dltteid", "ctid", "dltctid", "contenttempid"),
        *("registeredtemplateid", "templatenumber", "templateno", "regtemplateid"),
    ),
    "name": ("name", "contentname", "contenttemplatename"),
    "text": (
        *("templatecontent", "contenttemplate", "templatemessage", "templatetext", "message"),
        *("messagecontent", "messagetext", "contenttemplatemessage", "templatebody", "smstext"),
        *("smscontent", "templatemessagecontent", "contentmessage", "dltcontent", "text", "body"),
        *("messagebody", "contents", "contenttext", "approvedcontent", "approvedtext"),
    ),
    "category": (
        *("templatetype", "communicationtype", "smstype", "typeofcommunication"),
        *("typeoftemplate", "typeofmessage", "contenttemplatetype", "communicationcategory"),
    ),
    "status": (
        *("templatestatus", "approvalstatus", "registrationstatus", "dltstatus", "currentstatus"),
        *("contentstatus", "contenttemplatestatus", "state", "templatestate", "approval"),
        *("operatorstatus", "activationstatus", "approvalstate", "templateapproval", "approved"),
        *("isapproved", "isactive", "statusofapproval", "statusoftemplate"),
    ),
    "tags": (
        *("variabletag", "variablestags", "vartags", "tags", "variabletype", "variabletypes"),
        *("tag", "vartag", "vartype", "vartypes", "tagtype", "tagtypes", "variabletagtype"),
    ),
}
TYPES = {
    Category.OTP: "OTP",
    Category.TRANSACTIONAL: "Transactional",
    Category.SERVICE_IMPLICIT: "Service Implicit",
    Category.SERVICE_EXPLICIT: "Service Explicit",
    Category.PROMOTIONAL: "Promotional",
    Category.GOVERNMENT: "Government",
}
# Letters only. Portals call all templates "Others" that are not promotional.
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
    **dict.fromkeys(("promotional", "promotion", "promotions", "promo", "p"), Category.PROMOTIONAL),
    **dict.fromkeys(("government", "govt", "gov", "g"), Category.GOVERNMENT),
}
_TYPE_NOISE = frozenset({"message", "messages", "sms", "type", "communication", "consent"})
_APPROVED = frozenset(
    {"approved", "accepted", "registered", "whitelisted", "verified", "active", "activated"}
    | {"live", "enabled", "approve", "yes", "true", "1", "valid", "success", "successful", "ok"}
    | {"autoapproved", "enable", "reapproved", "reregistered", "reactivated", "done"}
)
_NOT_APPROVED = frozenset(
    {"not", "un", "unapproved", "unregistered", "unverified", "disapproved", "nonapproved"}
    | {"rejected", "reject", "declined", "denied", "refused", "failed", "invalid", "false", "no"}
    | {"pending", "submitted", "draft", "review", "processing", "process", "progress", "inprogress"}
    | {"awaiting", "waiting", "hold", "onhold", "new", "requested", "initiated", "yet", "0"}
    | {"blacklisted", "blocked", "barred", "suspended", "disabled", "inactive", "deactivated"}
    | {"deactive", "expired", "revoked", "cancelled", "canceled", "deleted", "removed", "closed"}
    | {"withdrawn", "dormant", "archived", "terminated", "surrendered", "obsolete", "scrubbed"}
    | {"non", "never", "cannot", "be", "sent", "returned", "resubmitted", "clarification", "query"}
    | {"error", "failure", "delete", "cancel", "block", "suspend", "deactivate", "incomplete"}
    | {"frozen", "freezed", "lapsed", "discarded", "stopped", "paused", "unlisted", "provisional"}
    | {"partially", "conditionally", "verification", "unapprove", "disapprove"}
)
_AROUND = frozenset({"auto", "system", "successfully", "success", "re"})
_BEFORE = frozenset({"dlt", "template", "content", "status", "is"}) | _AROUND
_MONTHS = frozenset(month.lower() for month in month_abbr if month)
_BY = frozenset({"via", "by", "on", "with", "at", "from", "in", "through", "since"})
_OPERATORS = frozenset(
    {"airtel", "jio", "vi", "vodafone", "idea", "vilpower", "bsnl", "mtnl", "tata", "smartping"}
    | {"videocon", "pingconnect", "operator", "operators", "registrar", "trai", "and", "dlt"}
    | {"vil", "ttsl", "ttml", "qtl", "quadrant", "reliance", "truecopy"}
)
# Portals write this compound as one word or as two.
_LISTED = re.compile(r"(white|black)[\s_-]*(?=listed)")
_NO_LETTERS = re.compile(r"[\W\d_]+")
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN = re.compile(r"[a-z]+|[0-9]+")
_TAG_SEPARATOR = re.compile(r"[,;|\r\n]+")
_TAG_NUMBER = re.compile(r"\s*(?:[^\w]*var(?:iable)?)?\s*[0-9]*\s*[:=.)]")
_KIND_WORDS = {
    **KINDS,
    **dict.fromkeys(("numbers", "numerics", "digits"), Kind.NUMERIC),
    **dict.fromkeys(("alphanum", "alphanumericals", "alphanumerical"), Kind.ALPHANUMERIC),
    **dict.fromkeys(("ott", "ottlink", "urlottlink"), Kind.URLOTT),
    **dict.fromkeys(("callback", "callbacknumber", "callbackno"), Kind.CBN),
    **dict.fromkeys(("emailid", "mail", "emailaddress"), Kind.EMAIL),
    **dict.fromkeys(("variable",), Kind.VAR),
}
_NO_TAGS = frozenset({"", "none", "na", "nil", "null", "no", "nan"})
_STATUS_NAME = re.compile(r"stat(?:us|e)|approv", re.IGNORECASE)
_NOT_STATUS = re.compile(
    r"date|\bon\b|time|\bby\b|\bat\b|reason|remark|comment|consent|\bid\b|statement",
    re.IGNORECASE,
)


class Status(NamedTuple):
    """Whether DLT has approved a template; if not, the word that says so."""

    approved: bool
    word: str = ""


def column_of(name: str) -> str | None:
    """Return the field that a column of this name holds, None if unknown."""
    return _COLUMN_OF.get(letters(name)) or _COLUMN_OF.get(letters(_IN_BRACKETS.sub("", name)))


def may_be_status(name: str) -> bool:
    """Whether a column of an unknown name may hold the approval status."""
    plain = _CAMEL.sub(" ", name).replace("_", " ")
    return bool(_STATUS_NAME.search(plain)) and not _NOT_STATUS.search(plain)


def category_of(word: str) -> Category | None:
    """Return the category of a template type in any known spelling."""
    outside = _IN_BRACKETS.sub("", word)
    tokens = _TOKEN.findall(_CAMEL.sub(" ", outside).lower())
    bare = "".join(token for token in tokens if token not in _TYPE_NOISE)
    spelled = (letters(word), letters(outside), bare)
    found = next((_CATEGORIES[each] for each in spelled if each in _CATEGORIES), None)
    if found or "/" not in word:
        return found
    both = set(map(category_of, word.split("/")))  # Service Implicit / Inferred
    return both.pop() if len(both) == 1 else None


def status_of(word: str) -> Status | None:
    """Return the meaning of a status, None if unknown; an empty status counts as approved."""
    word = unicodedata.normalize("NFKC", word)
    tokens = _TOKEN.findall(_LISTED.sub(r"\1", _CAMEL.sub(" ", word).lower()))
    if not word.strip():
        return Status(approved=True)
    refused = next((token for token in tokens if token in _NOT_APPROVED), None)
    if refused:
        return Status(approved=False, word=refused)
    while len(tokens) > 1 and tokens[0] in _BEFORE | _OPERATORS:
        del tokens[0]
    if not tokens or tokens[0] not in _APPROVED:
        return None
    for token in tokens[1:]:
        if token in _BY:
            break
        if token not in _APPROVED | _OPERATORS | _AROUND | _MONTHS and not token.isdigit():
            return None
    return Status(approved=True)


def kinds_of(cell: str) -> list[Kind] | None:
    """Return the kinds of variables that a cell lists, None if one is unknown."""
    found: list[Kind] = []
    for item in _TAG_SEPARATOR.split(cell.lower()):
        plain = _TAG_NUMBER.sub("", item, count=1)
        word = letters(plain)
        words = [word] if word in _KIND_WORDS or word in _NO_TAGS else plain.split()
        kinds = [letters(each) for each in words]
        if not all(each in _KIND_WORDS or each in _NO_TAGS for each in kinds):
            return None
        found += [_KIND_WORDS[each] for each in kinds if each not in _NO_TAGS]
    return found


def letters(name: str) -> str:
    """Return the letters of a name, in lower case."""
    return _NO_LETTERS.sub("", name).lower()


_COLUMN_OF = {letters(name): column for column, name in COLUMNS.items()} | {
    alias: column for column, aliases in _ALIASES.items() for alias in aliases
}
