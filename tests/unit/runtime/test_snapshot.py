"""Services are built once: before a snapshot, or on first use."""

import gc

import pytest

from harkara.runtime.snapshot import built_early


@pytest.mark.parametrize(("kind", "before"), [("snap-start", 1), ("on-demand", 0), (None, 0)])
def test_services_are_built_before_a_snapshot_or_on_first_use(
    kind: str | None, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    if kind:
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    built: list[object] = []

    def build() -> object:
        built.append(object())
        return built[-1]

    services = built_early(build)
    assert (len(built), bool(gc.get_freeze_count())) == (before, bool(before))
    gc.unfreeze()
    assert services() is services()
    assert len(built) == 1
