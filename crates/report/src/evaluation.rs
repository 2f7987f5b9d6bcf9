//! What a network's answers to some pairs say of it.

use serde::Serialize;

use crate::statistics::{Calibration, Interval, calibration, wilson95};

/// One pair, what it shows and what was said of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answered {
    /// The two digits.
    pub classes: [u8; 2],
    /// The probability that was given to first ≤ second, from 0 to 1.
    pub probability: f64,
    /// The two digits as the network named them; `None` where it names none.
    pub named: Option<[u8; 2]>,
}

/// How often something was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Right {
    /// Times that it was right.
    pub right: usize,
    /// Times that it was asked.
    pub all: usize,
}

impl Right {
    fn count(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    /// In percent; `None` where nothing was asked.
    pub fn percent(self) -> Option<f64> {
        (self.all > 0).then(|| 100.0 * self.right as f64 / self.all as f64)
    }
}

/// What a network's answers to some pairs say of it.
///
/// ```
/// use pairnet_report::{Answered, Evaluation};
///
/// let answered = [
///     Answered { classes: [3, 7], probability: 0.9, named: Some([3, 7]) },
///     Answered { classes: [7, 3], probability: 0.2, named: Some([1, 3]) },
///     Answered { classes: [4, 4], probability: 0.4, named: Some([4, 9]) },
/// ];
/// let evaluation = Evaluation::of(&answered);
/// assert_eq!((evaluation.comparison.right, evaluation.comparison.all), (2, 3));
/// assert_eq!(evaluation.digits.unwrap().right, 4); // of six
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Pairs whose answer was right: a probability above 0.5 where the first is at most the second.
    pub comparison: Right,
    /// In percent.
    pub accuracy: Option<f64>,
    /// The 95 % interval of the accuracy on other pairs of such digits, in percent (Wilson, 1927).
    pub accuracy_ci95: Option<Interval>,
    /// What was said (rows: first > second, first ≤ second) of what was so (columns alike).
    pub answers: [[usize; 2]; 2],
    /// By first digit (rows) and second digit (columns), 0 to 9.
    pub by_pair: [[Right; 10]; 10],
    /// Digits that were named rightly, where they were named.
    pub digits: Option<Right>,
    /// How often each digit (rows) was taken for which (columns), both places together.
    pub confusion: Option<[[usize; 10]; 10]>,
    /// Whether probabilities are to be believed.
    pub calibration: Calibration,
}

impl Evaluation {
    /// Counts.
    pub fn of(answered: &[Answered]) -> Self {
        let mut comparison = Right::default();
        let mut answers = [[0; 2]; 2];
        let mut by_pair = [[Right::default(); 10]; 10];
        let mut digits = Right::default();
        let mut confusion = [[0; 10]; 10];
        let mut named_any = false;
        for Answered { classes, probability, named } in answered {
            let [first, second] = classes.map(|class| usize::from(class) % 10);
            let (so, said) = (first <= second, *probability > 0.5);
            comparison.count(so == said);
            answers[usize::from(said)][usize::from(so)] += 1;
            by_pair[first][second].count(so == said);
            for (class, named) in [first, second].into_iter().zip(named.iter().flatten()) {
                named_any = true;
                digits.count(usize::from(*named) == class);
                confusion[class][usize::from(*named) % 10] += 1;
            }
        }
        let share = comparison.right as f64 / comparison.all as f64;
        let interval = || {
            let Interval { low, high } = wilson95(share, comparison.all as f64);
            Interval { low: 100.0 * low, high: 100.0 * high }
        };
        let outcomes =
            answered.iter().map(|one| (one.probability, one.classes[0] <= one.classes[1]));
        Self {
            comparison,
            accuracy: comparison.percent(),
            accuracy_ci95: (comparison.all > 0).then(interval),
            answers,
            by_pair,
            digits: named_any.then_some(digits),
            confusion: named_any.then_some(confusion),
            calibration: calibration(outcomes),
        }
    }
}
