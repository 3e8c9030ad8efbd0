"""Data that the sample events need in addition to the accounts, most of it of the account sandbox.

Resources and a message batch that the events of `manage` read, change, remove and cancel; a dead
letter; suppressed numbers and consents; a carrier whose receipts come from AWS; and links that the
events of `link` follow.
"""

from dataclasses import replace

from harkara.base.ids import set_id_of
from harkara.callbacks.dead_letters import dead_letter_entry
from harkara.carriers.settings import AwsOptions, CarrierSettings, hash_token
from harkara.links.codec import LinkSet, pack_links
from harkara.model.accounts import Sender, Template
from harkara.model.answers import Keyword, KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.consents import Consent, ConsentSource
from harkara.model.events import Dlr
from harkara.model.fields import Part
from harkara.model.ledger import Lease, LedgerEntry, links_key
from harkara.model.messages import Category, Endpoint, Message, MessageBatch, State
from harkara.model.suppressions import Suppression, opt_out
from harkara.model.tasks import Attempt, CallbackTask
from local.settings import HOST, RECEIPT_TOKEN

ACCOUNT_ID = "sandbox"
_PE_ID = "1101172974420810001"

PARTS: tuple[Part, ...] = (
    *(
        Sender(header=header, categories=(Category.SERVICE_IMPLICIT,), pe_id=_PE_ID)
        for header in ("SAMPLE", "UNUSED")
    ),
    *(
        Template(
            dlt_template_id=template_id,
            name="Sample",
            headers=("SAMPLE",),
            category=Category.SERVICE_IMPLICIT,
            text="Sample order {#var#} is on its way. HARKARA",
            pe_id=_PE_ID,
        )
        for template_id in ("1107160000000000007", "1107160000000000009")
    ),
    *(
        CallbackEndpoint(id=name, name="Sample", url=f"https://{HOST}/clevertap/samples")
        for name in ("sample", "signed", "unused")
    ),
    *(
        KeywordAnswer(
            keyword=keyword,
            header="SAMPLE",
            category=Category.SERVICE_IMPLICIT,
            text="HARKARA: write STOP to get no more messages.",
        )
        for keyword in (Keyword.HELP, Keyword.START)
    ),
)
NUMBER = "56161"
SUPPRESSIONS = [opt_out(number, 1_767_258_000) for number in ("919876543214", "919876543224")]
CONSENTS = [
    Consent(
        number=number,
        header="SAMPLE",
        source=ConsentSource.DCA,
        purpose="Offers",
        since_s=1_767_258_000,
    )
    for number in ("919876543234", "919876543244")
]
LISTED: list[Suppression | Consent] = [*SUPPRESSIONS, *CONSENTS]
AWS_CARRIER = CarrierSettings(
    name="aws",
    kind="aws",
    receipt_token_hashes=(hash_token(RECEIPT_TOKEN),),
    inbound={NUMBER: ACCOUNT_ID},
    aws=AwsOptions(
        region="ap-south-1",
        configuration_set="harkara",
        topic_arn="arn:aws:sns:ap-south-1:123456789012:harkara-texts",
        inbound_topic_arn="arn:aws:sns:ap-south-1:123456789012:harkara-inbound",
    ),
)
# Scheduled for the year 2100, so that nothing submits them, and without callbacks. The first
# message's link is clicked on; the others are read, cancelled, and part of the dead letter.
BATCH = MessageBatch(
    id="101KDWCJ2M0EDGPTW3CCNQPWSBK",
    account_id=ACCOUNT_ID,
    carrier="sim",
    category=Category.SERVICE_IMPLICIT,
    accepted_at_ms=1_767_258_000_000,
    send_at_ms=4_102_444_800_000,
    block_size=100,
    endpoints=(),
    messages=[
        Message(
            to="919876543211",
            sender_id="SAMPLE",
            text="Sample order 7 is on its way. HARKARA",
            client_ref=f"sample-{number}",
            endpoint=None,
            segment_count=1,
            pe_id=_PE_ID,
            dlt_template_id="1107160000000000007",
        )
        for number in range(4)
    ],
)
# Whether its OTP was verified is told by an event.
OTP_BATCH = replace(
    BATCH, id=BATCH.id[:-1] + "M", category=Category.OTP, messages=BATCH.messages[:1]
)
DEAD_LETTER = dead_letter_entry(
    Lease("sample", "sample", 0),
    CallbackTask(
        group_task_id="sample",
        group=0,
        attempt=9,
        account_id=ACCOUNT_ID,
        endpoint=Endpoint(f"https://{HOST}/clevertap/samples", "clevertap", "signed"),
        members=(Dlr(BATCH.mid(2), "sample-2", State.DELIVERED, 1_767_258_000),),
        failures=9,
    ),
    Attempt(1_767_355_200_000, 503, "HTTP 503", "Come back later", 12),
)
# Links of that message batch, and of another whose links have ended.
_ENDED_BATCH_ID = BATCH.id[:-1] + "W"
LINKS = [
    LedgerEntry(*links_key(set_id_of(batch_id)), batch_id, "", 0, {"links": pack_links(links)})
    for batch_id, expires_at_s in ((BATCH.id, 4_102_444_800), (_ENDED_BATCH_ID, 1_767_258_000))
    for links in [
        LinkSet(
            ACCOUNT_ID,
            batch_id,
            "https://hk.example",
            expires_at_s,
            ["https://acme.example/7"],
            [[0]],
        )
    ]
]
