"""Whether a request brings a file or a JSON object, whatever it calls it."""

from harkara.api.router import Request

_JSON = ("application/json", "+json")
_OBJECT = b"{"


def is_file(request: Request) -> bool:
    """Whether the body is a file: neither called JSON nor an object.

    Browsers and programs call CSV a text, an Excel sheet, a form or just bytes. Gzip and UTF-16
    that are called text/csv are spoiled by API Gateway, which takes them for text.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content_type or content_type.endswith(_JSON):
        return False
    return not request.body.lstrip().startswith(_OBJECT)
