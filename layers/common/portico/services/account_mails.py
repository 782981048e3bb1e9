"""The mails about people's own accounts: plain text, and nothing in them that a stranger typed but
names and addresses that passed a rule.
"""

import secrets

from portico.domain.executions import Mail

_END = "\n\nNobody reads answers to this address.\n"


def confirm_sign_up(to: str, name: str, link: str) -> Mail:
    """The link that makes an account."""
    return _mail(
        to,
        "Confirm your account",
        f"Somebody, hopefully you, wants an account with the user name {name} and this address.\n\n"
        f"To make it, open this page and confirm within 24 hours:\n\n{link}\n\n"
        "If that was not you, do nothing: without your confirmation there will be no account.",
    )


def name_is_taken(to: str, name: str, link: str) -> Mail:
    """The user name is somebody else's; only the mailed person learns it."""
    return _mail(
        to,
        "Choose another user name",
        f"Somebody, hopefully you, wants an account with the user name {name} and this address.\n\n"
        f"That name is not free. Please choose another one here:\n\n{link}\n\n"
        "If that was not you, do nothing: no account has been made.",
    )


def have_an_account(to: str, name: str, link: str) -> Mail:
    """Somebody tried to sign up with an address that has an account."""
    return _mail(
        to,
        "You have an account already",
        "Somebody, hopefully you, tried to make an account with this address.\n\n"
        f"There is one already; its user name is {name}. If you do not remember its password, "
        f"choose a new one here:\n\n{link}\n\n"
        "If that was not you, do nothing: nothing has been changed.",
    )


def new_password(to: str, name: str, link: str) -> Mail:
    """The link that lets a user choose a new password."""
    return _mail(
        to,
        "Choose a new password",
        f"Somebody, hopefully you, asked for a new password for the user {name}.\n\n"
        f"Choose it within one hour here; the page works once:\n\n{link}\n\n"
        "If that was not you, do nothing: the present password stays as it is.",
    )


def has_no_password(to: str, name: str) -> Mail:
    """The user signs in at another company's provider."""
    return _mail(
        to,
        "Your account has no password",
        f"Somebody, hopefully you, asked for a new password for the user {name}.\n\n"
        "This user signs in with the account of another provider, which the sign-in page offers, "
        "and has no password here. A forgotten one is a matter for that provider.",
    )


def password_changed(to: str, name: str, link: str) -> Mail:
    """Tells the owner that the password is another one now."""
    return _mail(
        to,
        "Your password was changed",
        f"The password of the user {name} was changed. You are signed out everywhere else.\n\n"
        f"If that was not you, choose a new one at once:\n\n{link}",
    )


def _mail(to: str, subject: str, text: str) -> Mail:
    return Mail(secrets.token_hex(16), to, subject, f"{text}{_END}")
