//! From two digits to what the networks make of them.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::limits::ANSWERS_WITHIN;
use crate::refusal::Refusal;
use crate::served::{Answer, Digit, Network, Pair};

/// What is sent.
#[derive(Serialize)]
pub(crate) struct Answers {
    sample: Option<Known>,
    digits: [Vec<u8>; 2],
    seen: [Vec<f32>; 2],
    answers: Vec<Told>,
}

/// A sample pair's place and digits.
#[derive(Serialize)]
pub(crate) struct Known {
    pub(crate) index: usize,
    pub(crate) classes: [u8; 2],
}

/// One network's answer, or why there is none.
#[derive(Serialize)]
struct Told {
    probability: Option<f64>,
    holds: Option<bool>,
    digits: Option<[[f64; 10]; 2]>,
    error: Option<String>,
}

/// What each network makes of `pair`.
pub(crate) fn ask(networks: &[Network], pair: &Pair, sample: Option<Known>) -> Answers {
    let told = |network: &Network| match (network.answer)(pair).and_then(checked) {
        Ok(Answer { probability, digits }) => Told {
            probability: Some(probability),
            // As accuracy is counted in training: a half is no yes.
            holds: Some(probability > 0.5),
            digits,
            error: None,
        },
        Err(error) => Told { probability: None, holds: None, digits: None, error: Some(error) },
    };
    Answers {
        sample,
        digits: pair.each_ref().map(|digit| digit.to_vec()),
        seen: pair.each_ref().map(pooled),
        answers: networks.iter().map(told).collect(),
    }
}

/// JSON has no NaN, and a bar no length beyond its frame.
fn checked(answer: Answer) -> Result<Answer, String> {
    let wrong = |value: &f64| !(0.0..=1.0).contains(value);
    let posteriors = answer.digits.iter().flatten().flatten();
    let first = posteriors.chain([&answer.probability]).copied().find(wrong);
    match first {
        Some(value) => Err(format!("it gave {value} as a probability")),
        None => Ok(answer),
    }
}

/// Means over 2×2 pixels: 14×14.
fn pooled(digit: &Digit) -> Vec<f32> {
    let (rows, _) = digit.as_chunks::<{ 2 * 28 }>();
    let means = rows.iter().flat_map(|two| {
        (0..28).step_by(2).map(|x| {
            let window = [two[x], two[x + 1], two[28 + x], two[28 + x + 1]];
            window.into_iter().map(f32::from).sum::<f32>() / 4.0
        })
    });
    means.collect()
}

/// `work` on a thread where it may take its time, when it is its turn.
pub(crate) async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let result = async {
        let turn = Arc::clone(turns).acquire_owned().await;
        // Nobody can be asked to stop halfway: the turn ends with the work, waited for or not.
        spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
    };
    match timeout(ANSWERS_WITHIN, result).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => {
            let error =
                "a network failed on this pair, and the fault is the program's: try another";
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error))
        }
        Err(_) => {
            let seconds = ANSWERS_WITHIN.as_secs();
            let error = format!("there was no answer within {seconds} s: try again later");
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_see_means_over_two_by_two_pixels() {
        let mut digit = [0; 784];
        digit[26] = 255;
        digit[27 + 28] = 2;
        digit[27 * 28] = 9;
        let seen = pooled(&digit);
        assert_eq!(seen.len(), 14 * 14);
        assert_eq!((seen[13], seen[13 * 14]), (257.0 / 4.0, 9.0 / 4.0));
        assert_eq!(seen.iter().sum::<f32>(), 266.0 / 4.0);
    }

    #[test]
    fn what_is_no_probability_is_no_answer() {
        let answer = |probability| Answer { probability, digits: None };
        for fine in [0.0, 0.5, 1.0] {
            assert_eq!(checked(answer(fine)), Ok(answer(fine)));
        }
        for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.5] {
            assert_eq!(checked(answer(wrong)), Err(format!("it gave {wrong} as a probability")));
        }
        let mut digits = [[0.1; 10]; 2];
        digits[1][9] = f64::NAN;
        assert!(checked(Answer { probability: 0.5, digits: Some(digits) }).is_err());
    }
}
