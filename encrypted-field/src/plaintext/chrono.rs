//! Dates and times of `chrono`. Instants are `DateTime<Utc>`: another offset would be lost.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use zeroize::Zeroizing;

use super::civil::{Date, Parser, Text, Time, not_a_date};
use super::{Encoded, Plaintext, PlaintextError, overwrite_with, plain_value};

type Result<T> = std::result::Result<T, PlaintextError>;

const LEAP: u32 = 1_000_000_000;

/// Months, days, hours, minutes and seconds: chrono gives them as `u32`, none is above 59.
fn small(part: u32) -> u8 {
    u8::try_from(part).unwrap_or(u8::MAX)
}

fn date_out(date: NaiveDate) -> Date {
    let (month, day) = (small(date.month()), small(date.day()));
    Date { year: date.year(), month, day }
}

fn date_in(date: Date) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(date.year, date.month.into(), date.day.into()).ok_or_else(not_a_date)
}

fn time_out(time: NaiveTime) -> Result<Time> {
    // chrono keeps a leap second as nanoseconds from 10^9 of the second before.
    let leap = time.nanosecond() >= LEAP;
    if leap && time.second() != 59 {
        return Err(PlaintextError::new("a leap second that does not follow second 59"));
    }
    let second = if leap { 60 } else { small(time.second()) };
    let (hour, minute) = (small(time.hour()), small(time.minute()));
    Ok(Time { hour, minute, second, nanosecond: time.nanosecond() % LEAP })
}

fn time_in(time: Time) -> Result<NaiveTime> {
    let (second, nanosecond) =
        if time.second == 60 { (59, time.nanosecond + LEAP) } else { (time.second, time.nanosecond) };
    NaiveTime::from_hms_nano_opt(time.hour.into(), time.minute.into(), second.into(), nanosecond)
        .ok_or_else(not_a_date)
}

fn date_time_in((date, time): (Date, Time)) -> Result<NaiveDateTime> {
    Ok(date_in(date)?.and_time(time_in(time)?))
}

impl Plaintext for NaiveDate {
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

impl Plaintext for NaiveTime {
    plain_value!(Self);
    overwrite_with!(Self::MIN);

    fn encode(&self) -> Result<Encoded<'_>> {
        Ok(Text::new().time(time_out(*self)?).encoded())
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        read_time(Parser::strict(&bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self> {
        read_time(Parser::legacy(stored))
    }
}

impl Plaintext for NaiveDateTime {
    plain_value!(Self);
    overwrite_with!(Self::MIN);

    fn encode(&self) -> Result<Encoded<'_>> {
        Ok(Text::new().date(date_out(self.date())).char('T').time(time_out(self.time())?).encoded())
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        read_date_time(Parser::strict(&bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self> {
        read_date_time(Parser::legacy(stored))
    }
}

impl Plaintext for DateTime<Utc> {
    plain_value!(Self);
    overwrite_with!(Self::MIN_UTC);

    fn encode(&self) -> Result<Encoded<'_>> {
        let utc = self.naive_utc();
        Ok(Text::new().date(date_out(utc.date())).char('T').time(time_out(utc.time())?).char('Z').encoded())
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        read_instant(Parser::strict(&bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self> {
        read_instant(Parser::legacy(stored))
    }
}

fn read_date(mut text: Parser<'_>) -> Result<NaiveDate> {
    let date = date_in(text.date()?)?;
    text.end().map(|()| date)
}

fn read_time(mut text: Parser<'_>) -> Result<NaiveTime> {
    let time = time_in(text.time()?)?;
    text.end().map(|()| time)
}

fn read_date_time(mut text: Parser<'_>) -> Result<NaiveDateTime> {
    let date_time = date_time_in(text.date_time()?)?;
    text.end().map(|()| date_time)
}

fn read_instant(mut text: Parser<'_>) -> Result<DateTime<Utc>> {
    let local = date_time_in(text.date_time()?)?;
    let offset = TimeDelta::seconds(text.offset()?.into());
    text.end()?;
    local.checked_sub_signed(offset).map(|utc| utc.and_utc()).ok_or_else(not_a_date)
}
