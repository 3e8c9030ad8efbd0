"""Confirm subscriptions to a carrier's receipts, which begin once a URL is fetched."""

from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from harkara.base.errors import StoreUnavailable

_TIMEOUT_S = 4


def confirm(url: str) -> None:
    """Fetch an https URL without following redirects. Raises StoreUnavailable unless it is 200."""
    parts = urlsplit(url)
    connection = HTTPSConnection(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise StoreUnavailable(type(error).__name__) from error
    finally:
        connection.close()
    if status != 200:
        raise StoreUnavailable(f"the subscription was answered with {status}")
