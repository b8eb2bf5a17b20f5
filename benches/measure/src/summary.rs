//! A median and how far the middle half of the samples lies from it.

use serde::{Deserialize, Serialize};

/// Median and quartiles.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Summary {
    /// Half of the samples are smaller.
    pub median: f64,
    /// A quarter of the samples is smaller.
    pub lower: f64,
    /// A quarter of the samples is larger.
    pub upper: f64,
}

impl Summary {
    /// Of at least one sample.
    ///
    /// # Panics
    /// Without any.
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        let last = samples.len() - 1;
        Self {
            median: samples[last / 2],
            lower: samples[last / 4],
            upper: samples[(last * 3).div_ceil(4)],
        }
    }

    /// What was counted, not timed.
    pub fn exact(value: f64) -> Self {
        Self { median: value, lower: value, upper: value }
    }

    /// The same in another unit, or the other way round where `f` falls.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (f(self.lower), f(self.upper));
        Self { median: f(self.median), lower: a.min(b), upper: a.max(b) }
    }
}
