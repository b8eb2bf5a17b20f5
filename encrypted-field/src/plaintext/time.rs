//! Dates and times of `time`, byte for byte as those of `chrono`. It has no leap seconds: such a
//! value is refused.

use time::{Month, OffsetDateTime, PrimitiveDateTime, UtcOffset};
use zeroize::Zeroizing;

use super::civil::{self, Civil, Date, DateTime, Instant, LEAP_SECOND, OUT_OF_RANGE, Time};
use super::{Encoded, Plaintext, PlaintextError, overwrite_with, plain_value};

impl Civil for time::Date {
    type Parts = Date;

    fn to_parts(&self) -> Result<Date, PlaintextError> {
        let (year, month, day) = self.to_calendar_date();
        Ok(Date { year, month: month.into(), day })
    }

    fn from_parts(Date { year, month, day }: Date) -> Result<Self, PlaintextError> {
        let month = Month::try_from(month).map_err(|_| OUT_OF_RANGE)?;
        Self::from_calendar_date(year, month, day).map_err(|_| OUT_OF_RANGE)
    }
}

impl Civil for time::Time {
    type Parts = Time;

    fn to_parts(&self) -> Result<Time, PlaintextError> {
        let (hour, minute, second, nanosecond) = self.as_hms_nano();
        Ok(Time { hour, minute, second, nanosecond })
    }

    fn from_parts(time: Time) -> Result<Self, PlaintextError> {
        let Time { hour, minute, second, nanosecond } = time;
        if second == 60 {
            return Err(LEAP_SECOND);
        }
        Self::from_hms_nano(hour, minute, second, nanosecond).map_err(|_| OUT_OF_RANGE)
    }
}

impl Civil for PrimitiveDateTime {
    type Parts = DateTime;

    fn to_parts(&self) -> Result<DateTime, PlaintextError> {
        Ok(DateTime { date: self.date().to_parts()?, time: self.time().to_parts()? })
    }

    fn from_parts(DateTime { date, time }: DateTime) -> Result<Self, PlaintextError> {
        Ok(Self::new(time::Date::from_parts(date)?, time::Time::from_parts(time)?))
    }
}

/// The instant is kept, its offset is not: it comes back in UTC, and `OffsetDateTime` compares
/// instants.
impl Civil for OffsetDateTime {
    type Parts = Instant;

    fn to_parts(&self) -> Result<Instant, PlaintextError> {
        let utc = self.checked_to_offset(UtcOffset::UTC).ok_or(PlaintextError::new(
            "an instant whose UTC form is out of the range of `time`",
        ))?;
        PrimitiveDateTime::new(utc.date(), utc.time()).to_parts().map(Instant)
    }

    fn from_parts(Instant(utc): Instant) -> Result<Self, PlaintextError> {
        Ok(PrimitiveDateTime::from_parts(utc)?.assume_utc())
    }
}

civil::civil! {
    time::Date = Self::MIN;
    time::Time = Self::MIDNIGHT;
    PrimitiveDateTime = Self::MIN;
    OffsetDateTime = Self::UNIX_EPOCH;
}
