"""All services in one process: their clock, the topics between them, and the outside world.

Each reader has one queue for every topic and key. So what one service said about one order is
heard in its order, and anything else may overtake anything, by any distance.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from cells import Cells
from invariants import Invariants
from msgspec.structs import replace
from node import Cycle, Node, answer_of
from outside import Manner, Outside
from parking import Work
from plan import MORTAL, Setup
from replicas import Place, Record, Replica
from services import ORDER, build
from topics import Log
from ways import Fate, Source, Violation

from oms_chassis.decision import Decision, Input, Ref, mint_id
from oms_chassis.fold import Emitted
from oms_contracts import wire
from oms_contracts.event import Event
from oms_contracts.stock import StockLevelChanged
from oms_order.domain import CancellationWish

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CHANNEL = "web"
CHANNEL_TOPIC = "oms.channel.web.v1"
BATCH_MAX = 50
COMMANDS_KEPT = 12
"""So many of the last commands may be given once more."""

Command = tuple[str, str, str, Any, str]
"""Service, kind and key of the root, what is wanted, and who wants it."""
Plant = Callable[["World"], None]
"""Puts a fault into a world before anything happens."""


@dataclass(slots=True)
class Happening:
    """A line of the story: something about the world itself, or a cycle and what went into it."""

    at: datetime
    text: str = ""
    works: Sequence[Work] = ()
    cycle: Cycle | None = None


class World:
    """Everything there is. Nothing in here decides what happens next."""

    def __init__(self, setup: Setup, plant: Plant | None = None) -> None:
        self.setup = setup
        self.now = MORNING
        self.nodes = build(setup)
        self.outside = Outside()
        self.orders: list[str] = []
        """Ids of all orders that a channel ever spoke of."""
        self.story: list[Happening] = []
        self.said: Counter[type] = Counter()
        self.decided: Counter[tuple[str, type, str]] = Counter()
        """Service, input and verdict."""
        self.happened: Counter[str] = Counter()
        """Troubles of every kind."""
        self.cells = Cells()
        self.log = Log()
        self.answers: list[tuple[str, Event]] = []
        """What the channel was told: order id and fact."""
        self.wishes: Counter[str] = Counter()
        """How often the channel wished an order cancelled."""
        self.levels: dict[str, StockLevelChanged] = {}
        """What was published last about the stock of each SKU."""
        self.commands: deque[Command] = deque(maxlen=COMMANDS_KEPT)
        self.doom = Fate.LIVES
        """What becomes of the process that carries out the next command."""
        self.invariants = Invariants(self.nodes, self.outside)
        self._mortal = any(step.kind in MORTAL for step in setup.plan)
        self._readers: dict[type[Event], list[Node]] = {}
        for node in self.nodes.values():
            for heard in node.hears:
                self._readers.setdefault(heard, []).append(node)
        self._serial = 0
        if plant is not None:
            plant(self)

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
        """Somebody asks any replica of a service for something; what it decided, if they hear."""
        node, fate = self.nodes[name], self.doom
        self.commands.append((name, kind, key, body, actor))
        replicas = node.crew.replicas
        replica = replicas[self.serial() % len(replicas)]
        item = Input(self._mint(), key, body, self.now, actor=actor)
        cycle = self._cycle(node, [Work(Source.COMMAND, item, (kind, key))], replica, fate)
        if fate is Fate.LIVES:
            return answer_of(cycle)
        self.doom = Fate.LIVES
        self.die(node, replica)
        return None

    def deliver(
        self, node: Node, places: Sequence[Place], most: int = 1, fate: Fate = Fate.LIVES,
        along: Sequence[Work] = (),
    ) -> None:  # fmt: skip
        """The owner of these places hears their oldest records, with other work `along`."""
        owner = node.crew.owner(places[0][1])
        owner.save_positions()
        self._cycle(node, [*along, *node.take(places, most)], owner, fate)
        if fate is not Fate.LIVES:
            self.die(node, owner)

    def repeat(self, node: Node, records: Sequence[Record]) -> None:
        """A service hears again what it has heard before."""
        works = [node.work(record) for record in records if record.item.id in node.inbox]
        self._cycle(node, works, node.crew.replicas[0])

    def say_anew(self, node: Node, item: Input) -> None:
        """What a service said before is said once more, as by one that was restored."""
        anew = replace(item, id=self._mint())
        node.published.add(anew.id)
        self._cycle(node, [Work(Source.RECORD, anew, node.core.home(anew))], node.crew.replicas[0])

    def redrive(self, node: Node, ref: Ref) -> None:
        """A person has what is parked for a key run again, behind it what waits."""
        owner = node.crew.owner(ref[1])
        own = [place for place in node.waiting if place[1] == ref[1]]
        self._cycle(node, [*node.parking.again(ref), *node.take(own)], owner)

    def perform(self, node: Node, call: Any, manner: Manner, fate: Fate = Fate.LIVES) -> None:
        """A call to the outside is made, and its outcome heard, unless its caller dies first."""
        called = node.calls[call]
        owner = node.crew.owner(called.ref[1])
        outcome = self.outside.perform(called, manner, self.now)
        self.invariants.outside_agrees(called)
        item = Input(called.id, called.ref[1], outcome, self.now)
        self._cycle(node, [Work(Source.OUTCOME, item, called.ref)], owner, fate)
        if fate is not Fate.LIVES:
            self.die(node, owner)

    def arrive(self, n: int) -> None:
        """A call that was given up reaches the other side after all."""
        called = self.outside.under_way[n]
        effect = called.effect
        self.note(f"{effect.gateway} gets, late: {effect.method} {dict(effect.body)}")
        self.outside.arrive(n, self.now)
        self.invariants.outside_agrees(called)

    def wake(self, node: Node) -> None:
        """Every replica of a service looks at all that is due."""
        if not (wakes := node.wakes(self.now)):
            return
        for replica in node.crew.replicas:
            own = [work for work in wakes if node.crew.owner(work.ref[1]) is replica]
            self._cycle(node, own, replica)

    def pass_time(self, seconds: float) -> None:
        """The clock goes on."""
        self.now += timedelta(seconds=seconds)

    def relay(self, node: Node, place: Place, most: int | None = None) -> None:
        """What a service committed comes to lie in its topic, oldest first."""
        owner = node.crew.owner(place[1])
        sent = owner.sent.get(place, 0)
        facts = list(islice(node.outbox[place], sent, None if most is None else sent + most))
        owner.sent[place] = sent + len(facts)
        for fact in facts:
            self._spread(fact)

    def die(self, node: Node, replica: Replica) -> None:
        """A process is gone, and with it all that it knew by heart."""
        self.note(f"{node.name}: replica {node.crew.replicas.index(replica)} died")
        self.happened["replicas died"] += 1
        node.hear_again(node.crew.die(replica, Random(self.serial())))

    def next_due(self) -> datetime | None:
        """The earliest moment that anybody waits for."""
        dues = (at - node.skew for node in self.nodes.values() for _, at in node.deadlines())
        return min(dues, default=None)

    def seen(self) -> Counter[str]:
        """All that was said, decided about and suffered, by name."""
        total = Counter({f"said {kind.__name__}": times for kind, times in self.said.items()})
        for (name, kind, verdict), times in self.decided.items():
            total[f"{name} {kind.__name__} {verdict}"] += times
        return total + self.happened

    def note(self, text: str) -> None:
        """A line of the story."""
        self.story.append(Happening(self.now, text))

    # How it happens

    def _mint(self) -> Any:
        return mint_id(self.now, f"world {self.serial()}")

    def _cycle(
        self, node: Node, works: Sequence[Work], replica: Replica, fate: Fate = Fate.LIVES
    ) -> Cycle | None:
        happening = Happening(self.now, f"{node.name} takes", works)
        self.story.append(happening)
        node.delete_sent(replica)
        commits = fate is not Fate.DIES_BEFORE_COMMIT
        cycle = node.cycle(works, self.now, replica, commits=commits)
        if cycle is None:
            self.story.pop()
            return None
        if not commits:
            happening.text = f"{node.name} rolls back what it made of"
            self.happened["rolled back"] += 1
            return None
        happening.cycle = cycle
        for item, decision in cycle.out.decisions:
            self.decided[node.name, type(item.body), decision.verdict] += 1
        self.cells.after(cycle)
        for failed in cycle.out.failed:
            self.happened["parked" if failed.error is not None else "parked behind"] += 1
        for fact in cycle.out.facts:
            self._send(node, fact, replica if fate is Fate.LIVES else None)
        self.invariants.after(cycle)
        return cycle

    def _send(self, node: Node, fact: Emitted, replica: Replica | None) -> None:
        """Whoever wrote a fact publishes it from memory, if it owns the key and lags not behind."""
        self.said[type(fact.body)] += 1
        if self.setup.stored and wire.decode(type(fact.body), wire.encode(fact.body)) != fact.body:
            raise Violation(f"{fact.body} changes on the wire")
        if not self._mortal and not self.setup.relay_lags and len(node.crew.replicas) == 1:
            self._spread(fact)
            return
        place = (fact.topic, fact.key)
        rows = node.outbox.setdefault(place, deque())
        rows.append(fact)
        own = replica is not None and node.crew.owner(fact.key) is replica
        if own and not self.setup.relay_lags and node.crew.sent(place) == len(rows) - 1:
            self.relay(node, place)

    def _spread(self, fact: Emitted) -> None:
        new = self.log.append(fact)
        self.happened["published again"] += not new
        if ".answers." in fact.topic:
            if new:
                self.answers.append((fact.cause.key, fact.body))
            return
        if isinstance(fact.body, StockLevelChanged):
            self.levels[fact.key] = fact.body
        readers = self._readers.get(type(fact.body))
        if readers:
            item = Input(fact.id, fact.key, fact.body, fact.at, 0, fact.topic)
            for reader in readers:
                self._publish(reader, (fact.topic, fact.key), item, new)

    def _publish(self, reader: Node, place: Place, item: Input, new: bool = True) -> None:
        """Facts of different services must not share an id, or an inbox swallows one of them."""
        serial = 0
        if new:
            if item.id in reader.published:
                raise Violation(f"{reader.name} takes {item.body} for what it knows as {item.id}")
            reader.published.add(item.id)
            serial = len(reader.published)
        reader.waiting.setdefault(place, deque()).append(Record(item, self.now, serial))
