"""Devices without a browser (RFC 8628): their two codes, what the user decides, and their polls.

The pages and the endpoints are not known here.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from portico.domain.application import Client
from portico.domain.authorization import BrowserSession, DeviceGrant, Flow, SignIn
from portico.domain.errors import (
    AlreadyExists,
    LostRace,
    NotFound,
    PorticoError,
    Unavailable,
)
from portico.domain.records import Change, Create, Remove, Replace
from portico.domain.tenant import SUPER_TENANT
from portico.ports import Clock, Records
from portico.services.attempts import Guard, network
from portico.services.clients import digest
from portico.services.families import end_given
from portico.services.issuing import Issued, Issuing
from portico.services.same_user import same_user

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LIFETIME = 600  # seconds
SLOWER = 5  # seconds more for a device that polls too fast (section 3.5)
# Without vowels, so that no words come out, and nothing that looks like a digit (section 6.1).
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_CODE = re.compile(f"[{LETTERS}]{{8}}")
_BETWEEN = re.compile(r"[\s_.-]+")
PENDING, APPROVED, DENIED, USED = "pending", "approved", "denied", "used"
ENTRIES, WINDOW = 20, 300  # user codes that one network may try within so many seconds
TRIES = 6


class DeviceRefused(PorticoError):
    """A poll that gets no tokens; `error` is the code of RFC 8628 section 3.5."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def canonical(user_code: str) -> str:
    """A code as people type it, in upper case and without a dash; '' for what can be none."""
    code = _BETWEEN.sub("", user_code[:50]).upper()
    return code if _CODE.fullmatch(code) else ""


def shown(user_code: str) -> str:
    """`WDJBMJHT` -> `WDJB-MJHT`."""
    return f"{user_code[:4]}-{user_code[4:]}"


@dataclass(frozen=True)
class Devices:
    """The waiting devices of all tenants; `pick` takes a letter at random."""

    records: Records
    clock: Clock
    issuing: Callable[[], Issuing]
    pick: Callable[[str], str] = secrets.choice

    def begin(self, client: Client, scopes: Sequence[str]) -> tuple[str, DeviceGrant]:
        """A waiting device of the client, and its device code."""
        text, code = secrets.token_urlsafe(32), self._free(client.tenant)
        device = DeviceGrant(
            tenant=client.tenant,
            digest=digest(text),
            user_code=code,
            client_id=client.client_id,
            scopes=tuple(dict.fromkeys(scopes)),
            expires=int(self.clock.now()) + LIFETIME,
        )
        self.records.commit(Create(device))
        return text, device

    def _free(self, tenant: str) -> str:
        """A user code that no device has; of 25 billion, none is given twice at one moment."""
        for _ in range(TRIES):
            code = "".join(self.pick(LETTERS) for _ in range(8))
            if self.records.get(DeviceGrant, by="code", tenant=tenant, user_code=code) is None:
                return code
        raise Unavailable("No user code is free")

    def entered(self, tenant: str, user_code: str, address: str) -> DeviceGrant:
        """The waiting device whose code a user typed in.

        NotFound for wrong and old codes alike; TooManyAttempts for a network that tries many
        (section 5.1).
        """
        # Counted in one place for all tenants: the form names the tenant.
        subject = f"device:{network(address)}"
        Guard(self.records, self.clock).take(SUPER_TENANT, {subject: ENTRIES}, WINDOW)
        return self.waiting(tenant, user_code)

    def waiting(self, tenant: str, user_code: str) -> DeviceGrant:
        """The device that waits with this code; NotFound when it does no longer."""
        code = canonical(user_code)
        found = (
            self.records.get(DeviceGrant, by="code", tenant=tenant, user_code=code)
            if code
            else None
        )
        if found is None or found.status != PENDING or found.expires <= self.clock.now():
            raise NotFound("Code", code)
        return found

    def decide(self, flow: Flow, session: BrowserSession, *, allowed: bool) -> DeviceGrant:
        """What the user decided for the device of the flow, which ends with it.

        NotFound when the device no longer waits or the flow has ended.
        """
        for _ in range(TRIES):
            device = self.waiting(flow.tenant, flow.parameters["user_code"])
            if device.digest != flow.parameters["device"]:
                break
            sign_in = SignIn(session.at, methods=session.methods, sid=session.sid)
            decided = replace(
                device,
                status=APPROVED if allowed else DENIED,
                user=session.user,
                user_id=session.user_id,
                family=secrets.token_urlsafe(16),
                sign_in=sign_in,
            )
            try:
                self.records.commit(Replace(decided), Remove(flow))
            except LostRace:
                # The device has polled meanwhile, or the form came twice.
                if self.records.get(Flow, tenant=flow.tenant, digest=flow.digest) is None:
                    break
                continue
            return decided
        raise NotFound("Code", flow.parameters["user_code"])

    def poll(self, client: Client, device_code: str) -> Issued:
        """Tokens once the user has allowed it, one time only; DeviceRefused until then.

        A code that gave tokens and comes again ends them, as an authorization code does.
        """
        for _ in range(TRIES):
            device = self._of(client, device_code)
            try:
                if device.status == PENDING:
                    self._wait(device)
                return self._give(client, device)
            except (LostRace, AlreadyExists):
                continue  # the user decided at this moment, or the device polls twice at once
        raise LostRace("The device code is being used at the same moment")

    def _of(self, client: Client, device_code: str) -> DeviceGrant:
        device = self.records.get(DeviceGrant, tenant=client.tenant, digest=digest(device_code))
        if device is None or device.client_id != client.client_id:
            raise DeviceRefused("invalid_grant", "The device code is not known")
        if device.status == USED:
            end_given(self.records, self.clock, client, device.family)
            raise DeviceRefused("invalid_grant", "The device code was used before")
        if device.expires <= self.clock.now():
            raise DeviceRefused("expired_token", "The device code has expired")
        if device.status == DENIED:
            raise DeviceRefused("access_denied", "The user did not allow it")
        return device

    def _wait(self, device: DeviceGrant) -> None:
        """Always raises: DeviceRefused, or LostRace when the device has changed."""
        now = int(self.clock.now())
        early = bool(device.polled) and now - device.polled < device.interval
        interval = device.interval + SLOWER if early else device.interval
        self.records.commit(Replace(replace(device, polled=now, interval=interval)))
        if early:
            raise DeviceRefused("slow_down", f"Poll every {interval} seconds")
        raise DeviceRefused("authorization_pending", "The user has not decided yet")

    def _give(self, client: Client, device: DeviceGrant) -> Issued:
        at = device.sign_in.at if device.sign_in else 0
        user = same_user(self.records, self.clock, device.tenant, device.user, device.user_id, at)
        if user is None:
            raise DeviceRefused("invalid_grant", "The user is no longer active")
        used: list[Change] = [Replace(replace(device, status=USED))]
        return self.issuing().to_user(
            client,
            user,
            device.scopes,
            grant_type=GRANT_TYPE,
            sign_in=device.sign_in,
            family=device.family,
            also=used,
        )
