//! Dates and times as text, one form for the types of all crates:
//!
//! ```text
//! date       YYYY-MM-DD           years outside 0000 to 9999: a sign and six digits
//! time       HH:MM:SS.nnnnnnnnn   always nine digits; second 60 is a leap second, in any minute
//! date-time  <date>T<time>        instants in UTC with Z
//! ```
//!
//! `legacy` reads what databases and the crates themselves print.

mod legacy;
mod strict;

use std::fmt::Write as _;

use self::{legacy::Legacy, strict::Strict};
use super::{Encoded, PlaintextError};

type Result<T> = std::result::Result<T, PlaintextError>;

/// A type of `chrono`, `jiff` or `time`, by the parts that its text shows.
pub(super) trait Civil: Sized {
    type Parts: Form;

    fn to_parts(&self) -> Result<Self::Parts>;

    /// Refuses what the type can't hold. The parts are right by the calendar.
    fn from_parts(parts: Self::Parts) -> Result<Self>;
}

/// The four forms.
pub(super) trait Form: Sized {
    const ENCODING: &'static str;

    fn write(self, text: &mut Text);
    fn read(text: &mut Strict<'_>) -> Result<Self>;
    fn read_legacy(text: &mut Legacy<'_>) -> Result<Self>;
}

pub(super) fn encode<C: Civil>(value: &C) -> Result<Encoded<'static>> {
    let mut text = Text { buffer: [0; Encoded::INLINE], len: 0 };
    value.to_parts()?.write(&mut text);
    Ok(text.encoded())
}

pub(super) fn decode<C: Civil>(text: &[u8]) -> Result<C> {
    let mut text = Strict::new(text);
    let parts = C::Parts::read(&mut text)?;
    text.end()?;
    C::from_parts(parts)
}

pub(super) fn from_legacy<C: Civil>(text: &[u8]) -> Result<C> {
    let mut text = Legacy::new(text)?;
    let parts = C::Parts::read_legacy(&mut text)?;
    text.end()?;
    C::from_parts(parts)
}

/// A day of the proleptic Gregorian calendar, with a year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// `second` 60 is a leap second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) nanosecond: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateTime {
    pub(super) date: Date,
    pub(super) time: Time,
}

/// The time that a clock in UTC shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant(pub(super) DateTime);

impl Date {
    fn new(year: i32, month: u8, day: u8) -> Result<Self> {
        let right = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if right { Ok(Self { year, month, day }) } else { Err(NOT_A_DATE) }
    }

    fn next(self) -> Self {
        let Self { year, month, day } = self;
        if day < days_in(year, month) {
            Self { year, month, day: day + 1 }
        } else if month < 12 {
            Self { year, month: month + 1, day: 1 }
        } else {
            Self { year: year + 1, month: 1, day: 1 }
        }
    }

    fn previous(self) -> Self {
        let Self { year, month, day } = self;
        if day > 1 {
            Self { year, month, day: day - 1 }
        } else if month > 1 {
            Self { year, month: month - 1, day: days_in(year, month - 1) }
        } else {
            Self { year: year - 1, month: 12, day: 31 }
        }
    }
}

