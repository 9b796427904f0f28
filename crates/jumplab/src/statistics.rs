//! Medians and spreads. Pure.

use serde::Serialize;

/// A median with the least and the greatest of its values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The middle value; of an even number of values, the mean of the middle two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of `values`; none where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, min, max })
    }

    /// Of the ratios of pairs, each first ÷ second. A ratio of runs that followed each other is
    /// spared most of what else the machine did.
    pub fn of_ratios(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        Self::of(pairs.into_iter().map(|(first, second)| first / second))
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 3.0, 10.0]).expect("values");
        assert_eq!((spread.median, spread.min, spread.max), (3.5, 1.0, 10.0));
        let odd = Spread::of([7.0, 1.0, 2.0]).map(|spread| spread.median);
        assert_eq!(odd, Some(2.0));
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ratios_are_taken_within_pairs() {
        // The machine was three times slower during the second pair: the ratio does not mind.
        let spread = Spread::of_ratios([(1.0, 2.0), (3.0, 6.0), (1.0, 4.0)]).expect("pairs");
        assert_eq!((spread.median, spread.min), (0.5, 0.25));
    }
}
