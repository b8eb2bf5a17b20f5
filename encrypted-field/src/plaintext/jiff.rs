//! Dates and times of `jiff`, byte for byte as those of `chrono`. It has no leap seconds: such a
//! value is refused. `Zoned` is not among them, since its time zone would be lost.

use jiff::Timestamp;
use jiff::tz::Offset;
use zeroize::Zeroizing;

use super::civil::{self, Civil, Date, DateTime, Instant, LEAP_SECOND, OUT_OF_RANGE, Time};
use super::{Encoded, Plaintext, PlaintextError, overwrite_with, plain_value};

/// Between the integers of the parts and those of `jiff`.
fn fit<A, B: TryFrom<A>>(part: A) -> Result<B, PlaintextError> {
    part.try_into().map_err(|_| OUT_OF_RANGE)
}

impl Civil for jiff::civil::Date {
    type Parts = Date;

    fn to_parts(&self) -> Result<Date, PlaintextError> {
        Ok(Date { year: self.year().into(), month: fit(self.month())?, day: fit(self.day())? })
    }

    fn from_parts(Date { year, month, day }: Date) -> Result<Self, PlaintextError> {
        Self::new(fit(year)?, fit(month)?, fit(day)?).map_err(|_| OUT_OF_RANGE)
    }
}

impl Civil for jiff::civil::Time {
    type Parts = Time;

    fn to_parts(&self) -> Result<Time, PlaintextError> {
        Ok(Time {
            hour: fit(self.hour())?,
            minute: fit(self.minute())?,
            second: fit(self.second())?,
            nanosecond: fit(self.subsec_nanosecond())?,
        })
    }

    fn from_parts(time: Time) -> Result<Self, PlaintextError> {
        let Time { hour, minute, second, nanosecond } = time;
        if second == 60 {
            return Err(LEAP_SECOND);
        }
        Self::new(fit(hour)?, fit(minute)?, fit(second)?, fit(nanosecond)?)
            .map_err(|_| OUT_OF_RANGE)
    }
}

impl Civil for jiff::civil::DateTime {
    type Parts = DateTime;

    fn to_parts(&self) -> Result<DateTime, PlaintextError> {
        Ok(DateTime { date: self.date().to_parts()?, time: self.time().to_parts()? })
    }

    fn from_parts(DateTime { date, time }: DateTime) -> Result<Self, PlaintextError> {
        let (date, time) = (Civil::from_parts(date)?, Civil::from_parts(time)?);
        Ok(Self::from_parts(date, time))
    }
}

impl Civil for Timestamp {
    type Parts = Instant;

    fn to_parts(&self) -> Result<Instant, PlaintextError> {
        Offset::UTC.to_datetime(*self).to_parts().map(Instant)
    }

    fn from_parts(Instant(utc): Instant) -> Result<Self, PlaintextError> {
        Offset::UTC.to_timestamp(Civil::from_parts(utc)?).map_err(|_| OUT_OF_RANGE)
    }
}

civil::civil! {
    jiff::civil::Date = Self::MIN;
    jiff::civil::Time = Self::MIN;
    jiff::civil::DateTime = Self::MIN;
    Timestamp = Self::UNIX_EPOCH;
}
