"""Build the resolver of a function of the HTTP API."""

from collections.abc import Mapping
from types import MappingProxyType

from harkara.api.request import TrustedProxy
from harkara.api.resolver import Api, Failed, Shape, failure_answers
from harkara.aws.clients import secret_keys
from harkara.runtime.settings import ProxySettings
from harkara.runtime.snapshot import built_early


def new_api(
    shapes: Mapping[str, Shape] = MappingProxyType({}),
    failed: Failed | None = None,
) -> Api:
    """Return a resolver that answers errors in the common shape, or in the shape of their path.

    `failed` answers all of them in its own way instead.
    """
    return Api(failed or failure_answers(shapes), _proxy)


@built_early
def _proxy() -> TrustedProxy | None:
    """Return the proxy in front, None if there is none."""
    secret_id = ProxySettings.from_environment().proxy_secret_id
    return TrustedProxy(secret_keys(secret_id)) if secret_id else None
