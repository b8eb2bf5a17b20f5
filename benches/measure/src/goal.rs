//! A goal, and what was measured of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Comparison, Summary};

/// What a ratio has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// No goal: told for comparison.
    None,
}

/// A measured goal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Goal {
    /// What was compared with what.
    pub name: String,
    /// What the ratio has to be.
    pub limit: Limit,
    /// The ratio.
    pub ratio: Summary,
    /// Of ours, nanoseconds unless the unit says otherwise.
    pub ours: Option<Summary>,
    /// Of the other.
    pub other: Option<Summary>,
    /// The unit of the two.
    pub unit: String,
}

impl Goal {
    /// Ours divided by the other.
    pub fn ours_by_other(name: &str, limit: Limit, measured: Comparison) -> Self {
        let Comparison { ours, other, ratio } = measured;
        Self {
            name: name.into(),
            limit,
            ratio,
            ours: Some(ours),
            other: Some(other),
            unit: "ns".into(),
        }
    }

    /// The other divided by ours: how many times faster ours is.
    pub fn other_by_ours(name: &str, limit: Limit, measured: Comparison) -> Self {
        let goal = Self::ours_by_other(name, limit, measured);
        Self { ratio: goal.ratio.map(f64::recip), ..goal }
    }

    /// Something counted.
    pub fn counted(name: &str, limit: Limit, count: f64, unit: &str) -> Self {
        Self {
            name: name.into(),
            limit,
            ratio: Summary::exact(count),
            ours: None,
            other: None,
            unit: unit.into(),
        }
    }

    /// Whether the median keeps to the limit.
    pub fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.ratio.median <= limit,
            Limit::AtLeast(limit) => self.ratio.median >= limit,
            Limit::None => true,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "<= {limit}"),
            Self::AtLeast(limit) => write!(f, ">= {limit}"),
            Self::None => f.write_str("-"),
        }
    }
}
