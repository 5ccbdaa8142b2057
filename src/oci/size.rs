//! Sizes in bytes.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// A number of bytes. Shown with decimal units, as registries and container runtimes show sizes: 1 kB is 1000 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
        if self.0 < 1000 {
            return write!(f, "{} B", self.0);
        }
        let mut unit = 0;
        let mut divisor: u64 = 1000;
        // From 999.95 of a unit on, one decimal would read "1000.0": that is 1.0 of the next unit.
        while unit + 1 < UNITS.len() && self.0 / (divisor / 20) >= 19_999 {
            divisor *= 1000;
            unit += 1;
        }
        let tenths = (u128::from(self.0) * 10 + u128::from(divisor) / 2) / u128::from(divisor);
        write!(f, "{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

impl Add for Bytes {
    type Output = Self;

    /// Saturates: a sum of sizes that a hostile manifest declares must not overflow.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self(0), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_with_one_decimal_in_decimal_units() {
        for (bytes, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1949, "1.9 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (1_500_000_000, "1.5 GB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }

    #[test]
    fn sums_saturate() {
        let sum: Bytes = [Bytes(u64::MAX), Bytes(1)].into_iter().sum();
        assert_eq!(sum, Bytes(u64::MAX));
    }
}
