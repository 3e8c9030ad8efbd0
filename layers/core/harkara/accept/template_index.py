"""The index of an account's DLT templates: made when it is first needed, kept with the account."""

import weakref

from harkara.dlt.index import Entry, TemplateIndex
from harkara.dlt.templates import Rules
from harkara.links.codec import base_of
from harkara.model.accounts import Account

# By the account object's identity: the store loads a changed account as another object, and the
# index of a released object goes with it.
_indexes: dict[int, TemplateIndex] = {}


def index_of(account: Account) -> TemplateIndex:
    """Return the index of the account's templates."""
    key = id(account)
    cached = _indexes.get(key)
    if cached is not None:
        return cached
    entries = [
        Entry(template.dlt_template_id, template.headers, template.text)
        for template in account.templates.values()
    ]
    index = TemplateIndex(entries, rules_of(account))
    _indexes[key] = index
    weakref.finalize(account, _indexes.pop, key, None)
    return index


def rules_of(account: Account) -> Rules:
    """Return the rules for the variables of the account's templates.

    Where URLs are registered, the account's short domain counts as one of them.
    """
    urls = account.registered_urls
    if urls and account.short_domain:
        urls += (base_of(account.short_domain),)
    return Rules(
        var_limit=account.variable_limit,
        numeric_limit=account.numeric_limit,
        alphanumeric_limit=account.alphanumeric_limit,
        alphanumeric_marks=account.alphanumeric_marks,
        url_limit=account.url_limit,
        urls=urls,
        call_back_numbers=account.call_back_numbers,
    )