fn days_in(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Time {
    fn new(hour: u8, minute: u8, second: u8, nanosecond: u32) -> Result<Self> {
        if hour > 23 || minute > 59 || second > 60 {
            return Err(NOT_A_DATE);
        }
        Ok(Self { hour, minute, second, nanosecond })
    }
}

impl DateTime {
    /// The time that a clock in UTC shows while one that is `offset` seconds east of it shows this.
    fn to_utc(self, offset: i32) -> Result<Self> {
        let Self { mut date, time } = self;
        // A leap second goes with the second before it, which has to end a minute there too.
        let leap = time.second == 60;
        let second = i32::from(time.second) - i32::from(leap);
        let of_day = i32::from(time.hour) * 3600 + i32::from(time.minute) * 60 + second - offset;
        for _ in 0..of_day.div_euclid(86_400) {
            date = date.next();
        }
        for _ in of_day.div_euclid(86_400)..0 {
            date = date.previous();
        }
        let part = |unit: i32, of: i32| {
            u8::try_from(of_day.div_euclid(unit).rem_euclid(of)).map_err(|_| NOT_A_DATE)
        };
        let (hour, minute, second) = (part(3600, 24)?, part(60, 60)?, part(1, 60)?);
        if leap && second != 59 {
            return Err(LEAP_WITHIN_A_MINUTE);
        }
        Ok(Self { date, time: Time { hour, minute, second: second + u8::from(leap), ..time } })
    }
}

impl Form for Date {
    const ENCODING: &'static str = "date";

    fn write(self, text: &mut Text) {
        let Date { year, month, day } = self;
        // Thirty-odd characters into 48 bytes: this can't fail, and what failed would not decode.
        let _ = match year {
            0..=9999 => write!(text, "{year:04}-{month:02}-{day:02}"),
            _ => write!(text, "{year:+07}-{month:02}-{day:02}"),
        };
    }

    fn read(text: &mut Strict<'_>) -> Result<Self> {
        text.date()
    }

    fn read_legacy(text: &mut Legacy<'_>) -> Result<Self> {
        text.date()
    }
}

impl Form for Time {
    const ENCODING: &'static str = "time";

    fn write(self, text: &mut Text) {
        let Time { hour, minute, second, nanosecond } = self;
        let _ = write!(text, "{hour:02}:{minute:02}:{second:02}.{nanosecond:09}");
    }

    fn read(text: &mut Strict<'_>) -> Result<Self> {
        text.time()
    }

    fn read_legacy(text: &mut Legacy<'_>) -> Result<Self> {
        text.time()
    }
}

impl Form for DateTime {
    const ENCODING: &'static str = "datetime";

    fn write(self, text: &mut Text) {
        self.date.write(text);
        let _ = text.write_char('T');
        self.time.write(text);
    }

    fn read(text: &mut Strict<'_>) -> Result<Self> {
        let date = text.date()?;
        text.expect(b'T')?;
        Ok(Self { date, time: text.time()? })
    }

    fn read_legacy(text: &mut Legacy<'_>) -> Result<Self> {
        let date = text.date()?;
        text.between()?;
        Ok(Self { date, time: text.time()? })
    }
}

impl Form for Instant {
    const ENCODING: &'static str = "timestamp";

    fn write(self, text: &mut Text) {
        self.0.write(text);
        let _ = text.write_char('Z');
    }

    fn read(text: &mut Strict<'_>) -> Result<Self> {
        let utc = DateTime::read(text)?;
        text.expect(b'Z')?;
        Ok(Self(utc))
    }

    fn read_legacy(text: &mut Legacy<'_>) -> Result<Self> {
        let local = DateTime::read_legacy(text)?;
        local.to_utc(text.offset()?).map(Self)
    }
}

/// Text on the stack, at most as long as the longest date-time.
pub(super) struct Text {
    buffer: [u8; Encoded::INLINE],
    len: usize,
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let end = self.len + s.len();
        self.buffer.get_mut(self.len..end).ok_or(std::fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl Text {
    fn encoded(mut self) -> Encoded<'static> {
        let encoded = Encoded::inline(&self.buffer[..self.len]);
        zeroize::Zeroize::zeroize(&mut self.buffer);
        encoded
    }
}

const NOT_A_DATE: PlaintextError = PlaintextError::new("not a date or time of the field's type");

/// Right by the calendar, and still not a value of the type.
pub(super) const OUT_OF_RANGE: PlaintextError =
    PlaintextError::new("a date or time out of the range of the field's type");

pub(super) const LEAP_WITHIN_A_MINUTE: PlaintextError =
    PlaintextError::new("a leap second that does not follow second 59");

/// For types without leap seconds.
#[cfg(any(feature = "jiff", feature = "time"))]
pub(super) const LEAP_SECOND: PlaintextError =
    PlaintextError::new("a leap second, which the field's type can't hold");

/// Digits as a number. At most nine, so that they fit.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'))
}

/// `impl Plaintext` of types that are [`Civil`], each with the value that overwrites it.
macro_rules! civil {
    ($($type:ty = $blank:expr;)+) => {$(
        impl Plaintext for $type {
            plain_value!(Self);
            overwrite_with!($blank);

            const ENCODING: Option<&'static str> =
                Some(<<Self as Civil>::Parts as civil::Form>::ENCODING);

            fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
                civil::encode(self)
            }

            fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
                civil::decode(&bytes)
            }

            fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
                civil::from_legacy(stored)
            }
        }
    )+};
}
pub(super) use civil;
