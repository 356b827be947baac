//! Records of the log as bytes: pure, so that every damage can be tried.
//!
//! A record is a head of 28 bytes and the document as JSON. The head holds a mark, the length of
//! the document, its sequence number, when it was accepted, and a check sum over all of that. The
//! mark is there to find the next whole record behind a damaged one: if there is one, the damage
//! is in the middle and documents would be lost by going on; if there is none, the log just ends
//! with a record that was never completed.

use crc32fast::Hasher;

/// Bytes before the document.
pub(super) const HEAD_BYTES: usize = 28;

/// Longest document of a record: the body limit, and room for what JSON adds to it when control
/// characters are written in full.
pub(super) const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Begins every record.
const MARK: [u8; 4] = *b"\x91doc";

/// One document in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// Number of the document, from 1 on without a gap.
    pub(super) sequence: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub(super) unix_ms: u64,
    /// The document as JSON.
    pub(super) document: &'a [u8],
}

/// What stands at the beginning of some bytes of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole record, and how many bytes it takes.
    Whole(Record<'a>, usize),
    /// Nothing: the log ends here.
    End,
    /// The beginning of a record that was never completed; no whole record stands behind it.
    Torn,
    /// Damage, with a whole record behind it.
    Damaged,
}

impl Record<'_> {
    /// The record as bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.document.len());
        let length = u32::try_from(self.document.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&MARK);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        bytes.extend_from_slice(&self.unix_ms.to_le_bytes());
        let check = check_sum(&bytes, self.document);
        bytes.extend_from_slice(&check.to_le_bytes());
        bytes.extend_from_slice(self.document);
        bytes
    }
}

/// Reads what stands at the beginning of `bytes`, which reach to the end of the log's file.
pub(super) fn decode(bytes: &[u8]) -> Found<'_> {
    if bytes.is_empty() {
        return Found::End;
    }
    if let Some((record, length)) = whole(bytes) {
        return Found::Whole(record, length);
    }
    let is_whole_at = |at: usize| bytes.get(at..).and_then(whole).is_some();
    if (1..bytes.len()).any(is_whole_at) { Found::Damaged } else { Found::Torn }
}

fn whole(bytes: &[u8]) -> Option<(Record<'_>, usize)> {
    // First, because the search behind a damaged record asks at every byte.
    let rest = bytes.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (accepted, rest) = rest.split_first_chunk::<8>()?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let document = rest.get(..length).filter(|_| length <= DOCUMENT_BYTES_MAX)?;
    let head = bytes.get(..HEAD_BYTES - check.len())?;
    let record = Record {
        sequence: u64::from_le_bytes(*sequence),
        unix_ms: u64::from_le_bytes(*accepted),
        document,
    };
    let is_right = check_sum(head, document) == u32::from_le_bytes(*check);
    is_right.then_some((record, HEAD_BYTES + length))
}

fn check_sum(head: &[u8], document: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(head);
    hasher.update(document);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Parts = (u64, u64, Vec<u8>);

    fn some_records() -> impl Strategy<Value = Vec<Parts>> {
        let record = (any::<u64>(), any::<u64>(), proptest::collection::vec(any::<u8>(), 0..60));
        proptest::collection::vec(record, 0..8)
    }

    fn encoded(records: &[Parts]) -> Vec<u8> {
        let one = |(sequence, unix_ms, document): &Parts| {
            let (sequence, unix_ms) = (*sequence, *unix_ms);
            Record { sequence, unix_ms, document }.encode()
        };
        records.iter().flat_map(one).collect()
    }

    /// The whole records at the beginning, and what stands behind them.
    fn read(mut bytes: &[u8]) -> (Vec<Parts>, Found<'_>) {
        let mut records = Vec::new();
        loop {
            match decode(bytes) {
                Found::Whole(record, length) => {
                    let Record { sequence, unix_ms, document } = record;
                    records.push((sequence, unix_ms, document.to_vec()));
                    bytes = &bytes[length..];
                }
                other => return (records, other),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(records in some_records()) {
            let bytes = encoded(&records);
            prop_assert_eq!(read(&bytes), (records, Found::End));
        }

        #[test]
        fn a_log_that_is_cut_off_anywhere_yields_its_first_records(
            records in some_records(), part in any::<prop::sample::Index>(),
        ) {
            let bytes = encoded(&records);
            let kept = part.index(bytes.len() + 1);
            let (found, end) = read(&bytes[..kept]);
            prop_assert_eq!(&found[..], &records[..found.len()]);
            let whole = encoded(&found).len();
            let expected = if whole == kept { Found::End } else { Found::Torn };
            prop_assert_eq!(end, expected);
            let next = records.get(found.len()).map_or(0, |next| encoded(std::slice::from_ref(next)).len());
            prop_assert!(kept - whole < next.max(1), "every record that fits is found");
        }

        #[test]
        fn damage_before_a_whole_record_is_told_from_the_end(
            records in some_records(), last in any::<u64>(), at in any::<prop::sample::Index>(), flip in 1_u8..,
        ) {
            prop_assume!(!records.is_empty());
            let damaged_bytes = encoded(&records);
            let place = at.index(damaged_bytes.len());
            let mut bytes = damaged_bytes;
            bytes[place] ^= flip;
            bytes.extend(encoded(&[(last, 0, b"whole".to_vec())]));
            prop_assert_eq!(read(&bytes).1, Found::Damaged);
        }

        #[test]
        fn zeros_at_the_end_are_no_records(records in some_records(), zeros in 1_usize..100) {
            let mut bytes = encoded(&records);
            bytes.extend(vec![0; zeros]);
            prop_assert_eq!(read(&bytes), (records, Found::Torn));
        }
    }
}
