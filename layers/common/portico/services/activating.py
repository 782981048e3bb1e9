"""Puts a version of a tenant's life cycle in force, and the one of before again.

What is in force is one record, so a change of it is whole or not at all. The APIs that must follow
it are an outbox entry of the same commit, carried out by `portico.services.settling`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from portico.domain.errors import Conflict, InvalidInput, LostRace, Problem, Stale
from portico.domain.lifecycle_versions import LifecycleChoice
from portico.domain.operations import OutboxEntry
from portico.domain.records import Change, Create, Replace
from portico.domain.user import Caller
from portico.lifecycle import validation
from portico.lifecycle.model import LifeCycle
from portico.ports import Clock
from portico.services.auditing import audit
from portico.services.executing import STANDARD
from portico.services.lifecycle_texts import sound
from portico.services.lifecycles import Lifecycles
from portico.services.outbox import enqueue

SETTLE = "settle-apis"  # kind of outbox entry: bring the APIs to the life cycle in force
SECOND_LOOK = 60  # seconds; no transition is under way for longer
MAX_FORMER = 50


@dataclass(frozen=True)
class Activating:
    """Changes which of the versions is in force."""

    lifecycles: Lifecycles

    def activate(
        self,
        caller: Caller,
        number: int,
        mapping: Mapping[str, str] | None = None,
        stamp: int | None = None,
    ) -> LifecycleChoice:
        """Put a version in force. `mapping` says where APIs go whose state it lacks.

        Raises NotFound, Stale (`stamp` is no longer the choice's), InvalidInput, or Conflict when
        APIs live in states that it lacks and the mapping does not name.
        """
        return self._put_in_force(caller, number, mapping or {}, stamp, back=False)

    def roll_back(
        self, caller: Caller, mapping: Mapping[str, str] | None = None, stamp: int | None = None
    ) -> LifecycleChoice:
        """Put the version in force that was so before; Conflict when there was none."""
        former = self.lifecycles.choice(caller.tenant).former
        if not former:
            raise Conflict("No other life cycle was in force before this one")
        return self._put_in_force(caller, former[-1], mapping or {}, stamp, back=True)

    def _put_in_force(
        self,
        caller: Caller,
        number: int,
        mapping: Mapping[str, str],
        stamp: int | None,
        *,
        back: bool,
    ) -> LifecycleChoice:
        choice = self.lifecycles.choice(caller.tenant)
        if stamp is not None and stamp != choice.stamp:
            raise Stale("Another life cycle has been put in force since you looked")
        shown = self.lifecycles.show(caller.tenant, number)
        sound(validation.validate(shown.document.encode(), self.lifecycles.resolves, {}, STANDARD))
        moves = self._moves(caller.tenant, shown.lifecycle, mapping)
        former = choice.former[:-1] if back else _pushed(choice, number)
        new = replace(
            choice,
            active=number,
            former=former,
            changed=int(self.lifecycles.clock.now() * 1000),
            changed_by=caller.user,
        )
        settle = enqueue(
            self.lifecycles.records,
            self.lifecycles.clock,
            caller.tenant,
            SETTLE,
            {"mapping": moves, "user": caller.user},
        )
        try:
            self.lifecycles.records.commit(
                Replace(new),
                settle,
                _again(settle, self.lifecycles.clock),
                audit(
                    self.lifecycles.clock,
                    caller,
                    "roll-back" if back else "activate",
                    "lifecycle",
                    str(number),
                    {"active": choice.active},
                    {"active": number, "mapping": moves},
                ),
            )
        except LostRace as exc:
            raise Stale("Another life cycle was put in force at the same moment") from exc
        return replace(new, stamp=choice.stamp + 1)

    def _moves(
        self, tenant: str, lifecycle: LifeCycle, mapping: Mapping[str, str]
    ) -> dict[str, str]:
        """The mapping in the records' spelling: old state -> id of a state of the life cycle."""
        problems, moves = [], {}
        for old, new in mapping.items():
            found = lifecycle.state(new)
            if lifecycle.state(old) is not None:
                problems.append(Problem("mapping", f"'{old}' is a state of this life cycle"))
            elif found is None:
                problems.append(Problem("mapping", f"'{new}' is no state of this life cycle"))
            else:
                moves[old.upper()] = found.id
        if problems:
            raise InvalidInput("; ".join(problem.message for problem in problems), problems)
        left = {
            state: count
            for state, count in self.lifecycles.homeless(tenant, lifecycle).items()
            if state.upper() not in moves
        }
        if left:
            told = ", ".join(f"{count} in {state}" for state, count in left.items())
            raise Conflict(
                f"APIs live in states that this life cycle lacks: {told}. Say in the mapping which "
                "state they are to have"
            )
        return moves


def _again(settle: Change, clock: Clock) -> Change:
    """The same entry once more, later: for APIs whose transition was under way by the life cycle
    of before.
    """
    entry = settle.record
    assert isinstance(entry, OutboxEntry)  # noqa: S101 - for the type checker
    later = int(clock.now()) + SECOND_LOOK
    return Create(replace(entry, id=str(uuid4()), not_before=later))


def _pushed(choice: LifecycleChoice, number: int) -> tuple[int, ...]:
    if number == choice.active:
        return choice.former
    return (*choice.former, choice.active)[-MAX_FORMER:]
