//! Dates and times as text, one form for `chrono` and `time`:
//!
//! ```text
//! date       YYYY-MM-DD           years outside 0000 to 9999: a sign and six digits
//! time       HH:MM:SS.nnnnnnnnn   always nine digits; second 60 only as 23:59:60 or after any :59
//! date-time  <date>T<time>        instants in UTC with Z
//! ```
#![cfg_attr(not(any(feature = "chrono", feature = "time")), allow(dead_code))]

use std::fmt::Write as _;

use super::{Encoded, PlaintextError};

/// Digits with separators at fixed places; the calendar is checked by `chrono` or `time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Date {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// `second` 60 is a leap second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Time {
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) nanosecond: u32,
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
    pub(super) fn new() -> Self {
        Self { buffer: [0; Encoded::INLINE], len: 0 }
    }

    pub(super) fn date(mut self, date: Date) -> Self {
        let Date { year, month, day } = date;
        // Thirty-odd characters into 48 bytes: this can't fail, and what failed would not decode.
        let _ = match year {
            0..=9999 => write!(self, "{year:04}-{month:02}-{day:02}"),
            _ => write!(self, "{year:+07}-{month:02}-{day:02}"),
        };
        self
    }

    pub(super) fn time(mut self, time: Time) -> Self {
        let Time { hour, minute, second, nanosecond } = time;
        let _ = write!(self, "{hour:02}:{minute:02}:{second:02}.{nanosecond:09}");
        self
    }

    pub(super) fn char(mut self, c: char) -> Self {
        let _ = self.write_char(c);
        self
    }

    pub(super) fn encoded(mut self) -> Encoded<'static> {
        let encoded = Encoded::inline(&self.buffer[..self.len]);
        zeroize::Zeroize::zeroize(&mut self.buffer);
        encoded
    }
}

const NOT_A_DATE: PlaintextError = PlaintextError::new("not a date or time of the field's type");

/// Reads the forms above. `legacy` also takes what databases print: a space for the `T`, no or fewer digits
/// of a second, an offset.
pub(super) struct Parser<'a> {
    rest: &'a [u8],
    legacy: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn strict(text: &'a [u8]) -> Self {
        Self { rest: text, legacy: false }
    }

    pub(super) fn legacy(text: &'a [u8]) -> Self {
        Self { rest: text.trim_ascii(), legacy: true }
    }

    pub(super) fn date(&mut self) -> Result<Date, PlaintextError> {
        let sign = match self.rest {
            [b'+' | b'-', ..] => Some(self.byte()?),
            _ => None,
        };
        let year = self.digits(if sign.is_some() { 6 } else { 4 })?;
        let year = i32::try_from(year).map_err(|_| NOT_A_DATE)?;
        let year = if sign == Some(b'-') { -year } else { year };
        // One spelling per year.
        if sign.is_some() && (0..=9999).contains(&year) {
            return Err(NOT_A_DATE);
        }
        self.expect(b'-')?;
        let month = self.two()?;
        self.expect(b'-')?;
        Ok(Date { year, month, day: self.two()? })
    }

    pub(super) fn time(&mut self) -> Result<Time, PlaintextError> {
        let hour = self.two()?;
        self.expect(b':')?;
        let minute = self.two()?;
        self.expect(b':')?;
        let second = self.two()?;
        let nanosecond = if self.legacy {
            self.fraction()?
        } else {
            self.expect(b'.')?;
            self.digits(9)?
        };
        Ok(Time { hour, minute, second, nanosecond })
    }

    pub(super) fn date_time(&mut self) -> Result<(Date, Time), PlaintextError> {
        let date = self.date()?;
        match self.byte()? {
            b'T' => {}
            b' ' if self.legacy => {}
            _ => return Err(NOT_A_DATE),
        }
        Ok((date, self.time()?))
    }

    /// `Z`, or in legacy text an offset: seconds east of UTC.
    pub(super) fn offset(&mut self) -> Result<i32, PlaintextError> {
        if self.legacy {
            self.rest = self.rest.trim_ascii_start();
        }
        let sign = match self.byte()? {
            b'Z' => return Ok(0),
            b'+' if self.legacy => 1,
            b'-' if self.legacy => -1,
            _ => return Err(NOT_A_DATE),
        };
        let hours = self.two()?;
        if let Some((b':', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        let minutes = if self.rest.is_empty() { 0 } else { self.two()? };
        if hours > 23 || minutes > 59 {
            return Err(NOT_A_DATE);
        }
        Ok(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
    }

    pub(super) fn end(self) -> Result<(), PlaintextError> {
        if self.rest.is_empty() { Ok(()) } else { Err(NOT_A_DATE) }
    }

    fn fraction(&mut self) -> Result<u32, PlaintextError> {
        let Some((b'.', rest)) = self.rest.split_first() else { return Ok(0) };
        let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.rest = rest;
        let scale = u32::try_from(len).ok().filter(|len| (1..=9).contains(len)).ok_or(NOT_A_DATE)?;
        Ok(self.digits(len)? * 10u32.pow(9 - scale))
    }

    fn byte(&mut self) -> Result<u8, PlaintextError> {
        let (&byte, rest) = self.rest.split_first().ok_or(NOT_A_DATE)?;
        self.rest = rest;
        Ok(byte)
    }

    fn expect(&mut self, byte: u8) -> Result<(), PlaintextError> {
        if self.byte()? == byte { Ok(()) } else { Err(NOT_A_DATE) }
    }

    fn two(&mut self) -> Result<u8, PlaintextError> {
        self.digits(2)?.try_into().map_err(|_| NOT_A_DATE)
    }

    /// At most nine, so that they fit.
    fn digits(&mut self, n: usize) -> Result<u32, PlaintextError> {
        let (digits, rest) = self.rest.split_at_checked(n).ok_or(NOT_A_DATE)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(NOT_A_DATE);
        }
        self.rest = rest;
        Ok(digits.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')))
    }
}

/// What the calendar refuses.
pub(super) fn not_a_date() -> PlaintextError {
    NOT_A_DATE
}
