//! Numbers as digits, without formatting machinery.

use crate::units::u64_to_usize;

/// All pairs of decimal digits.
#[allow(clippy::indexing_slicing, reason = "checked when it is compiled")]
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let (mut tens, mut place) = (b'0', 0);
    while place < 100 {
        let mut ones = b'0';
        while ones <= b'9' {
            pairs[place] = [tens, ones];
            place += 1;
            ones += 1;
        }
        tens += 1;
    }
    pairs
};

/// Appends `value` in decimal with at least `width` digits, 20 at the most.
#[allow(
    clippy::indexing_slicing,
    reason = "a remainder of 100 is below 100, and 64 bits have 20 digits"
)]
pub(super) fn write_digits(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut start) = (value, digits.len());
    while rest >= 10 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[u64_to_usize(rest % 100)]);
        rest /= 100;
    }
    // What is left is a single digit, or nothing after a last pair.
    if rest > 0 {
        start -= 1;
        digits[start] = PAIRS[u64_to_usize(rest)][1];
    }
    out.extend_from_slice(&digits[start.min(digits.len() - width.clamp(1, 20))..]);
}

const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Appends the last `width` digits, at most 16, of `value` in a radix of up to 36, in capitals.
pub(super) fn write_radix<const RADIX: u64>(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 16];
    let mut rest = value;
    for place in digits.iter_mut().rev().take(width) {
        *place = DIGITS.get(u64_to_usize(rest % RADIX)).copied().unwrap_or(b'0');
        rest /= RADIX;
    }
    out.extend_from_slice(digits.get(digits.len() - width.min(16)..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_standard_library(value: u64, width in 0..16_usize) {
            let mut out = Vec::new();
            write_digits(value, width, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{value:0width$}"));
            let mut out = Vec::new();
            write_radix::<16>(value, 16, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{value:016X}"));
        }
    }
}
