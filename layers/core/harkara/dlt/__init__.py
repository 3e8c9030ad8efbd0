"""Parse, match, find and render India's DLT content templates, and explain mismatches.

    templates       parse a registered content into fixed text and variables
    positions       find where in a text variables can end: sets of positions as bits
    matching        match a text against one template
    inverted_index  find the candidates of a text: the keys of templates and of texts
    index           find the template of a text among many
    mismatch        find where a text differs from a template
    rendering       fill values into a template's variables
    chain_hash      hash the chain of entity and telemarketers

Nothing here compiles a customer's content into a regular expression.
"""
