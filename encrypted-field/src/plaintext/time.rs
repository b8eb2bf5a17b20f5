//! Dates and times of `time`, byte for byte as those of `chrono`. It has no leap seconds: such a value is refused.

use time::{Date as TimeDate, Month, OffsetDateTime, PrimitiveDateTime, Time as TimeTime, UtcOffset};
use zeroize::Zeroizing;

use super::civil::{Date, Parser, Text, Time, not_a_date};
use super::{Encoded, Plaintext, PlaintextError, overwrite_with, plain_value};

type Result<T> = std::result::Result<T, PlaintextError>;

fn date_out(date: TimeDate) -> Date {
    let (year, month, day) = date.to_calendar_date();
    Date { year, month: month.into(), day }
}

fn date_in(date: Date) -> Result<TimeDate> {
    let month = Month::try_from(date.month).map_err(|_| not_a_date())?;
    TimeDate::from_calendar_date(date.year, month, date.day).map_err(|_| not_a_date())
}

fn time_out(time: TimeTime) -> Time {
    let (hour, minute, second, nanosecond) = time.as_hms_nano();
    Time { hour, minute, second, nanosecond }
}

fn time_in(time: Time) -> Result<TimeTime> {
    TimeTime::from_hms_nano(time.hour, time.minute, time.second, time.nanosecond).map_err(|_| not_a_date())
}

fn date_time_in((date, time): (Date, Time)) -> Result<PrimitiveDateTime> {
    Ok(PrimitiveDateTime::new(date_in(date)?, time_in(time)?))
}

impl Plaintext for TimeDate {
    plain_value!(Self);
    overwrite_with!(Self::MIN);

    fn encode(&self) -> Result<Encoded<'_>> {
        Ok(Text::new().date(date_out(*self)).encoded())
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        read_date(Parser::strict(&bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self> {
        read_date(Parser::legacy(stored))
    }
}

impl Plaintext for TimeTime {
    plain_value!(Self);
    overwrite_with!(Self::MIDNIGHT);

    fn encode(&self) -> Result<Encoded<'_>> {
        Ok(Text::new().time(time_out(*self)).encoded())
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        read_time(Parser::strict(&bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self> {
        read_time(Parser::legacy(stored))
    }
}

impl Plaintext for PrimitiveDateTime {
    plain_value!(Self);
    overwrite_with!(Self::MIN);

    fn encode(&self) -> Result<Encoded<'_>> {
        Ok(Text::new().date(date_out(self.date())).char('T').time(time_out(self.time())).encoded())
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        read_date_time(Parser::strict(&bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self> {
        read_date_time(Parser::legacy(stored))
    }
}

/// The instant is kept, its offset is not: it comes back in UTC, and `OffsetDateTime` compares instants.
impl Plaintext for OffsetDateTime {
    plain_value!(Self);
    overwrite_with!(Self::UNIX_EPOCH);

    fn encode(&self) -> Result<Encoded<'_>> {
        let utc = self
            .checked_to_offset(UtcOffset::UTC)
            .ok_or(PlaintextError::new("an instant whose UTC form is out of the range of `time`"))?;
        Ok(Text::new().date(date_out(utc.date())).char('T').time(time_out(utc.time())).char('Z').encoded())
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        read_instant(Parser::strict(&bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self> {
        read_instant(Parser::legacy(stored))
    }
}

fn read_date(mut text: Parser<'_>) -> Result<TimeDate> {
    let date = date_in(text.date()?)?;
    text.end().map(|()| date)
}

fn read_time(mut text: Parser<'_>) -> Result<TimeTime> {
    let time = time_in(text.time()?)?;
    text.end().map(|()| time)
}

fn read_date_time(mut text: Parser<'_>) -> Result<PrimitiveDateTime> {
    let date_time = date_time_in(text.date_time()?)?;
    text.end().map(|()| date_time)
}

fn read_instant(mut text: Parser<'_>) -> Result<OffsetDateTime> {
    let local = date_time_in(text.date_time()?)?;
    let offset = UtcOffset::from_whole_seconds(text.offset()?).map_err(|_| not_a_date())?;
    text.end()?;
    local.assume_offset(offset).checked_to_offset(UtcOffset::UTC).ok_or_else(not_a_date)
}
