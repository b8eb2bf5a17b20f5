//! Reads texts that were stored before: those that PostgreSQL (with `DateStyle` ISO, its default),
//! MySQL, MariaDB and SQLite print, those that `chrono`, `jiff` and `time` print, and those that
//! `chrono` reads.
//!
//! ```text
//! date       [sign] 4 to 9 digits of year, 1 or 2 of month and day; " BC" at the very end
//! time       1 or 2 digits of each; seconds may be absent; up to nine digits of fraction
//! date-time  "T", "t" or white space between the two
//! offset     "Z", "UTC", or a sign and HH, HHMM, HH:MM, HH:MM:SS
//! ```
//!
//! Nothing is moved. Each text is read as what it says, to the nanosecond, or refused with the
//! reason. White space around and between the parts has no meaning.

use super::{Date, NOT_A_DATE, PlaintextError, Result, Time, number};

const INFINITE: PlaintextError =
    PlaintextError::new("`infinity` of PostgreSQL, which the field's type can't hold");
const ZERO_DATE: PlaintextError =
    PlaintextError::new("a date with month or day 00, as MySQL has it, which is no day");
const SHORT_YEAR: PlaintextError =
    PlaintextError::new("a date that does not begin with a year of four digits or more");
const NOT_WITHIN_A_DAY: PlaintextError = PlaintextError::new(
    "a TIME of MySQL below zero or of more than a day: it is a duration and no time of day",
);
const END_OF_DAY: PlaintextError =
    PlaintextError::new("24:00:00, the end of a day, which the field's type can't hold");
const FINE_FRACTION: PlaintextError =
    PlaintextError::new("more than nine digits of a second, which the field's type can't hold");
const NO_OFFSET: PlaintextError = PlaintextError::new(
    "a date and time without an offset from UTC, so it does not say which instant it is; where all are in UTC, \
     give the field a `legacy` function that says so",
);
const AN_OFFSET: PlaintextError =
    PlaintextError::new("an offset from UTC, which the field's type would lose");

pub(in super::super) struct Legacy<'a> {
    rest: &'a [u8],
    /// Until a date has taken it.
    bc: bool,
}

impl<'a> Legacy<'a> {
    pub(super) fn new(text: &'a [u8]) -> Result<Self> {
        let text = text.trim_ascii();
        if matches!(text, b"infinity" | b"-infinity") {
            return Err(INFINITE);
        }
        let before_christ = text.strip_suffix(b" BC");
        Ok(Self { rest: before_christ.unwrap_or(text), bc: before_christ.is_some() })
    }

    pub(super) fn date(&mut self) -> Result<Date> {
        let sign = self.sign();
        let year = self.digits();
        if !(4..=9).contains(&year.len()) {
            return Err(SHORT_YEAR);
        }
        let year = i32::try_from(number(year)).map_err(|_| NOT_A_DATE)?;
        let year = match (sign, std::mem::take(&mut self.bc)) {
            (Some(b'-'), false) => -year,
            (_, false) => year,
            // There is no year 0 there: 1 BC is the year before 1.
            (None, true) if year > 0 => 1 - year,
            (_, true) => return Err(NOT_A_DATE),
        };
        self.expect(b'-')?;
        let month = self.one_or_two()?;
        self.expect(b'-')?;
        let day = self.one_or_two()?;
        if month == 0 || day == 0 {
            return Err(ZERO_DATE);
        }
        Date::new(year, month, day)
    }

    /// Between a date and a time.
    pub(super) fn between(&mut self) -> Result<()> {
        match self.rest {
            [b'T' | b't', rest @ ..] => self.rest = rest,
            [space, ..] if space.is_ascii_whitespace() => {}
            _ => return Err(NOT_A_DATE),
        }
        Ok(())
    }

