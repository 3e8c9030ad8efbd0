"""Runs an aiohttp application on a free port, with a client for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def running(application: web.Application) -> AsyncIterator[Client]:
    """Serve an application and yield a client of it."""
    async with TestClient(TestServer(application)) as client:
        yield client
