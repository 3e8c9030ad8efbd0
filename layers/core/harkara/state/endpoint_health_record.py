"""The state of a callback endpoint, or of all those of an account, and how a post changes it."""

from typing import Any, NamedTuple

from harkara.model.callbacks import PostResult

TRUSTED_S = 600
REFRESHED_EVERY_S = 300
# An answer within this counts as quick.
QUICK_MS = 1000
# After a slow post no endpoint of the account is quick for this long: doubled each time, up to the
# limit, and reset when all went well for as long as the limit.
SLOW_S = 60
SLOW_LIMIT_S = 3600
FAILURES_NEEDED = 3
OPEN_S = 5
OPEN_LIMIT_S = 300
# Used where a 429 names no time.
THROTTLED_S = 10


class HealthRecord(NamedTuple):
    """The state of an endpoint, or of all those of an account. Times are Unix milliseconds.

    `failures` came in a row, the last at `failed_ms`; `throttled` says that the endpoint asked to
    be left alone, and `gone` that it answered 410. A lease names a post, and its latest end.

    `quick_ms` is when a quick acknowledgement was last recorded, 0 once any post took longer. For
    an account: no endpoint is quick until `slow_until_ms`, for the time number `slows` in a row,
    and a lease is an occupied execution.
    """

    acked_ms: int = 0
    failures: int = 0
    failed_ms: int = 0
    open_until_ms: int = 0
    throttled: bool = False
    gone: bool = False
    quick_ms: int = 0
    slow_until_ms: int = 0
    slows: int = 0
    leases: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, *fields: Any) -> "HealthRecord":
        """Return the state with these stored fields, or that of an endpoint without any."""
        record = cls(*fields)
        return record._replace(leases=tuple((name, until_ms) for name, until_ms in record.leases))

    def open_for_s(self, now_ms: int) -> float:
        """Return how long the circuit stays open; 0 when it is closed."""
        return max(0, self.open_until_ms - now_ms) / 1000

    def is_trusted(self, now_ms: int) -> bool:
        """Whether the endpoint acknowledged lately, and its circuit did not open since."""
        return now_ms < self.acked_ms + TRUSTED_S * 1000

    def is_quick(self, now_ms: int) -> bool:
        """Whether the endpoint is trusted, and acknowledges quickly."""
        return self.is_trusted(now_ms) and bool(self.quick_ms)

    def after_slow_post(self, now_ms: int) -> "HealthRecord":
        """Return the state of an account after a slow post to one of its quick endpoints."""
        if now_ms < self.slow_until_ms:  # the post was under way when that was recorded
            return self
        in_a_row = now_ms < self.slow_until_ms + SLOW_LIMIT_S * 1000
        slows = self.slows + 1 if in_a_row else 1
        slow_s = min(SLOW_S * 2 ** (slows - 1), SLOW_LIMIT_S)
        return self._replace(slow_until_ms=now_ms + slow_s * 1000, slows=slows)

    def with_lease(self, lease: str, until_ms: int, now_ms: int) -> "HealthRecord":
        """Return the state with one more post under way, and without expired leases."""
        alive = tuple(each for each in self.leases if each[1] > now_ms and each[0] != lease)
        return self._replace(leases=(*alive, (lease, until_ms)))

    def without_lease(self, lease: str) -> "HealthRecord":
        """Return the state with a post over."""
        return self._replace(leases=tuple(each for each in self.leases if each[0] != lease))

    def with_result(self, result: PostResult, now_ms: int, acked_ms: int) -> "HealthRecord":
        """Return the state after a post; `acked_ms` is the last acknowledgement of this process."""
        if is_slow(result):
            return self._replace(quick_ms=0)._with_result(result, now_ms, acked_ms)
        record = self._with_result(result, now_ms, acked_ms)
        if result.acknowledged and (record != self or not self.quick_ms):
            return record._replace(acked_ms=now_ms, quick_ms=now_ms)
        return record

    def _with_result(self, result: PostResult, now_ms: int, acked_ms: int) -> "HealthRecord":
        status = result.status
        if result.acknowledged:
            if not self.failures and now_ms < self.acked_ms + REFRESHED_EVERY_S * 1000:
                return self
            open_until_ms = self.open_until_ms if self.throttled else 0
            return self._replace(
                acked_ms=now_ms, failures=0, open_until_ms=open_until_ms, gone=False
            )
        if status == 429 or (status == 503 and result.retry_after_s):
            until_ms = now_ms + (result.retry_after_s or THROTTLED_S) * 1000
            return self._replace(open_until_ms=max(until_ms, self.open_until_ms), throttled=True)
        if status == 410:
            return self._replace(gone=True)
        if 0 < status < 500:  # the endpoint works, and refuses this callback alone
            return self._replace(failures=0)
        # Posts that were under way when the circuit opened add no information.
        return self if self.open_for_s(now_ms) else self._failed(now_ms, acked_ms)

    def _failed(self, now_ms: int, acked_ms: int) -> "HealthRecord":
        failures = 1 if acked_ms > self.failed_ms else self.failures + 1
        failed = self._replace(failures=failures, failed_ms=now_ms)
        if failures < FAILURES_NEEDED:
            return failed
        open_s = min(OPEN_S * 2 ** (failures - FAILURES_NEEDED), OPEN_LIMIT_S)
        open_until_ms = now_ms + open_s * 1000
        return failed._replace(acked_ms=0, open_until_ms=open_until_ms, throttled=False)


def is_slow(result: PostResult) -> bool:
    """Whether a post took longer than a quick endpoint does."""
    return result.duration_ms > QUICK_MS
