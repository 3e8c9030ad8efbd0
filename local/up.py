"""`make up`: start the stack, send a sample campaign, and keep the stack up until Ctrl-C."""

import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from rich.console import Console

from harkara.callbacks.formats import FORMATS
from local import running
from local.carrier import CarrierSettings
from local.console_link import console_link
from local.kannel import Kannel
from local.settings import HOME, LocalStackError, Ports
from local.stack import Stack, StackSettings
from local.watch import Campaign, table_of

SAVE_EVERY_S = 30
MISSES_TOLD = 6
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
console = Console(highlight=False)
# These settings leave no race that a slow machine could lose: submits have the 15 s that a real
# carrier gets, those to 9007 end sooner because the carrier hangs up, and 9010's second receipt
# comes while the stack still waits for 9004's.
SETTINGS = StackSettings(
    carrier=CarrierSettings(second_receipt_s=20, unanswered_s=3), carrier_fields={}
)


class Stopped(KeyboardInterrupt):
    """Raised on Ctrl-C, `make down` or the end of the terminal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> int:
    """Run the stack; return the exit status."""
    for number in ENDINGS:
        # Under nohup, or in a script, one of them is ignored and must stay so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    is_up = threading.Event()
    try:
        sample = _choice("SAMPLE", "1", "0") == "1"
        carrier = _choice("CARRIER", "sim", "kannel")
        ports = Ports.from_environment()
        running.require_none()
        if carrier == "sim":
            _up(_stack(SETTINGS, ports), is_up, sample)
        else:
            _say("starting Kannel: bearerbox, smsbox and fakesmsc")
            # On the emulator each concurrent receipt takes a process of its own.
            with Kannel(HOME / "kannel", receipts_at_a_time=4) as kannel:
                fields = {"kind": "kannel", "url": kannel.url, "kannel": {}}
                settings = replace(SETTINGS, carrier_fields=fields)
                _up(_stack(settings, ports), is_up, sample, kannel)
    except (LocalStackError, OSError) as error:
        # An OSError means a folder that cannot be written, or a full disk.
        console.print(f"make up: {error}", style="red", markup=False)
        return 1
    except Stopped as stopped:
        # For a stack that was up this is a success, unless it lost its terminal.
        if is_up.is_set() and stopped.number != signal.SIGHUP:
            return 0
        return 128 + stopped.number
    return 0


def _choice(name: str, *choices: str) -> str:
    """Return the environment's choice; the first choice if it makes none."""
    value = os.environ.get(name) or choices[0]
    if value not in choices:
        raise LocalStackError(f"{name} is {value!r}: give {' or '.join(choices)}")
    return value


def _stack(settings: StackSettings, ports: Ports) -> Stack:
    return Stack(settings, folder=HOME, ports=ports, say=_say)


def _up(stack: Stack, is_up: threading.Event, sample: bool, kannel: Kannel | None = None) -> None:
    HOME.mkdir(exist_ok=True)
    running.note(stack)
    try:
        _start(stack)
        running.note(stack)
        with _stopping(stack):
            mid = ""
            if sample:
                _say("sending the sample campaign of 1,000 messages")
                if kannel is None:
                    _say("9004's final state takes a minute")
                try:
                    campaign = Campaign(stack, kannel)
                    rows, mid = campaign.run(console), campaign.mid_to_show()
                except LocalStackError:
                    if stack.is_running():
                        raise
                    raise LocalStackError(_what_ended(stack)) from None
                console.print(table_of(rows))
            is_up.set()
            _show_endpoint(stack, kannel, console_link(stack, mid))
            while stack.is_running():
                time.sleep(0.5)
            raise LocalStackError(_what_ended(stack))
    finally:
        running.forget()


def _start(stack: Stack) -> None:
    try:
        stack.start()
    except Stopped:
        _say("interrupted while it started; the state is as it was before")
        raise


@contextmanager
def _stopping(stack: Stack) -> Iterator[None]:
    """Save the stack's state every half minute, and stop the stack in the end."""
    ended = threading.Event()
    saver = threading.Thread(target=_save, args=(stack, ended), daemon=True)
    saver.start()
    try:
        yield
    finally:
        _ignore_endings()
        ended.set()
        saver.join()
        try:
            # If the emulator was killed, state is lost, so do not say that it is kept.
            if stack.emulator.is_running():
                _say("stopping; the state is kept in .local/state")
        finally:
            stack.stop()


def _save(stack: Stack, ended: threading.Event) -> None:
    before, misses = None, 0
    while True:
        stack.emulator.save()
        if ended.wait(SAVE_EVERY_S):
            return
        saved_at = stack.emulator.saved_at
        before, misses = saved_at, misses + 1 if saved_at == before else 0
        # A slow machine saves late; a full disk never.
        if misses == MISSES_TOLD:
            _say("the state has not been saved for minutes: see .local/logs/emulator.log")


def _what_ended(stack: Stack) -> str:
    if stack.emulator.is_running():
        return "gateway and simulators ended by themselves: see .local/logs/servers.log"
    lost = stack.what_is_lost()
    return f"the emulator ended by itself, {lost}: see .local/logs/emulator.log"


def _show_endpoint(stack: Stack, kannel: Kannel | None, link: str) -> None:
    took = f".local/kannel/{kannel.log.name}" if kannel else f"{stack.carrier_url}/submissions"
    formats = textwrap.fill(", ".join(FORMATS), 80 - 13).replace("\n", "\n" + 13 * " ")
    console.print(
        f"""
[bold]Harkara is up[/bold] at [bold]{stack.endpoint}[/bold]
  accounts   demo / demo-secret        DLT is enforced
             sandbox / sandbox-secret  any header, text and country
  carrier    {took}
  platform   {stack.platform_url}/callbacks
             calls back in another format with
             "dlrurl": "{stack.platform_url}/<format>/sandbox"
             {formats}
  logs       .local/logs/{stack.log.name}

Open the console (the link signs in to demo once, within an hour):
  {link}
Send one:
  curl -s {stack.endpoint}/datasend -H 'content-type: application/json' \\
    -d '{{"user": "sandbox", "pass": "sandbox-secret", "smstosend": [
      {{"to": "919876543210", "from": "HARKAR", "smstext": "Hello",
       "smsgid": "first"}}]}}'
See what came of it:
  curl -s '{stack.platform_url}/callbacks?ref=first'

Ctrl-C stops it.""",
        soft_wrap=True,
    )


def _say(message: str) -> None:
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {message}")


def _stop(number: int, _frame: FrameType | None) -> None:
    _ignore_endings()
    if number == signal.SIGHUP:
        # The terminal is gone: later output must not fail.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
    raise Stopped(number)


def _ignore_endings() -> None:
    """Ignore a second Ctrl-C, which would keep the emulator from saving its state."""
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
