"""Mails stay on this machine, where they can be read."""

from pathlib import Path

from tests.local.conftest import Platform, command


def test_mails_are_shown_with_the_newest_last(platform: Platform) -> None:
    ses = platform.aws("ses")
    ses.verify_email_identity(EmailAddress="portico@example.com")
    for subject in ("First", "Second"):
        ses.send_email(
            Source="portico@example.com",
            Destination={"ToAddresses": ["jane@example.com"]},
            Message={
                "Subject": {"Data": subject},
                "Body": {"Text": {"Data": f"{subject}, zoë:\n\nhttp://127.0.0.1/link\n"}},
            },
        )

    shown = command(platform.state, "mails", PYTHONIOENCODING="utf-8").stdout

    assert shown.index("Subject: First") < shown.index("Subject: Second")
    assert "From: portico@example.com\nTo: jane@example.com\nDate: 20" in shown
    assert shown.endswith("\n\nSecond, zoë:\n\nhttp://127.0.0.1/link\n\n")


def test_without_a_platform_there_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"aws": 9}')

    answer = command(tmp_path, "mails")

    assert answer.returncode == 1
    assert answer.stderr.strip() == "Nothing is running. Start it with: make up"
