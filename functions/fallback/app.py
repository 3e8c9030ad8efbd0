"""Answer requests without a route: 404, or 405 with the methods that the path takes.

Most of them are scans for other software, so this function reads no table and no secret.
"""

from harkara.accept.formats.refusals import REFUSALS
from harkara.wiring.api import new_api

api = new_api(REFUSALS)


handler = api.resolve
