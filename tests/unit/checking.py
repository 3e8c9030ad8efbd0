"""An account with DLT templates, and the outcome of checking one of its records."""

from harkara.accept.requests import Record
from harkara.accept.validation import RecordChecker
from harkara.base.codes import Code
from harkara.model.accounts import Account, Enforcement, Sender, Template
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category, Lane, Message, lane_of
from tests.support.fakes import caller_of

NOW_MS = 1_767_258_000_000  # 14:30 IST
OTP = "1107000000000000001"
ORDER = "1107000000000000002"
TEXTS = {
    OTP: ("ACMOTP", Category.OTP, "{#numeric#} is your OTP. Acme"),
    ORDER: ("ACMEBK", Category.SERVICE_IMPLICIT, "Dear {#var#}, your order is here. Acme"),
}
ACCOUNT = Account(
    id="acme",
    name="Acme",
    carrier="sim",
    countries=("IN", "SG"),
    senders={
        header: Sender(header=header, categories=(Category.SERVICE_IMPLICIT,), pe_id="1101")
        for header in ("ACMEBK", "ACMOTP")
    },
    templates={
        key: Template(
            dlt_template_id=key, name=key, headers=(header,), category=category, text=text
        )
        for key, (header, category, text) in TEXTS.items()
    },
)
WARNING = ACCOUNT.model_copy(update={"dlt": Enforcement.WARN})
OFF = ACCOUNT.model_copy(update={"dlt": Enforcement.OFF})
BARE = ACCOUNT.model_copy(update={"templates": {}})
RECORD = Record(to="9876543210", sender_id="ACMEBK", text="Dear Asha, your order is here. Acme")


class Outcome:
    """The result of checking one record."""

    def __init__(self, account: Account, record: Record) -> None:
        checker = RecordChecker(caller_of(account), "", NOW_MS, UrlRules())
        accepted, refused = checker.check([record])
        self.code = Code(refused[0][1].refusal) if refused else None
        self.detail = checker.details.get(0)
        self.warning = checker.warnings.get(0)
        self.lane: Lane | None = None
        self.message = Message("", "", "", "", None)
        for key, _, (self.message,) in accepted:
            self.lane = lane_of(key.category)
