"""A chat model as a plugin is lent it: kept replies are used again, and what is sent is scanned, counted, repeated."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import BaseModel

from docutune.chat.batching import Batched
from docutune.chat.budget import Budget
from docutune.chat.failures import Failed
from docutune.chat.health import Health
from docutune.chat.journal import Kept, Request
from docutune.chat.ledger import Amount, Attempt, sent, settled
from docutune.chat.model import Model, Provider, Received
from docutune.chat.options import ChatConfig, Prices
from docutune.chat.pace import Pace
from docutune.chat.reading import read
from docutune.chat.retries import LONGEST_OBEYED, trying
from docutune.chat.secrets import Guard
from docutune.chat.wording import worded
from docutune.contracts import Reply
from docutune.errors import Cancelled, DocutuneError, Unanswered, Withheld
from docutune.interrupts import ended_by, insisted
from docutune.records import Message, Span

GRACE_SECONDS = 10.0
LONGEST_LEAVE = 30.0
"""Seconds for which a user who stops waits for replies at most; less where a request may take less."""

WORTH_TELLING = 5.0
"""Seconds of a server's pause that the user should know of."""

FEWEST_JUDGED = 100
"""Of shorter prompts, in tokens, nobody can say whether a server cut them."""


@dataclass
class Lent:
    """contracts.Chat for one task, which comes from these places; `replies` are the keys of those that it used.

    `unanswered` counts the questions that had no reply, `withheld` those that were not sent.
    """

    access: ChatAccess
    spans: tuple[Span, ...]
    replies: list[str] = field(default_factory=list)
    unanswered: int = 0
    withheld: int = 0

    async def ask(self, messages: Sequence[Message], schema: type[Reply]) -> Reply:
        """As contracts.Chat says."""
        request = worded(self.access.options, messages, schema, self.access.stays)
        try:
            kept = await self.access.reply(request, schema, self.spans)
        except Withheld:
            self.withheld += 1
            raise
        except Unanswered:
            self.unanswered += 1
            raise
        except DocutuneError as error:
            self.access.stop(error)
            raise
        self.replies.append(request.key)
        return read(kept.text, kept.finish, schema)


