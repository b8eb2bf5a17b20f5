//! Reads the one spelling that each value has.

use super::{Date, NOT_A_DATE, Result, Time, number};

pub(in super::super) struct Strict<'a> {
    rest: &'a [u8],
}

impl<'a> Strict<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub(super) fn date(&mut self) -> Result<Date> {
        let sign = match self.rest {
            [sign @ (b'+' | b'-'), rest @ ..] => {
                self.rest = rest;
                Some(sign)
            }
            _ => None,
        };
        let year = self.digits(if sign.is_some() { 6 } else { 4 })?;
        let year = i32::try_from(year).map_err(|_| NOT_A_DATE)?;
        let year = if sign == Some(&b'-') { -year } else { year };
        // One spelling per year.
        if sign.is_some() && (0..=9999).contains(&year) {
            return Err(NOT_A_DATE);
        }
        self.expect(b'-')?;
        let month = self.two()?;
        self.expect(b'-')?;
        Date::new(year, month, self.two()?)
    }

    pub(super) fn time(&mut self) -> Result<Time> {
        let hour = self.two()?;
        self.expect(b':')?;
        let minute = self.two()?;
        self.expect(b':')?;
        let second = self.two()?;
        self.expect(b'.')?;
        Time::new(hour, minute, second, self.digits(9)?)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<()> {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(NOT_A_DATE),
        }
    }

    pub(super) fn end(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(NOT_A_DATE) }
    }

    fn two(&mut self) -> Result<u8> {
        self.digits(2)?.try_into().map_err(|_| NOT_A_DATE)
    }

    /// At most nine.
    fn digits(&mut self, n: usize) -> Result<u32> {
        let (digits, rest) = self.rest.split_at_checked(n).ok_or(NOT_A_DATE)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(NOT_A_DATE);
        }
        self.rest = rest;
        Ok(number(digits))
    }
}
