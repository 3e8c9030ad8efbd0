"""The API's description: an OpenAPI 3.1 document, and a page generated from it.

`document.document()` is served at /openapi.json, `page.render` of it at /docs. Codes, statuses and
advice come from `harkara.base.codes`, limits from the modules that enforce them.
"""
