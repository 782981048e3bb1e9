"""The life cycles of a tenant: kept in versions, checked, compared, put in force and rolled back.

What is in force is one record, so a change of it is whole or not at all. The APIs that must follow
it are an outbox entry of the same commit, carried out by `portico.services.settling`.
"""

import codecs
import difflib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import uuid4

from portico.domain.api import ApiCard
from portico.domain.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    LostRace,
    NotFound,
    Problem,
    Stale,
)
from portico.domain.lifecycle_versions import (
    DEFAULT,
    LifecycleChoice,
    LifecycleText,
    LifecycleVersion,
    order_of,
)
from portico.domain.operations import OutboxEntry
from portico.domain.records import Change, Create, Replace
from portico.domain.user import Caller
from portico.lifecycle import scxml, validation
from portico.lifecycle.findings import ERROR, Finding
from portico.lifecycle.labels import LANGUAGE, Labels, Texts, shipped
from portico.lifecycle.labels import read as read_labels
from portico.lifecycle.model import LifeCycle
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.executing import STANDARD, Resolves, standard
from portico.services.outbox import enqueue

SETTLE = "settle-apis"  # kind of outbox entry: bring the APIs to the life cycle in force
TRIES = 5
MAX_COMMENT = 500
MAX_LANGUAGES = 20
MAX_FORMER = 50
MAX_VERSIONS = 999_999  # the width of their order
MAX_PARSED = 64  # life cycles kept in memory
SECOND_LOOK = 60  # seconds; no transition is under way for longer
MISSING = "living-state-missing"  # the finding that a mapping takes care of
_ENCODING = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)[\"']")


@dataclass(frozen=True)
class Shown:
    """A version with its content."""

    version: LifecycleVersion
    document: str
    labels: Texts
    lifecycle: LifeCycle


@dataclass(frozen=True)
class Checked:
    """What there is to say of a document. `sound`: it may be kept; `homeless`: states that it lacks
    and that APIs live in, with their number, to be mapped when it is activated.
    """

    sound: bool
    findings: tuple[Finding, ...]
    homeless: Mapping[str, int]


