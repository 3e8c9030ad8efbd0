"""Parse, match, find and render India's DLT content templates, and explain mismatches.

    templates       parse a content into fixed text and variables; hash the chain of senders
    registered      compare URLs and call-back numbers with those that an account registered
    positions       find where in a text variables can end: sets of positions as bits
    matching        match a text against one template; fill values into its variables
    inverted_index  find the candidates of a text: the keys of templates and of texts
    index           find the template of a text among many
    mismatch        find where a text differs from a template

Nothing here compiles a customer's content into a regular expression.
"""
