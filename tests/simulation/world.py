"""All services in one process: their clock, the topics between them, and the outside world.

Each reader has one queue for every topic and key. So what one service said about one order is
heard in its order, and anything else may overtake anything, by any distance.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from invariants import Invariants
from node import Cycle, Node, Place, Record, Source, Violation, Work, answer_of
from outside import Manner, Outside
from plan import Setup
from services import ORDER, Plant, build

from oms_chassis.decision import Decision, Input, mint_id
from oms_chassis.fold import Emitted
from oms_contracts import wire
from oms_contracts.event import Event
from oms_contracts.stock import StockLevelChanged
from oms_order.domain import CancellationWish

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CHANNEL = "web"
CHANNEL_TOPIC = "oms.channel.web.v1"
BATCH_MAX = 50


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the story: something about the world itself, or a cycle."""

    at: datetime
    text: str = ""
    cycle: Cycle | None = None


class World:
    """Everything there is. Nothing in here decides what happens next."""

    def __init__(self, setup: Setup, plants: Mapping[str, Plant] | None = None) -> None:
        self.setup = setup
        self.now = MORNING
        self.nodes = build(
            setup.policies, plants or {}, stored=setup.stored, waiters_max=setup.waiters_max
        )
        for name, seconds in setup.skews_seconds.items():
            self.nodes[name].skew = timedelta(seconds=seconds)
        self.outside = Outside()
        self.orders: list[str] = []
        """Ids of all orders that a channel ever spoke of."""
        self.story: list[Happening] = []
        self.seen: Counter[str] = Counter()
        """How often what was said, heard or asked, and with which verdict."""
        self.answers: list[tuple[str, Event]] = []
        """What the channel was told: order id and fact."""
        self.wishes: Counter[str] = Counter()
        """How often the channel wished an order cancelled."""
        self.levels: dict[str, StockLevelChanged] = {}
        """What was published last about the stock of each SKU."""
        self.invariants = Invariants(self.nodes)
        self._readers: dict[type[Event], list[Node]] = {}
        for node in self.nodes.values():
            for heard in node.hears:
                self._readers.setdefault(heard, []).append(node)
        self._serial = 0

    def serial(self) -> int:
        """A number that was never given before."""
        self._serial += 1
        return self._serial

    # What may happen

    def say(self, order_id: str, body: Any) -> None:
        """The channel says something about an order."""
        self.wishes[order_id] += isinstance(body, CancellationWish)
        item = Input(self._mint(), order_id, body, self.now, 0, CHANNEL_TOPIC)
        self._publish(self.nodes[ORDER], (CHANNEL_TOPIC, order_id), item)

    def command(
        self, name: str, kind: str, key: str, body: Any, actor: str = "ada"
    ) -> Decision | None:
        """Somebody asks a service for something; what it decided."""
        item = Input(self._mint(), key, body, self.now, actor=actor)
        cycle = self._cycle(self.nodes[name], [Work(Source.COMMAND, item, (kind, key))])
        return answer_of(cycle)

    def deliver(self, node: Node, places: Sequence[Place]) -> None:
        """A service hears the oldest record of each of these places."""
        self._cycle(node, node.take(places))

    def repeat(self, node: Node, records: Sequence[Record]) -> None:
        """A service hears again what it has heard before."""
        self._cycle(node, [node.work(record) for record in records])

    def perform(self, node: Node, call: Any, manner: Manner) -> None:
        """A call to the outside is made, and its outcome heard."""
        called = node.calls[call]
        outcome = self.outside.perform(called, manner, self.now)
        item = Input(called.id, called.ref[1], outcome, self.now)
        self._cycle(node, [Work(Source.OUTCOME, item, called.ref)])

    def arrive(self, n: int) -> None:
        """A call that was given up reaches the other side after all."""
        effect = self.outside.under_way[n].effect
        self._note(f"{effect.gateway} gets, late: {effect.method} {dict(effect.body)}")
        self.outside.arrive(n, self.now)

    def wake(self, node: Node) -> None:
        """A service looks at all that is due."""
        if wakes := node.wakes(self.now):
            self._cycle(node, wakes)

    def pass_time(self, seconds: float) -> None:
        """The clock goes on."""
        self.now += timedelta(seconds=seconds)

    def relay(self, node: Node, place: Place, most: int | None = None) -> None:
        """What a service committed comes to lie in its topic, oldest first."""
        facts = node.outbox[place]
        for _ in range(len(facts) if most is None else min(most, len(facts))):
            self._spread(facts.popleft())
        if not facts:
            del node.outbox[place]

    def next_due(self) -> datetime | None:
        """The earliest moment that anybody waits for."""
        dues = (at - node.skew for node in self.nodes.values() for at in node.due.values())
        return min(dues, default=None)

    # How it happens

    def _mint(self) -> Any:
        return mint_id(self.now, f"world {self.serial()}")

    def _note(self, text: str) -> None:
        self.story.append(Happening(self.now, text))

    def _cycle(self, node: Node, works: Sequence[Work]) -> Cycle | None:
        started = Happening(self.now, f"{node.name} takes {[_name(w.item) for w in works]}")
        self.story.append(started)
        cycle = node.cycle(works, self.now)
        if cycle is None:
            self.story.pop()
            return None
        self.story[-1] = Happening(self.now, cycle=cycle)
        for item, decision in cycle.out.decisions:
            self.seen[f"{node.name} {_name(item)} {decision.verdict}"] += 1
        for fact in cycle.out.facts:
            self._send(node, fact)
        self.invariants.after(cycle)
        return cycle

    def _send(self, node: Node, fact: Emitted) -> None:
        self.seen[f"said {type(fact.body).__name__}"] += 1
        if self.setup.stored and wire.decode(type(fact.body), wire.encode(fact.body)) != fact.body:
            raise Violation(f"{fact.body} changes on the wire")
        if self.setup.relay_lags:
            node.outbox.setdefault((fact.topic, fact.key), deque()).append(fact)
        else:
            self._spread(fact)

    def _spread(self, fact: Emitted) -> None:
        if ".answers." in fact.topic:
            self.answers.append((fact.cause.key, fact.body))
            return
        if isinstance(fact.body, StockLevelChanged):
            self.levels[fact.key] = fact.body
        item = Input(fact.id, fact.key, fact.body, fact.at, 0, fact.topic)
        for reader in self._readers.get(type(fact.body), ()):
            self._publish(reader, (fact.topic, fact.key), item)

    def _publish(self, reader: Node, place: Place, item: Input) -> None:
        """Facts of different services must not share an id, or an inbox swallows one of them."""
        if item.id in reader.published:
            raise Violation(f"{reader.name} takes {item.body} for what it knows as {item.id}")
        reader.published.add(item.id)
        reader.waiting.setdefault(place, deque()).append(Record(item, self.now))


def _name(item: Input) -> str:
    return type(item.body).__name__
