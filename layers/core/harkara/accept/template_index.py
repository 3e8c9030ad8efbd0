"""The index of an account's DLT templates: made when it is first needed, kept with the account."""

import weakref
from collections.abc import Iterable

from harkara.dlt.index import Entry, TemplateIndex
from harkara.dlt.templates import Rules
from harkara.links.codec import bases_of
from harkara.model.accounts import Account, Template

# By the account object's identity: the store loads a changed account as another object, and the
# index of a released object goes with it.
_indexes: dict[int, TemplateIndex] = {}


def index_of(account: Account) -> TemplateIndex:
    """Return the index of the account's templates."""
    key = id(account)
    cached = _indexes.get(key)
    if cached is not None:
        return cached
    index = TemplateIndex(entries_of(account.templates.values()), rules_of(account))
    _indexes[key] = index
    weakref.finalize(account, _indexes.pop, key, None)
    return index


def entries_of(templates: Iterable[Template]) -> list[Entry]:
    """Return templates as entries of an index."""
    return [Entry(each.dlt_template_id, each.headers, each.text) for each in templates]


def rules_of(account: Account) -> Rules:
    """Return the rules for the variables of the account's templates.

    Where URLs are registered, the account's short links count as registered, too.
    """
    urls = account.registered_urls
    if urls and account.short_domain:
        urls += bases_of(account.short_domain, account.senders)
    return Rules(
        var_limit=account.variable_limit,
        numeric_limit=account.numeric_limit,
        alphanumeric_limit=account.alphanumeric_limit,
        alphanumeric_marks=account.alphanumeric_marks,
        url_limit=account.url_limit,
        urls=urls,
        call_back_numbers=account.call_back_numbers,
    )
