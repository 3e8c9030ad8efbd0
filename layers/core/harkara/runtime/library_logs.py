"""Let libraries log only warnings and errors, at every log level of the functions.

Lambda sets the root logger to the function's LogLevel. At DEBUG botocore writes every request and
answer with secrets and phone numbers, aiohttp and httpx write URLs with keys in their queries, and
Powertools writes the text of exceptions that quote a message.
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
    """Log only warnings and errors of libraries. Call it where a library is first imported."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
