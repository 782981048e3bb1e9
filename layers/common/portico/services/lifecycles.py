"""The life cycles of a tenant: kept in versions, checked and compared, and which is in force.

Putting one in force is `portico.services.activating`'s business.
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from portico.domain.api import ApiCard
from portico.domain.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    LostRace,
    NotFound,
)
from portico.domain.lifecycle_versions import (
    DEFAULT,
    LifecycleChoice,
    LifecycleText,
    LifecycleVersion,
    order_of,
)
from portico.domain.records import Create, Replace
from portico.domain.user import Caller
from portico.lifecycle import scxml, validation
from portico.lifecycle.findings import ERROR, Finding
from portico.lifecycle.labels import Labels, Texts, shipped
from portico.lifecycle.model import LifeCycle
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.executing import STANDARD, Resolves, standard
from portico.services.lifecycle_texts import as_scxml, check_labels, labels_text, sound

TRIES = 5
MAX_COMMENT = 500
MAX_VERSIONS = 999_999  # the width of their order
MAX_PARSED = 64  # life cycles kept in memory
MISSING = "living-state-missing"  # the finding that a mapping takes care of


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
        """What is in force; its stamp guards every change of that."""
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
        usable = not any(one.severity == ERROR and one.code != MISSING for one in findings)
        if usable and texts is not None:
            check_labels(texts)
            labels = shipped().over(texts)
            findings = (*findings, *labels.missing(validation.read(content)))
        homeless = {one.subject: living[one.subject] for one in findings if one.code == MISSING}
        return Checked(usable, findings, homeless)

    def save(
        self, caller: Caller, content: bytes, texts: Texts | None = None, comment: str = ""
    ) -> LifecycleVersion:
        """A new version, not yet in force. Without `texts` it takes the labels of the one in force.

        Raises InvalidInput naming every line that is wrong; warnings do not hinder.
        """
        report = validation.validate(content, self.resolves, {}, STANDARD)
        lifecycle = sound(report)
        if len(comment) > MAX_COMMENT:
            raise InvalidInput.of("comment", f"at most {MAX_COMMENT} characters")
        if texts is None:
            active = self.choice(caller.tenant).active
            texts = self.show(caller.tenant, active).labels
        check_labels(texts)
        document = as_scxml(content, lifecycle)
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
