//! A set of document numbers as text: each chunk of bits compressed.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::corpus::number_set::NumberSet;

/// Chunks of a set at the most: a thousand million documents.
const CHUNKS_MOST: usize = 1 << 14;

/// Writes a set.
///
/// # Errors
/// Those of the serializer.
pub(super) fn serialize<S: Serializer>(set: &NumberSet, serializer: S) -> Result<S::Ok, S::Error> {
    let chunks: BTreeMap<u64, String> = set
        .chunks()
        .filter_map(|(chunk, bytes)| {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).ok()?;
            Some((chunk, STANDARD.encode(encoder.finish().ok()?)))
        })
        .collect();
    chunks.serialize(serializer)
}

/// Reads one.
///
/// # Errors
/// When it is none, or larger than any run.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<NumberSet, D::Error> {
    let chunks = BTreeMap::<u64, String>::deserialize(deserializer)?;
    if chunks.len() > CHUNKS_MOST {
        return Err(D::Error::custom("more numbers than any run has"));
    }
    let mut set = NumberSet::default();
    for (chunk, text) in chunks {
        let packed = STANDARD.decode(text).map_err(D::Error::custom)?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(NumberSet::CHUNK_BYTES + 1).unwrap_or(u64::MAX);
        let decoder = DeflateDecoder::new(packed.as_slice());
        decoder.take(limit).read_to_end(&mut bytes).map_err(D::Error::custom)?;
        if !set.put_chunk(chunk, &bytes) {
            return Err(D::Error::custom("a chunk of numbers that is none"));
        }
    }
    Ok(set)
}