class ChatAccess:
    """The chat model of one step, inside one event loop. Nothing of it is made before the first request is sent.

    With a model of this machine (`local`) nothing is scanned for secrets, for nothing is sent anywhere.
    """

    def __init__(
        self, options: ChatConfig, budget: Budget, note: Callable[[str], None], local: Model | None = None
    ) -> None:
        self.options = options
        self._note = note
        self._told = 0.0
        self._budget = budget
        self._guard = Guard(options.api_key_env)
        self._prices = Prices.of(options)
        self._server = options.base_url or options.named
        self._pace = Pace(options.concurrency)
        self._health = Health(self._server)
        self._asking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._changed = asyncio.Event()
        self._spending = Batched(budget.ledger.write)
        self._keeping = Batched(budget.journal.keep)
        self._model = local
        self.stays = local is not None
        self._under_way: set[asyncio.Task[Kept]] = set()
        self._answered = False
        self._loop = asyncio.get_running_loop()
        self._user = asyncio.current_task()
        self._is_ending = False
        self.left = False

    def lend(self, spans: tuple[Span, ...]) -> Lent:
        """The chat for one task."""
        return Lent(self, spans)

    def stop(self, error: DocutuneError) -> None:
        """Send nothing more, whatever a plugin makes of the error; `end` raises it again."""
        self._pace.refuse(error)

    def end(self) -> None:
        """All was asked. What stopped it is raised here, should the plugin that asked not have let it pass."""
        self._pace.check()

    def leave(self) -> str | None:
        """The user wants to stop: send nothing more, and end once the replies to what was sent are there.

        What that waits for, in words; None when there is nothing to wait for. A signal may call it at any moment.
        """
        if self.stays or not self._under_way:
            return None
        self.left = True
        self._pace.refuse(Cancelled())
        self._loop.call_soon_threadsafe(self._break_off)
        count = len(self._under_way)
        replies = "the reply" if count == 1 else f"the {count:,} replies"
        return f"at most {self._patience:g} s for {replies} under way, which may be paid for; a second Ctrl-C ends now"

    async def finish(self) -> None:
        """Wait a moment for the replies to what was sent; nothing more is sent meanwhile."""
        self._is_ending = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._patience if self.left else GRACE_SECONDS)

    @property
    def _patience(self) -> float:
        return min(self.options.timeout, LONGEST_LEAVE)

    def _break_off(self) -> None:
        """Cancel whoever asks, but for what is under way, which nobody needs to await."""
        if self._user is not None and not self._is_ending:
            self._user.cancel()

    async def close(self) -> None:
        """Close what was opened in this loop."""
        self._is_ending = True
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._model is not None:
            await self._model.close()
        try:
            await self._keeping.close()
        finally:
            await self._spending.close()

    async def reply(self, request: Request, schema: type[BaseModel], spans: tuple[Span, ...]) -> Kept:
        """The kept reply to a request, or the one that the server sends now, which is kept first.

        Unanswered: it cannot be had now; Withheld: it must not be asked for. Any other DocutuneError stops the run.
        """
        async with self._asking[request.key]:  # two tasks may ask the same
            kept = self._budget.journal.recall(request.key)
            self._budget.use(request.key, kept)
            if kept is not None:
                self._budget.reused()
                return kept
            if not self.stays:
                self._scan(request, spans)
            try:
                retries = 0 if self.stays else self.options.retries
                return await trying(lambda: self._attempt(request, schema), retries)
            except Failed as failure:
                raise self._meaning(failure) from None

    def _meaning(self, failure: Failed) -> DocutuneError:
        """Whether to go on without this reply: not if every further request would fail as this one did."""
        if failure.fatal is None and not failure.received and not self._answered:
            return DocutuneError(f"{self._server}: {failure.reason}", "see that it is up, and `base_url`")
        reason = failure.reason if failure.answered else f"no reply: {failure.reason}"
        return failure.fatal or Unanswered(reason)

    def _scan(self, request: Request, spans: tuple[Span, ...]) -> None:
        kind = self._guard.find(message.content for message in request.messages)
        if kind is not None:
            places = ", ".join(dict.fromkeys(map(str, spans))) or "no source"
            raise Withheld(f"a secret must not be sent: {kind} in {places}")

    async def _attempt(self, request: Request, schema: type[BaseModel]) -> Kept:
        """One request. Whoever stops waiting for it does not stop it: the reply may be paid for, and is kept."""
        async with self._pace.slot() as began:
            await self._pace.opened()
            model = self._opened()
            attempt = await self._reserve(request)
            task = asyncio.create_task(self._carry_out(attempt, model, request, schema, began))
            self._under_way.add(task)
            task.add_done_callback(self._landed)
            return await asyncio.shield(task)

    async def _carry_out(
        self, attempt: Attempt, model: Model, request: Request, schema: type[BaseModel], began: int
    ) -> Kept:
        amount = attempt.amount  # what counts unless it turns out to be less
        try:
            await self._spending.add(sent(attempt, _now()))
            await self._open_still()
            received = await model.send(request, schema)
            kept, amount = self._priced(received, attempt.amount)
            self._take_note(request, received)
            await self._keeping.add((request.key, kept))
            self._answered = True
        except Failed as failure:
            self._learn(failure, began)
            amount = _spent(failure, amount)
            await self._spending.add(settled(attempt.id, amount))
            raise
        finally:
            self._budget.settle(attempt, amount)
            self._changed.set()
        self._spending.add_soon(settled(attempt.id, amount))  # until it is there the request counts with the most
        return kept

    async def _open_still(self) -> None:
        """Another request may have failed meanwhile: the server then wants a pause, or the run ends."""
        try:
            await self._pace.opened()
        except DocutuneError as error:
            raise Failed(error.message, again=False, received=False, fatal=error) from None

    def _take_note(self, request: Request, received: Received) -> None:
        """A reply came. Failed when the server read less than half of what the prompt has at least: it cut the rest."""
        self._pace.speed_up()
        self._health.answered()
        read, fewest = received.input_tokens, request.fewest_input_tokens
        if not read or fewest < FEWEST_JUDGED:
            return
        if 2 * read >= fewest:
            self._health.read_whole()
            return
        reason = f"the prompt was cut by the server: it read {read:,} tokens of at least {fewest:,}"
        raise Failed(reason, again=False, billed=True, fatal=self._health.cut(read, fewest), answered=True)

    def _learn(self, failure: Failed, began: int) -> None:
        """What a failure means for the requests after it: fewer at a time, none for a while, or none at all."""
        if (failure.wait or 0.0) > LONGEST_OBEYED:
            failure.fatal = DocutuneError(
                f"{self._server} wants no request for {failure.wait:,.0f} s ({failure.reason})",
                "every reply is kept; give the same command again then",
            )
        self._tell(failure)
        self._pace.pause(failure.wait or 0.0)
        is_news = failure.crowded and self._pace.slow_down(began)
        if failure.fatal is None and not failure.answered and (is_news or not failure.limited):
            failure.fatal = self._health.failed(failure.reason)
        if failure.fatal is not None:
            self._pace.refuse(failure.fatal)

    def _tell(self, failure: Failed) -> None:
        """Say why nothing goes on: at the first failure while nothing was answered, and at ever longer pauses."""
        wait = failure.wait or 0.0
        if failure.fatal is not None or not failure.again or wait < self._told:
            return
        if wait >= WORTH_TELLING:
            self._told = 2 * wait
            self._note(f"{self._server} wants no request for {wait:,.0f} s ({failure.reason})")
        elif not self._answered and self._told == 0:
            self._told = WORTH_TELLING
            self._note(f"{self._server}: {failure.reason}; it is asked again")

    def _landed(self, task: asyncio.Task[Kept]) -> None:
        """Forget a request that ended, and look at its error: when nobody waits for it any more, asyncio complains."""
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()

    def _opened(self) -> Model:
        if self._model is None:
            self._model = Provider(self.options, self._guard.redact)
        return self._model

    async def _reserve(self, request: Request) -> Attempt:
        """Set the most aside that the request can cost, as soon as that much is left of the budget."""
        most = self._amount(request.most_input_tokens, self.options.max_tokens)
        while not self._budget.fits(most):
            if not self._budget.waiting:
                raise self._budget.refusal(most)
            self._changed.clear()
            await self._changed.wait()
        return self._budget.reserve(request.key, most, self._prices is not None)

    def _priced(self, received: Received, most: Amount) -> tuple[Kept, Amount]:
        """The reply as it is kept, and what it cost: the most that it could, where the server does not say."""
        read_, replied = received.input_tokens, received.output_tokens
        amount = most if read_ is None or replied is None else self._amount(read_, replied)
        cost = None if self._prices is None else amount.cost
        text = self._guard.redact(received.text.encode(errors="replace").decode())
        return Kept(text, received.finish, read_, replied, cost, _now()), amount

    def _amount(self, input_tokens: int, output_tokens: int) -> Amount:
        cost = 0.0 if self._prices is None else self._prices.cost(input_tokens, output_tokens)
        return Amount(1, input_tokens, output_tokens, cost)


@asynccontextmanager
async def access(
    options: ChatConfig, budget: Budget, note: Callable[[str], None], local: Model | None = None
) -> AsyncIterator[ChatAccess]:
    """The chat model of these options, or `local` in its place, in the running event loop; closed at the block's end.

    `note` tells the user in one line why nothing goes on.

    When something fails, or the user stops, replies to what was sent before are awaited and kept. That takes some
    seconds at most, and a user who stops a second time is not kept waiting.
    """
    opened = ChatAccess(options, budget, note, local)
    with ended_by(opened.leave):
        try:
            yield opened
            opened.end()
        except asyncio.CancelledError:
            if not opened.left or insisted():
                raise
            await opened.finish()
            raise Cancelled from None
        except Cancelled:
            if opened.left and not insisted():
                await opened.finish()
            raise
        except DocutuneError:
            await opened.finish()
            raise
        finally:
            await opened.close()
    if opened.left:  # in the very moment in which all was done
        raise Cancelled


def _spent(failure: Failed, amount: Amount) -> Amount:
    """What a failed request counts for: the whole amount, where the server may ask money for it."""
    if failure.billed:
        return amount
    return Amount(requests=1) if failure.received else Amount()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
