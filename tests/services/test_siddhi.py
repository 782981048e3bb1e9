"""Custom rules in WSO2's words: the one form that is understood, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.domain.errors import InvalidInput
from portico.domain.policy import Limit
from portico.services import siddhi

# The example of the contract's schema CustomRule, line ends as it has them.
EXAMPLE = (
    r"FROM RequestStream\nSELECT userId, ( userId == 'admin@carbon.super' ) AS isEligible , "
    r"str:concat('admin@carbon.super','') as throttleKey\nINSERT INTO EligibilityStream; \n\n"
    r"FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min) \nSELECT throttleKey, "
    r"(count(userId) >= 10) as isThrottled, expiryTimeStamp group by throttleKey \n"
    r"INSERT ALL EVENTS into ResultStream;"
)


def query(
    condition: str = "true",
    key: str = "str:concat(userId,':',apiContext)",
    batch: str = "1 min",
    throttled: str = "count(userId) >= 10",
) -> str:
    return (
        f"FROM RequestStream\nSELECT userId, apiContext, ( {condition} ) AS isEligible, {key} as "
        "throttleKey\nINSERT INTO EligibilityStream;\n"
        f"FROM EligibilityStream[isEligible==true]#throttler:timeBatch({batch})\n"
        f"SELECT throttleKey, ({throttled}) as isThrottled, expiryTimeStamp group by throttleKey\n"
        "INSERT ALL EVENTS into ResultStream;"
    )


def test_the_contracts_example() -> None:
    for text in (EXAMPLE, EXAMPLE.replace(r"\n", "\n"), EXAMPLE.replace(r"\n", "\r\n  ")):
        rule = siddhi.read(text, "$userId")
        assert rule.limit == Limit(10, 1, "min")
        assert rule.only == {"userId": "admin@carbon.super"}


@pytest.mark.parametrize(
    ("text", "template", "limit", "only"),
    [
        (query(), "$userId:$apiContext", Limit(10), {}),
        (query(batch="2 hours"), "$userId:$apiContext", Limit(10, 2, "hour"), {}),
        (query(batch="30 sec"), "$userId:$apiContext", Limit(10, 30, "sec"), {}),
        (query(throttled="count(userId) > 10"), "$userId:$apiContext", Limit(11), {}),
        (query(throttled="count() >= 5"), "$userId:$apiContext", Limit(5), {}),
        (query(key="userId"), "$userId", Limit(10), {}),
        (
            query("apiContext == '/pizza/1' and userId == 'jane@acme.com'"),
            "$userId:$apiContext",
            Limit(10),
            {"apiContext": "/pizza/1", "userId": "jane@acme.com"},
        ),
        (
            query("apiContext == '/pizza/1'", "str:concat(userId,':/pizza/1')"),
            "$userId:$apiContext",
            Limit(10),
            {"apiContext": "/pizza/1"},
        ),
    ],
)
def test_the_form_is_read(text: str, template: str, limit: Limit, only: dict[str, str]) -> None:
    rule = siddhi.read(text, template)
    assert (rule.limit, dict(rule.only)) == (limit, only)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DROP TABLE calls",
        query("userId != 'jane'"),
        query("userId == 'jane' or userId == 'joe'"),
        query("apiName2 == 'x'"),
        query("userId == 'a' and userId == 'b'"),
        query("cast(map:get(propertiesMap,'ip'),'Long') == 3232238595l"),
        query(throttled="sum(messageSize) >= 10"),
        query(throttled="count(userId) <= 10"),
        query(throttled="count(userId) >= 0"),
        query(batch="1 fortnight"),
        query(batch="0 min"),
        query(key="str:concat(userId,':','$apiContext')"),
        query(key="str:upper(userId)"),
        query() + query(),
        query() + "x" * 4_000,
        "FROM RequestStream SELECT " + "a," * 1_900,
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        siddhi.read(text, "$userId:$apiContext")
    assert caught.value.problems[0].field == "siddhiQuery"


@pytest.mark.parametrize("template", ["$userId", "$apiContext:$userId", "$userId:$apiContext:x"])
def test_another_key_than_the_templates_is_refused(template: str) -> None:
    with pytest.raises(InvalidInput, match="throttleKey"):
        siddhi.read(query(), template)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("$userId", ""),
        ("$apiContext:$resourceKey-$clientIp", ""),
        ("all", "names no variable"),
        ("$user", "'$user' is no variable"),
        ("$userId $appId", "letters"),
        ("$userId'", "letters"),
        ("$userId" + ":" * 200, "at most 200"),
        ("$userId:$", "begins no variable"),
        ("$$userId", "begins no variable"),
    ],
)
def test_key_templates(template: str, problem: str) -> None:
    found = siddhi.template_problem(template)
    assert (problem in found) if problem else not found


TEXT = st.text("abcdefgXYZ0123456789:/.@-_", max_size=8)
VARIABLE = st.sampled_from([f"${name}" for name in siddhi.VARIABLES])


@given(
    parts=st.lists(st.tuples(TEXT, VARIABLE), min_size=1, max_size=4),
    end=TEXT,
    calls=st.integers(1, 2_000_000),
    time=st.integers(1, 1_000),
    unit=st.sampled_from(["sec", "min", "hour", "day", "week", "month", "year"]),
    only=st.dictionaries(
        st.sampled_from(siddhi.VARIABLES), st.text("abc/1.@ -", min_size=1, max_size=8), max_size=3
    ),
)
def test_what_is_written_is_read_as_it_was(
    parts: list[tuple[str, str]],
    end: str,
    calls: int,
    time: int,
    unit: str,
    only: dict[str, str],
) -> None:
    # A letter after a variable would be a part of its name.
    template = "".join(f"{text}:{variable}:" for text, variable in parts) + end
    only = {name: " ".join(value.split()) or "x" for name, value in only.items()}
    limit = Limit(calls, time, unit)
    rule = siddhi.read(siddhi.write(template, limit, only), template)
    assert (rule.limit, dict(rule.only)) == (limit, only)
