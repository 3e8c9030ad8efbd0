"""A carrier of AWS End User Messaging, and its service model."""

from botocore.loaders import Loader
from botocore.model import ServiceModel

from harkara.carriers.settings import AwsOptions, CarrierSettings

TOPIC = "arn:aws:sns:ap-south-1:123456789012:texts"
OPTIONS = AwsOptions(region="ap-south-1", configuration_set="harkara", topic_arn=TOPIC)
SETTINGS = CarrierSettings(
    name="aws", kind="aws", receipt_token_hashes=("0" * 64,), aws=OPTIONS, connections=2
)
MODEL = ServiceModel(Loader().load_service_model("pinpoint-sms-voice-v2", "service-2"))