@dataclass(frozen=True)
class Lifecycles:
    """Versions of a tenant; number 0 is the life cycle that Portico brings along.

    `resolves` tells whether an executor of this name can be run.
    """

    records: Records
    clock: Clock
    resolves: Resolves = standard
    # A version never changes, so what was read of it stays right.
    _parsed: dict[tuple[str, int], LifeCycle] = field(default_factory=dict, repr=False)

    def current(self, tenant: str) -> LifeCycle:
        """The life cycle in force."""
        return self._lifecycle(tenant, self.choice(tenant).active)

    def current_labels(self, tenant: str) -> Labels:
        """The texts that go with the life cycle in force; Portico's own where it has none."""
        number = self.choice(tenant).active
        if number == DEFAULT:
            return shipped()
        return shipped().over(self._text(tenant, number).labels)

    def choice(self, tenant: str) -> LifecycleChoice:
        """What is in force; its stamp guards `activate` and `roll_back`."""
        found = self.records.get(LifecycleChoice, tenant=tenant)
        return found or LifecycleChoice(tenant=tenant)

    def list(self, tenant: str) -> "list[LifecycleVersion]":
        """All versions, newest first; the default one is the last."""
        kept = self.records.list(LifecycleVersion, newest_first=True, tenant=tenant)
        return [*kept, _default_version(tenant)]

    def show(self, tenant: str, number: int) -> Shown:
        """A version; NotFound."""
        lifecycle = self._lifecycle(tenant, number)
        if number == DEFAULT:
            return Shown(_default_version(tenant), _default_text(), shipped().texts, lifecycle)
        version = self.records.get(LifecycleVersion, tenant=tenant, order=order_of(number))
        if version is None:
            raise NotFound("Life cycle", str(number))
        text = self._text(tenant, number)
        return Shown(version, text.document, text.labels, lifecycle)

    def living(self, tenant: str) -> dict[str, int]:
        """How many APIs there are in each state."""
        return dict(Counter(card.state for card in self.records.list(ApiCard, tenant=tenant)))

    def homeless(self, tenant: str, lifecycle: LifeCycle) -> dict[str, int]:
        """The states of living APIs that a life cycle lacks, with their number."""
        living = self.living(tenant)
        return {state: n for state, n in sorted(living.items()) if lifecycle.state(state) is None}

    def validate(self, tenant: str, content: bytes, texts: Texts | None = None) -> Checked:
        """Everything wrong or doubtful about a document of either form, and the names that its
        labels (`texts`, over Portico's own) lack; nothing is kept.
        """
        living = self.living(tenant)
        findings = validation.validate(content, self.resolves, living, STANDARD).findings
        sound = not any(one.severity == ERROR and one.code != MISSING for one in findings)
        if sound and texts is not None:
            check_labels(texts)
            labels = shipped().over(texts)
            findings = (*findings, *labels.missing(validation.read(content)))
        homeless = {one.subject: living[one.subject] for one in findings if one.code == MISSING}
        return Checked(sound, findings, homeless)

    def save(
        self, caller: Caller, content: bytes, texts: Texts | None = None, comment: str = ""
    ) -> LifecycleVersion:
        """A new version, not yet in force. Without `texts` it takes the labels of the one in force.

        Raises InvalidInput naming every line that is wrong; warnings do not hinder.
        """
        report = validation.validate(content, self.resolves, {}, STANDARD)
        lifecycle = self._sound(report)
        if len(comment) > MAX_COMMENT:
            raise InvalidInput.of("comment", f"at most {MAX_COMMENT} characters")
        if texts is None:
            active = self.choice(caller.tenant).active
            texts = self.show(caller.tenant, active).labels
        check_labels(texts)
        document = _as_scxml(content, lifecycle)
        for attempt in range(TRIES):
            try:
                return self._keep(caller, document, texts, comment)
            except (LostRace, AlreadyExists):  # the number went to another upload
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _keep(self, caller: Caller, document: str, texts: Texts, comment: str) -> LifecycleVersion:
        choice = self.choice(caller.tenant)
        number = choice.latest + 1
        if number > MAX_VERSIONS:
            raise Conflict(f"There can be {MAX_VERSIONS} versions")
        version = LifecycleVersion(
            tenant=caller.tenant,
            order=order_of(number),
            number=number,
            digest=hashlib.sha256(document.encode()).hexdigest(),
            comment=comment,
            created=int(self.clock.now() * 1000),
            created_by=caller.user,
        )
        text = LifecycleText(
            tenant=caller.tenant,
            order=version.order,
            document=document,
            labels={language: dict(keys) for language, keys in texts.items()},
        )
        after = {"digest": version.digest, "comment": comment}
        self.records.commit(
            Create(version),
            Create(text),
            Replace(replace(choice, latest=number)),
            audit(self.clock, caller, "create", "lifecycle", str(number), None, after),
        )
        return replace(version, stamp=1)

    def compare(self, tenant: str, old: int, new: int) -> str:
        """A unified diff of two versions: their documents, then their labels."""
        before, after = self.show(tenant, old), self.show(tenant, new)
        pairs = (
            ("lifecycle.scxml", before.document, after.document),
            ("labels.json", labels_text(before.labels), labels_text(after.labels)),
        )
        return "".join(
            f"{line}\n"
            for name, was, becomes in pairs
            for line in difflib.unified_diff(
                was.splitlines(),
                becomes.splitlines(),
                f"{_name(old)}/{name}",
                f"{_name(new)}/{name}",
                lineterm="",
            )
        )

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
        former = self.choice(caller.tenant).former
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
        choice = self.choice(caller.tenant)
        if stamp is not None and stamp != choice.stamp:
            raise Stale("Another life cycle has been put in force since you looked")
        shown = self.show(caller.tenant, number)
        self._sound(validation.validate(shown.document.encode(), self.resolves, {}, STANDARD))
        moves = self._moves(caller.tenant, shown.lifecycle, mapping)
        former = choice.former[:-1] if back else _pushed(choice, number)
        new = replace(
            choice,
            active=number,
            former=former,
            changed=int(self.clock.now() * 1000),
            changed_by=caller.user,
        )
        settle = enqueue(
            self.records,
            self.clock,
            caller.tenant,
            SETTLE,
            {"mapping": moves, "user": caller.user},
        )
        try:
            self.records.commit(
                Replace(new),
                settle,
                _again(settle, self.clock),
                audit(
                    self.clock,
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
            for state, count in self.homeless(tenant, lifecycle).items()
            if state.upper() not in moves
        }
        if left:
            told = ", ".join(f"{count} in {state}" for state, count in left.items())
            raise Conflict(
                f"APIs live in states that this life cycle lacks: {told}. Say in the mapping which "
                "state they are to have"
            )
        return moves

    def _sound(self, report: validation.Report) -> LifeCycle:
        """The life cycle of a document without errors; InvalidInput with all of them."""
        if report.errors or report.lifecycle is None:
            problems = [
                Problem(f"line {one.line}" if one.line else "document", one.message)
                for one in report.errors
            ]
            text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
            raise InvalidInput(f"The life cycle is not valid: {text}", problems)
        return report.lifecycle

    def _lifecycle(self, tenant: str, number: int) -> LifeCycle:
        if number == DEFAULT:
            return scxml.default()
        known = self._parsed.get((tenant, number))
        if known is None:
            known = scxml.read(self._text(tenant, number).document.encode())
            if len(self._parsed) >= MAX_PARSED:
                self._parsed.clear()
            self._parsed[(tenant, number)] = known
        return known

    def _text(self, tenant: str, number: int) -> LifecycleText:
        text = self.records.get(LifecycleText, tenant=tenant, order=order_of(number))
        if text is None:
            raise NotFound("Life cycle", str(number))
        return text


def check_labels(texts: Texts) -> None:
    """Raises InvalidInput naming everything that labels may not be, or TooLarge."""
    problems = []
    if len(texts) > MAX_LANGUAGES:
        problems.append(Problem("labels", f"at most {MAX_LANGUAGES} languages"))
    for language, keys in list(texts.items())[:MAX_LANGUAGES]:
        if not LANGUAGE.fullmatch(language):
            problems.append(Problem(f"labels.{language[:20]}", "not a language as 'en' or 'pt-BR'"))
        try:
            read_labels(json.dumps(keys).encode())
        except InvalidInput as exc:
            problems += [
                Problem(one.field.replace("labels", f"labels.{language[:20]}", 1), one.message)
                for one in exc.problems
            ]
    if problems:
        text = "; ".join(f"{one.field}: {one.message}" for one in problems[:5])
        raise InvalidInput(text, problems[:200])


def labels_text(texts: Texts) -> str:
    """Labels as the JSON that people edit."""
    return json.dumps(texts, ensure_ascii=False, indent=2, sort_keys=True)


def _as_scxml(content: bytes, lifecycle: LifeCycle) -> str:
    """The document as it was given, comments and all, if it is SCXML in UTF-8; else rewritten."""
    plain = content.removeprefix(codecs.BOM_UTF8)
    declared = _ENCODING.match(plain)
    if plain.lstrip().startswith(b"<") and (not declared or declared[1].lower() == b"utf-8"):
        with suppress(UnicodeDecodeError):
            return plain.decode()
    return scxml.write(lifecycle).decode()


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


def _name(number: int) -> str:
    return "default" if number == DEFAULT else f"version-{number}"


def _default_text() -> str:
    return scxml.default_text().decode()


def _default_version(tenant: str) -> LifecycleVersion:
    return LifecycleVersion(
        tenant=tenant,
        order=order_of(DEFAULT),
        number=DEFAULT,
        digest=hashlib.sha256(_default_text().encode()).hexdigest(),
        comment="The life cycle that Portico brings along",
    )
