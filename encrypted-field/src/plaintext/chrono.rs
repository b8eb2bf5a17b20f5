//! Dates and times of `chrono`. Instants are `DateTime<Utc>`: another offset would be lost.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc};
use zeroize::Zeroizing;

use super::civil::{
    self, Civil, Date, DateTime, Instant, LEAP_WITHIN_A_MINUTE, OUT_OF_RANGE, Time,
};
use super::{Encoded, Plaintext, PlaintextError, overwrite_with, plain_value};

const LEAP: u32 = 1_000_000_000;

/// Months, days, hours, minutes and seconds: chrono gives them as `u32`, none is above 59.
fn small(part: u32) -> u8 {
    u8::try_from(part).unwrap_or(u8::MAX)
}

impl Civil for NaiveDate {
    type Parts = Date;

    fn to_parts(&self) -> Result<Date, PlaintextError> {
        Ok(Date { year: self.year(), month: small(self.month()), day: small(self.day()) })
    }

    fn from_parts(Date { year, month, day }: Date) -> Result<Self, PlaintextError> {
        Self::from_ymd_opt(year, month.into(), day.into()).ok_or(OUT_OF_RANGE)
    }
}

impl Civil for NaiveTime {
    type Parts = Time;

    fn to_parts(&self) -> Result<Time, PlaintextError> {
        // chrono keeps a leap second as nanoseconds from 10^9 of the second before.
        let leap = self.nanosecond() >= LEAP;
        if leap && self.second() != 59 {
            return Err(LEAP_WITHIN_A_MINUTE);
        }
        Ok(Time {
            hour: small(self.hour()),
            minute: small(self.minute()),
            second: if leap { 60 } else { small(self.second()) },
            nanosecond: self.nanosecond() % LEAP,
        })
    }

    fn from_parts(time: Time) -> Result<Self, PlaintextError> {
        let Time { hour, minute, second, nanosecond } = time;
        let (second, nanosecond) =
            if second == 60 { (59, nanosecond + LEAP) } else { (second, nanosecond) };
        Self::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond)
            .ok_or(OUT_OF_RANGE)
    }
}

impl Civil for NaiveDateTime {
    type Parts = DateTime;

    fn to_parts(&self) -> Result<DateTime, PlaintextError> {
        Ok(DateTime { date: self.date().to_parts()?, time: self.time().to_parts()? })
    }

    fn from_parts(DateTime { date, time }: DateTime) -> Result<Self, PlaintextError> {
        Ok(NaiveDate::from_parts(date)?.and_time(NaiveTime::from_parts(time)?))
    }
}

impl Civil for chrono::DateTime<Utc> {
    type Parts = Instant;

    fn to_parts(&self) -> Result<Instant, PlaintextError> {
        self.naive_utc().to_parts().map(Instant)
    }

    fn from_parts(Instant(utc): Instant) -> Result<Self, PlaintextError> {
        Ok(NaiveDateTime::from_parts(utc)?.and_utc())
    }
}

civil::civil! {
    NaiveDate = Self::MIN;
    NaiveTime = Self::MIN;
    NaiveDateTime = Self::MIN;
    chrono::DateTime<Utc> = Self::MIN_UTC;
}
