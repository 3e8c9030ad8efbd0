"""What libraries may log: warnings alone, whatever the level of the functions is.

Lambda sets the root logger to the function's LogLevel. At DEBUG botocore writes every request and
answer, secrets and numbers among them, aiohttp and httpx URLs with keys in their queries, and
Powertools the text of exceptions that quote a message.
"""

import logging

LIBRARIES = (
    "aiohttp",
    "anyio",
    "asyncio",
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "httpcore",
    "httpx",
    "s3transfer",
    "urllib3",
)


def quieten() -> None:
    """Keep whatever is no warning out of the log. Call it where a library comes into use."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
