"""India's DLT content templates: read, matched, found, rendered; and where a text departs.

    templates    a registered content as fixed text and variables
    positions    which parts of a text a variable can take: sets of positions as bits
    matching     whether a text matches a template
    filing       what a template is filed under, what keys a text has
    index        the template of a text among many
    mismatch     which template came nearest, and where the text departs from it
    rendering    a template with values for its variables, as a text
    chain_hash   the hash of the chain of entity and telemarketers

Nothing here compiles a tenant's content into a regular expression.
"""
