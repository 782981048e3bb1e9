"""The records of refresh tokens and their families; their use is `refreshing`'s business."""

import secrets
from dataclasses import replace

from portico.domain.application import Client
from portico.domain.records import Change, Create, Replace
from portico.domain.tenant import join_user
from portico.domain.user import RefreshToken, TokenFamily, User
from portico.services.clients import digest


def new_refresh_token(
    client: Client, family: str, user: User, scopes: tuple[str, ...], now: float
) -> tuple[str, RefreshToken]:
    """A refresh token of a family: its text, and its record, which does not have it."""
    text = secrets.token_urlsafe(32)
    return text, RefreshToken(
        tenant=client.tenant,
        digest=digest(text),
        family=family,
        client_id=client.client_id,
        user=join_user(user.name, user.tenant),
        scopes=scopes,
        expires=int(now) + client.refresh_validity,
        user_id=user.id,
        era=user.era,
    )


def family_with(
    known: TokenFamily | None, token: RefreshToken, told: tuple[str, ...], now: float
) -> Change:
    """What to commit for the family of a new refresh token, `known` or yet to begin; `told` are the
    claims that userinfo shall tell.
    """
    if known is None:
        began = TokenFamily(
            tenant=token.tenant,
            id=token.family,
            expires=token.expires,
            began=int(now),
            userinfo=told,
        )
        return Create(began)
    return Replace(replace(known, expires=max(known.expires, token.expires), userinfo=told))
