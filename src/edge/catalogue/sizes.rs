//! Sizes of files: the edges of the number types that servers keep them in, and what is no size.

use super::{Maker, value};
use crate::edge::Case;
use crate::edge::Expectation::{Accept, Either, Reject};

/// The cases, and the document without a size.
pub(super) fn cases(maker: &mut Maker<'_>) -> Vec<Case> {
    let values = vec![
        value("size-0", "0", Accept, "0"),
        value("size-1", "1", Accept, "1"),
        value("size-2p31-1", "2^31 - 1", Accept, "2147483647"),
        value("size-2p31", "2^31", Accept, "2147483648"),
        value("size-2p32", "2^32", Accept, "4294967296"),
        value("size-2p53-1", "2^53 - 1", Accept, "9007199254740991"),
        value("size-2p53", "2^53", Accept, "9007199254740992"),
        value("size-2p53+1", "2^53 + 1", Accept, "9007199254740993"),
        value("size-2p63-1", "2^63 - 1", Accept, "9223372036854775807"),
        // Search engines keep sizes as signed 64-bit numbers and had better refuse these.
        value("size-2p63", "2^63", Either, "9223372036854775808"),
        value("size-2p64-1", "2^64 - 1", Either, "18446744073709551615"),
        value("size-1e30", "10^30 in digits", Either, format!("1{}", "0".repeat(30))),
        value("size-negative", "-1", Reject, "-1"),
        value("size-fraction", "1.5", Reject, "1.5"),
        value("size-exponent", "1e3", Either, "1e3"),
        value("size-text", "\"12\"", Reject, "\"12\""),
        value("size-text-wrong", "\"12x\"", Reject, "\"12x\""),
        value("size-null", "null", Reject, "null"),
        value("size-true", "true", Reject, "true"),
        value("size-nan", "NaN", Reject, "NaN"),
    ];
    maker.field("file_size", values)
}
