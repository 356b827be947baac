//! Quantiles of the normal distribution, the same to the last bit on every machine.
//!
//! Source: Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37
//! (1988), routine PPND16: about 16 significant digits.

/// The value that a standard normal variable does not exceed with this probability, which must lie between 0 and 1.
pub(super) fn quantile(probability: f64) -> f64 {
    let centred = probability - 0.5;
    if centred.abs() <= 0.425 {
        let rest = 0.180_625 - centred * centred;
        return centred * ratio(rest, &MIDDLE_ABOVE, &MIDDLE_BELOW);
    }
    let tail = if centred < 0.0 { probability } else { 1.0 - probability };
    let root = libm::sqrt(-libm::log(tail));
    let value = if root <= 5.0 {
        ratio(root - 1.6, &NEAR_ABOVE, &NEAR_BELOW)
    } else {
        ratio(root - 5.0, &FAR_ABOVE, &FAR_BELOW)
    };
    if centred < 0.0 { -value } else { value }
}

/// The quotient of two polynomials, coefficients from the highest power down.
fn ratio(at: f64, above: &[f64; 8], below: &[f64; 8]) -> f64 {
    let value =
        |coefficients: &[f64; 8]| coefficients.iter().fold(0.0, |sum, next| sum * at + next);
    value(above) / value(below)
}

const MIDDLE_ABOVE: [f64; 8] = [
    2_509.080_928_730_122_7,
    33_430.575_583_588_13,
    67_265.770_927_008_7,
    45_921.953_931_549_87,
    13_731.693_765_509_46,
    1_971.590_950_306_551_3,
    133.141_667_891_784_38,
    3.387_132_872_796_366_5,
];
const MIDDLE_BELOW: [f64; 8] = [
    5_226.495_278_852_545,
    28_729.085_735_721_943,
    39_307.895_800_092_71,
    21_213.794_301_586_597,
    5_394.196_021_424_751,
    687.187_007_492_057_9,
    42.313_330_701_600_91,
    1.0,
];
const NEAR_ABOVE: [f64; 8] = [
    7.745_450_142_783_414e-4,
    0.022_723_844_989_269_184,
    0.241_780_725_177_450_6,
    1.270_458_252_452_368_4,
    3.647_848_324_763_204_5,
    5.769_497_221_460_691,
    4.630_337_846_156_546,
    1.423_437_110_749_683_5,
];
const NEAR_BELOW: [f64; 8] = [
    1.050_750_071_644_416_9e-9,
    5.475_938_084_995_345e-4,
    0.015_198_666_563_616_457,
    0.148_103_976_427_480_08,
    0.689_767_334_985_1,
    1.676_384_830_183_803_8,
    2.053_191_626_637_759,
    1.0,
];
const FAR_ABOVE: [f64; 8] = [
    2.010_334_399_292_288_1e-7,
    2.711_555_568_743_487_6e-5,
    0.001_242_660_947_388_078_4,
    0.026_532_189_526_576_124,
    0.296_560_571_828_504_87,
    1.784_826_539_917_291_3,
    5.463_784_911_164_114,
    6.657_904_643_501_103,
];
const FAR_BELOW: [f64; 8] = [
    2.044_263_103_389_939_8e-15,
    1.421_511_758_316_446e-7,
    1.846_318_317_510_054_8e-5,
    7.868_691_311_456_133e-4,
    0.014_875_361_290_850_615,
    0.136_929_880_922_735_8,
    0.599_832_206_555_888,
    1.0,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    proptest! {
        #[test]
        fn it_is_the_inverse_of_the_distribution(probability in 1e-9..1.0_f64) {
            let normal = Normal::new(0.0, 1.0).unwrap();
            let back = normal.cdf(quantile(probability));
            prop_assert!((back - probability).abs() < 1e-9 + 1e-8 * probability, "{back} for {probability}");
        }
    }

    #[test]
    fn known_points_are_met() {
        for (probability, value) in
            [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (1e-10, -6.361_340_902_404_056)]
        {
            assert!((quantile(probability) - value).abs() < 1e-12, "{probability}");
        }
    }
}
