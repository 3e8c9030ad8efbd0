"""Every format from the request to its platform, which takes what is right and nothing else."""

import pytest

from harkara.callbacks import FORMATS
from tests.stack.campaigns import Lab, record, wait_until

pytestmark = pytest.mark.stack


def test_a_message_is_called_back_in_the_format_of_each_registered_callback(lab: Lab) -> None:
    paths = {name: f"/{name}/sandbox" for name in FORMATS if name != "clevertap"}
    records = [
        {**record(f"format-{name}"), "dlrurl": f"{lab.stack.platform_url}{path}"}
        for name, path in paths.items()
    ]
    assert lab.send(records).status_code == 200

    def statuses() -> dict[str, list[int | None]]:
        posts = lab.callbacks(every=True)
        return {
            name: [post["status"] for post in posts if post["path"] == path]
            for name, path in paths.items()
        }

    assert wait_until(lambda: all(statuses().values()), 60), statuses()
    # A token is missing, a signature does not verify, a shape is another: each would be a 4xx.
    assert statuses() == {name: [200] for name in paths}
