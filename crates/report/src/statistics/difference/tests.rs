use super::*;
use crate::statistics::Interval;

fn moments(n: usize, mean: f64, std: f64) -> Moments {
    Moments { n, mean, std_sample: Some(std) }
}

#[test]
fn welch_is_that_of_scipy() {
    // >>> from scipy.stats import ttest_ind_from_stats
    // >>> ttest_ind_from_stats(79.91, 1.033, 10, 79.56, 1.2438, 10, equal_var=False,
    // ...                      alternative="greater").pvalue
    // >>> from scipy.stats import t
    // >>> a, b = 1.033 ** 2 / 10, 1.2438 ** 2 / 10
    // >>> d = (a + b) ** 2 / (a * a / 9 + b * b / 9); se = (a + b) ** .5; x = 79.91 - 79.56
    // >>> d, x - se * t.ppf(.975, d), x + se * t.ppf(.975, d)
    // >>> x - se * t.ppf(.95, d), x + se * t.ppf(.95, d)
    // >>> ttest_ind_from_stats(79.91, 1.033, 10, 79.56, 1.2438, 10, equal_var=False).pvalue
    let found = welch(moments(10, 79.91, 1.033), moments(10, 79.56, 1.2438));
    let wide = found.interval(0.95).unwrap();
    let narrow = found.interval(0.90).unwrap();
    let pairs = [
        (found.value, 0.35),
        (found.error.unwrap().degrees, 17.413_035_347_426_867),
        (wide.low, -0.726_772_030_570_758_3),
        (wide.high, 1.426_772_030_570_747),
        (narrow.low, -0.538_223_309_507_982),
        (narrow.high, 1.238_223_309_507_970_7),
        (found.p_greater().unwrap(), 0.251_319_398_170_541_4),
        (found.p_two_sided().unwrap(), 0.502_638_796_341_082_8),
    ];
    for (found, expected) in pairs {
        assert!((found - expected).abs() < 1e-8, "{found} {expected}");
    }
}

#[test]
fn paired_is_that_of_scipy() {
    // >>> from scipy.stats import ttest_1samp
    // >>> r = ttest_1samp([4.1, 5.3, 3.9, -0.2, 6.0], 0, alternative="greater")
    // >>> r.pvalue
    // >>> ttest_1samp([4.1, 5.3, 3.9, -0.2, 6.0], 0).confidence_interval(.95)
    let found = paired(&[4.1, 5.3, 3.9, -0.2, 6.0]).unwrap();
    let interval = found.interval(0.95).unwrap();
    let pairs = [
        (found.value, 3.82),
        (found.p_greater().unwrap(), 0.011_923_911_779_279_447),
        (interval.low, 0.830_450_565_507_944_8),
        (interval.high, 6.809_549_434_492_055),
    ];
    for (found, expected) in pairs {
        assert!((found - expected).abs() < 1e-8, "{found} {expected}");
    }
    assert_eq!(paired(&[]), None);
    assert_eq!(paired(&[1.0]).unwrap(), Estimate { value: 1.0, error: None });
}

#[test]
fn without_any_variance_the_difference_is_a_point() {
    let found = welch(moments(10, 100.0, 0.0), moments(10, 99.0, 0.0));
    assert_eq!(found.interval(0.95), Some(Interval { low: 1.0, high: 1.0 }));
    assert_eq!((found.p_greater(), found.p_two_sided()), (Some(0.0), Some(0.0)));
    let none = welch(moments(10, 99.0, 0.0), moments(10, 99.0, 0.0));
    assert_eq!(none.interval(0.95), Some(Interval { low: 0.0, high: 0.0 }));
    assert_eq!((none.p_greater(), none.p_two_sided()), (Some(1.0), Some(1.0)));
    let less = welch(moments(10, 99.0, 0.0), moments(10, 100.0, 0.0));
    assert_eq!((less.p_greater(), less.p_two_sided()), (Some(1.0), Some(0.0)));
}

#[test]
fn variance_on_one_side_is_enough() {
    // The degrees of freedom are then those of that side.
    let found = welch(moments(10, 100.0, 0.0), moments(10, 98.0, 1.0));
    assert!((found.error.unwrap().degrees - 9.0).abs() < 1e-12);
}

#[test]
fn one_run_has_a_difference_and_no_interval() {
    let one = Moments { n: 1, mean: 80.0, std_sample: None };
    let found = welch(one, moments(10, 79.56, 1.24));
    assert!((found.value - 0.44).abs() < 1e-12);
    assert_eq!((found.interval(0.95), found.p_greater()), (None, None));
    assert_eq!(found.p_two_sided(), None);
}

#[test]
fn equal_differences_have_no_variance() {
    // Added up, ten times 0.1 is not 1 in floating point.
    let found = paired(&[0.1; 10]).unwrap();
    assert_eq!((found.value, found.error.unwrap().size), (0.1, 0.0));
    assert_eq!(found.p_greater(), Some(0.0));
}

#[test]
fn the_other_side_mirrors_the_two_sided_p_value() {
    let (a, b) = (moments(10, 79.91, 1.033), moments(10, 79.56, 1.2438));
    assert_eq!(welch(a, b).p_two_sided(), welch(b, a).p_two_sided());
}