    pub(super) fn time(&mut self) -> Result<Time> {
        match self.sign() {
            None => {}
            Some(b'-') => return Err(NOT_WITHIN_A_DAY),
            Some(_) => return Err(NOT_A_DATE),
        }
        let hour = self.digits();
        let hour =
            if (1..=3).contains(&hour.len()) { number(hour) } else { return Err(NOT_A_DATE) };
        self.expect(b':')?;
        let minute = self.one_or_two()?;
        let (mut second, mut nanosecond) = (0, 0);
        if self.skip(b':') {
            second = self.one_or_two()?;
            if let [b'.', rest @ ..] = self.rest {
                self.rest = rest;
                nanosecond = self.fraction()?;
            }
        }
        match hour {
            0..=23 => {
                Time::new(hour.try_into().map_err(|_| NOT_A_DATE)?, minute, second, nanosecond)
            }
            24 if (minute, second, nanosecond) == (0, 0, 0) => Err(END_OF_DAY),
            _ => Err(NOT_WITHIN_A_DAY),
        }
    }

    /// In seconds east of UTC.
    pub(super) fn offset(&mut self) -> Result<i32> {
        self.rest = self.rest.trim_ascii_start();
        let utc = self.rest.split_at_checked(3).filter(|(utc, _)| utc.eq_ignore_ascii_case(b"UTC"));
        if let ([b'Z' | b'z', rest @ ..], _) | (_, Some((_, rest))) = (self.rest, utc) {
            self.rest = rest;
            return Ok(0);
        }
        if self.rest.is_empty() {
            return Err(NO_OFFSET);
        }
        let sign = match self.sign().ok_or(NOT_A_DATE)? {
            b'-' => -1,
            _ => 1,
        };
        let (hours, mut minutes, mut seconds) = (self.two()?, 0, 0);
        if self.skip(b':') || !self.rest.is_empty() {
            minutes = self.two()?;
            if self.skip(b':') || !self.rest.is_empty() {
                seconds = self.two()?;
            }
        }
        // The widest that `jiff` and `time` have.
        if hours > 25 || minutes > 59 || seconds > 59 {
            return Err(NOT_A_DATE);
        }
        Ok(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60 + i32::from(seconds)))
    }

    pub(super) fn end(self) -> Result<()> {
        match self.rest.trim_ascii_start() {
            [] if !self.bc => Ok(()),
            [b'+' | b'-' | b'Z' | b'z', ..] => Err(AN_OFFSET),
            _ => Err(NOT_A_DATE),
        }
    }

    /// `+` or `-`, the latter also as U+2212.
    fn sign(&mut self) -> Option<u8> {
        let text = self.rest.trim_ascii_start();
        let (sign, rest) = match text {
            [sign @ (b'+' | b'-'), rest @ ..] => (*sign, rest),
            _ => (b'-', text.strip_prefix("\u{2212}".as_bytes())?),
        };
        self.rest = rest;
        Some(sign)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let rest = self.rest.trim_ascii_start().strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.skip(byte) { Ok(()) } else { Err(NOT_A_DATE) }
    }

    /// All digits that follow, perhaps none.
    fn digits(&mut self) -> &'a [u8] {
        let text = self.rest.trim_ascii_start();
        let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = text.split_at(len);
        self.rest = rest;
        digits
    }

    fn one_or_two(&mut self) -> Result<u8> {
        let digits = self.digits();
        if !(1..=2).contains(&digits.len()) {
            return Err(NOT_A_DATE);
        }
        number(digits).try_into().map_err(|_| NOT_A_DATE)
    }

    /// Two, whatever follows them.
    fn two(&mut self) -> Result<u8> {
        let text = self.rest;
        let (digits, rest) = text.split_at_checked(2).ok_or(NOT_A_DATE)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(NOT_A_DATE);
        }
        self.rest = rest;
        number(digits).try_into().map_err(|_| NOT_A_DATE)
    }

    /// Nanoseconds.
    fn fraction(&mut self) -> Result<u32> {
        let len = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        let (nine, beyond) = digits.split_at(len.min(9));
        if nine.is_empty() {
            return Err(NOT_A_DATE);
        }
        if beyond.iter().any(|digit| *digit != b'0') {
            return Err(FINE_FRACTION);
        }
        Ok((nine.len()..9).fold(number(nine), |n, _| n * 10))
    }
}
