"""`make up`: the whole stack, a sample campaign through it, and then it stays up until Ctrl-C."""

import os
import signal
import sys
import time
from dataclasses import replace
from types import FrameType

from rich.console import Console

from harkara.callbacks import FORMATS
from local import running
from local.carrier import CarrierSettings
from local.kannel import Kannel
from local.settings import HOME, LocalStackError, Ports
from local.stack import Stack, StackSettings
from local.watch import run_campaign, table_of

console = Console(highlight=False)
# Nothing here is a race that a slow machine could lose: the submits have the 15 s that a real
# carrier gets, 9007's end sooner because the carrier hangs up, and 9010's second receipt comes
# while 9004's is still waited for.
SETTINGS = StackSettings(
    carrier=CarrierSettings(second_receipt_s=20, unanswered_s=3), carrier_fields={}
)


def main() -> int:
    """Run the stack; return the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        running.require_none()
        match os.environ.get("CARRIER"):
            case None | "" | "sim":
                _up(_stack(SETTINGS))
            case "kannel":
                _say("starting Kannel: bearerbox, smsbox and fakesmsc")
                # On the emulator each receipt at a time is a process of its own.
                with Kannel(HOME / "kannel", receipts_at_a_time=4) as kannel:
                    fields = {"kind": "kannel", "url": kannel.url, "kannel": {}}
                    _up(_stack(replace(SETTINGS, carrier_fields=fields)), kannel)
            case _:
                raise LocalStackError("CARRIER is sim or kannel")
    except LocalStackError as error:
        console.print(f"make up: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _stack(settings: StackSettings) -> Stack:
    return Stack(settings, folder=HOME, ports=Ports.from_environment(), say=_say)


def _up(stack: Stack, kannel: Kannel | None = None) -> None:
    stack.start()
    try:
        running.note(stack)
        if os.environ.get("SAMPLE") != "0":
            wait = "" if kannel else ", 9004's final state takes a minute"
            _say(f"sending the sample campaign: 1,000 messages{wait}")
            rows = run_campaign(stack, console, kannel)
            console.print(table_of(rows))
        _show_endpoint(stack, kannel)
        while stack.is_running():
            time.sleep(0.5)
        raise LocalStackError(f"a process of the stack ended by itself: see {stack.folder}/logs")
    finally:
        # A second Ctrl-C must not keep the emulator from saving its state.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _say("stopping; the state is kept in .local/state")
        stack.stop()
        running.forget()


def _show_endpoint(stack: Stack, kannel: Kannel | None) -> None:
    took = kannel.log if kannel else f"{stack.carrier_url}/submissions"
    console.print(
        f"""
[bold]Harkara is up[/bold] at [bold]{stack.endpoint}[/bold]
  accounts   demo / demo-secret        DLT is enforced
             sandbox / sandbox-secret  any header, text and country
  carrier    {took}
  platform   {stack.platform_url}/callbacks
             "dlrurl": "{stack.platform_url}/<format>/sandbox" calls back in another format:
             {", ".join(FORMATS)}
  logs       {stack.log}

Send one:
  curl -s {stack.endpoint}/datasend -H 'content-type: application/json' \\
    -d '{{"user": "sandbox", "pass": "sandbox-secret", "smstosend": \\
[{{"to": "919876543210", "from": "HARKAR", "smstext": "Hello", "smsgid": "first"}}]}}'

Ctrl-C stops it.""",
        soft_wrap=True,
    )


def _say(message: str) -> None:
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {message}", soft_wrap=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
