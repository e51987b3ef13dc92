"""The range of time that a date, dateTime or instant covers, and how times are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.spec.temporal import format_http_date, format_instant, parse_date_range, parse_http_date

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
S = 1_000_000


def us(*parts: int) -> int:
    return (datetime(*parts, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


RANGES = [
    pytest.param("2024", us(2024, 1, 1), us(2025, 1, 1), id="a year"),
    pytest.param("2024-02", us(2024, 2, 1), us(2024, 3, 1), id="a month"),
    pytest.param("2023-12", us(2023, 12, 1), us(2024, 1, 1), id="December"),
    pytest.param("2024-02-29", us(2024, 2, 29), us(2024, 3, 1), id="a leap day"),
    pytest.param("2024-02-29T23:59:59Z", us(2024, 2, 29, 23, 59, 59), us(2024, 3, 1), id="a second"),
    pytest.param("2024-01-01T00:00:00", us(2024, 1, 1), us(2024, 1, 1) + S, id="no zone is UTC"),
    pytest.param("2024-01-01T00:00:00+14:00", us(2023, 12, 31, 10), us(2023, 12, 31, 10) + S, id="east"),
    pytest.param("2024-01-01T00:00:00-03:30", us(2024, 1, 1, 3, 30), us(2024, 1, 1, 3, 30) + S, id="west"),
    pytest.param("2024-01-01T00:00:00.5Z", us(2024, 1, 1) + 500_000, us(2024, 1, 1) + 600_000, id="a tenth"),
    pytest.param("2024-01-01T00:00:00.123Z", us(2024, 1, 1) + 123_000, us(2024, 1, 1) + 124_000, id="milliseconds"),
    pytest.param("2024-01-01T00:00:00.1234567Z", us(2024, 1, 1) + 123_456, us(2024, 1, 1) + 123_457, id="finer"),
    pytest.param("2024-01-01T00:00:00." + "9" * 50 + "Z", us(2024, 1, 1) + S - 1, us(2024, 1, 1) + S, id="50 digits"),
    pytest.param("2016-12-31T23:59:60Z", us(2017, 1, 1), us(2017, 1, 1) + S, id="a leap second is the next second"),
    pytest.param("0001", us(1, 1, 1), us(2, 1, 1), id="the first year"),
    pytest.param(
        "0001-01-01T00:00:00+14:00", us(1, 1, 1) - 14 * 3600 * S, us(1, 1, 1) - 14 * 3600 * S + S, id="before it"
    ),
    pytest.param("9999", us(9999, 1, 1), us(9999, 12, 31) + 86_400 * S, id="the last year"),
    pytest.param("9999-12", us(9999, 12, 1), us(9999, 12, 31) + 86_400 * S, id="the last month"),
    pytest.param("9999-12-31", us(9999, 12, 31), us(9999, 12, 31) + 86_400 * S, id="the last day"),
    pytest.param(
        "9999-12-31T23:59:59-14:00",
        us(9999, 12, 31, 23, 59, 59) + 14 * 3600 * S,
        us(9999, 12, 31, 23, 59, 59) + 14 * 3600 * S + S,
        id="after it",
    ),
]


@pytest.mark.parametrize(("text", "low", "high"), RANGES)
def test_a_time_covers_all_that_its_precision_leaves_open(text, low, high):
    assert parse_date_range(text) == (low, high)


@pytest.mark.parametrize(
    "text",
    ["", "24", "0000", "2024-13", "2024-00", "2023-02-29", "2024-04-31", "2024-1-1", "2024-01-01T", "2024-01-01T10",
     "2024-01-01T10:00", "2024-01-01T24:00:00Z", "2024-01-01T23:60:00Z", "2024-01-01T23:00:61Z",
     "2024-01-01T00:00:00+14:01", "2024-01-01T00:00:00+10:60", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00.Z",
     "٢٠٢٤", "2024-01-01T00:00:00z", " 2024", "2024\n", "12024", "-2024"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the calendar says it in its own words
        parse_date_range(text)


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001
def test_a_written_instant_is_read_as_the_same_microsecond(time):
    instant = (time.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    low, high = parse_date_range(format_instant(instant))

    assert low == instant
    assert high - low == (1000 if instant % 1000 == 0 else 1)


def test_an_instant_is_written_in_milliseconds_and_finer_only_where_needed():
    assert format_instant(us(2026, 11, 22, 17, 50) + 123_000) == "2026-11-22T17:50:00.123Z"
    assert format_instant(0) == "1970-01-01T00:00:00.000Z"
    assert format_instant(us(7, 1, 1)) == "0007-01-01T00:00:00.000Z"
    assert format_instant(-1) == "1969-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
    ids=["IMF-fixdate", "RFC 850", "asctime"],
)
def test_http_dates_are_read_in_their_three_forms(text):
    assert parse_http_date(text) == us(1994, 11, 6, 8, 49, 37)
    assert format_http_date(us(1994, 11, 6, 8, 49, 37) + 999_999) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2024-01-01", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999999999 08:49:37 GMT", "\x00"],
)
def test_what_is_no_http_date_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the calendar says it in its own words
        parse_http_date(text)


@given(st.text(max_size=30) | st.text("0123456789-T:.Z+", max_size=30))
def test_no_text_makes_anything_but_a_range_or_a_value_error(text):
    try:
        low, high = parse_date_range(text)
    except ValueError:
        return
    assert low < high
