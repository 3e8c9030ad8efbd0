"""GET and HEAD /{code}: follow a short link of a message. Clicks go to functions/dlr.

Next: `harkara.links.shorten`, which reads the code; `harkara.links.clicks` reports the click.
"""

from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from harkara.api.description import HTML, about
from harkara.api.resolver import TRY_AGAIN_AFTER_S, methods_of
from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.log_events import LogEvent
from harkara.links.clicks import is_person
from harkara.links.codec import is_code, without_marks
from harkara.links.shorten import Visit
from harkara.runtime import metrics
from harkara.runtime.logging import log_failure
from harkara.runtime.snapshot import built_early
from harkara.wiring.api import new_api
from harkara.wiring.link import on_aws

HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
# Pages repeat nothing of the request.
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""
PAGES = {
    Visit.UNKNOWN: (404, "There is no such link", "Please check that it was copied as a whole."),
    Visit.ENDED: (410, "This link has ended", "It led somewhere for a limited time only."),
}
UNREACHABLE = 503, "Please try again", "The link could not be opened just now."

api = new_api()
services = built_early(on_aws)


@api.route(
    "/<code>",
    ["GET", "HEAD"],
    **about(
        *("Links", {302: None, 404: {HTML: str}, 410: {HTML: str}, 503: {HTML: str}}),
        *(Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED),
    ),
)
def follow_link(code: str) -> Response[str]:
    """Follow a short link of a message.

    A link leads to a URL of its own message, on the domain that it was sent with, for as long as
    the account keeps it. Only what a person does counts as a click: HEAD, previews, prefetches and
    crawlers are redirected and not reported.
    """
    request, code = api.client_request, without_marks(code)
    reads_pages = "text/html" in request.headers.get("accept", "")
    if not is_code(code) and (methods_of(request.path) or not reads_pages):
        raise NotFoundError  # API Gateway sends any one-part path here: the API's errors are JSON
    return follow("", code)


# If the short domain has a path, API Gateway may pass it on: /ACMEBK/<code>. No other domain has
# such a route.
@api.route("/<path>/<code>", ["GET", "HEAD"], include_in_schema=False)
def visit_below(path: str, code: str) -> Response[str]:
    return follow(f"/{path}", without_marks(code))


def follow(path: str, code: str) -> Response[str]:
    """Redirect to a link's URL; answer with a page if there is none."""
    request = api.client_request
    host = request.headers.get("host", "").lower()
    try:
        visit, url, account_id = services().visit(
            host, path, code, is_person=is_person(request.method, request.headers)
        )
    except StoreUnavailable as error:
        log_failure("link not followed", error)
        return page(*UNREACHABLE)
    known = {"account_id": account_id} if account_id else {}
    metrics.write(LogEvent("link visited", known, {visit: 1}))
    if visit in PAGES:
        return page(*PAGES[visit])
    # A header is ASCII. ASCII characters stay as they are in the message's URL.
    location = quote(url, safe="".join(map(chr, range(0x21, 0x7F))))
    return Response(302, body="", headers={"Location": location, **HEADERS})


def page(status: int, title: str, text: str) -> Response[str]:
    headers = {**HEADERS, "Content-Security-Policy": "default-src 'none'"}
    if status == 503:
        headers["Retry-After"] = str(TRY_AGAIN_AFTER_S)
    body = "" if api.client_request.method == "HEAD" else PAGE.format(title=title, text=text)
    return Response(status, "text/html; charset=utf-8", body, headers)


handler = api.resolve
