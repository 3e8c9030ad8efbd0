"""The paths whose refusals have a platform's own shape."""

from collections.abc import Callable, Mapping
from typing import Any

from harkara.accept.formats import supabase, webengage
from harkara.base.errors import RequestRefused

REFUSALS: Mapping[str, Callable[[RequestRefused], tuple[int, bytes]]] = {
    "/webengage": webengage.refusal,
    "/hooks/supabase": supabase.refusal,
}
TYPES: Mapping[str, Any] = {
    "/webengage": webengage.WebEngageRejected,
    "/hooks/supabase": supabase.SupabaseRefused,
}
