"""Harkara's console: pages for the people of an account, on the services that its API uses.

A file imports only those below it in this list, and the package harkara; nothing of harkara
imports the console. What an account may do and what is valid, the services decide.

    screens     one file a part of the console: read a form, call a service, name the page
    site        serve the screens: session, role, errors
    navigation  the sections of the side bar, in groups
    forms       read forms and files; show a form with what is wrong in it
    pages       render templates, with all texts from texts/en.json
    guard       cookies, and requests that another site made a browser send
    assets      style, scripts and icon, under the hash of their content
"""
