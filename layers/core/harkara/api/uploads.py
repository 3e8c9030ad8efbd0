"""Tell whether the body of a request is a file or a JSON object, despite wrong content types."""

from harkara.api.request import Request

_JSON = ("application/json", "+json")
_OBJECT = b"{"


def is_file(request: Request) -> bool:
    """Whether the body is a file: neither declared as JSON nor an object.

    Browsers and programs declare CSV as text, an Excel sheet, a form or just bytes. API Gateway
    corrupts gzip and UTF-16 that are declared as text/csv, as it takes them for text.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content_type or content_type.endswith(_JSON):
        return False
    return not request.body.lstrip().startswith(_OBJECT)
