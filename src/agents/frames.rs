//! Reports in numbered frames: what a message of the bus can hold, and what was lost is noticed.

use serde::{Deserialize, Serialize};

use super::wire::{Malformed, Told, parsed, written};
use crate::trial::TrialId;

/// Bytes of one frame's body; the bus itself takes a megabyte.
const FRAME_BODY: usize = 384 << 10;
/// Bytes of one frame at the most.
pub const FRAME_MOST: usize = FRAME_BODY + 256;
/// Frames of one report at the most.
const FRAMES_MOST: u32 = 64;

/// Where a frame belongs; the line before its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    trial: u32,
    serial: u64,
    part: u32,
    parts: u32,
}

/// Cuts the reports of one trial into numbered frames.
#[derive(Debug)]
pub struct Framer {
    trial: u32,
    serial: u64,
}

impl Framer {
    /// For the reports of `trial`.
    #[must_use]
    pub const fn new(trial: TrialId) -> Self {
        Self { trial: trial.0, serial: 0 }
    }

    /// The frames of one report, in the order in which they must arrive.
    pub fn frames(&mut self, told: &Told) -> Vec<Vec<u8>> {
        let body = written(told);
        let pieces: Vec<&[u8]> = body.chunks(FRAME_BODY).collect();
        let parts = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let frames = (0..).zip(pieces).map(|(part, piece)| {
            let head = Head { trial: self.trial, serial: self.serial, part, parts };
            self.serial += 1;
            let mut frame = written(&head);
            frame.push(b'\n');
            frame.extend_from_slice(piece);
            frame
        });
        frames.collect()
    }
}

/// Puts the reports of one agent in one trial together again.
#[derive(Debug)]
pub struct Assembly {
    trial: u32,
    next: u64,
    /// Frames of the report that has begun, and how many there are still to come.
    parts: u32,
    left: u32,
    body: Vec<u8>,
}

impl Assembly {
    /// For the reports of `trial`.
    #[must_use]
    pub const fn new(trial: TrialId) -> Self {
        Self { trial: trial.0, next: 0, parts: 0, left: 0, body: Vec::new() }
    }

    /// The trial.
    #[must_use]
    pub const fn trial(&self) -> TrialId {
        TrialId(self.trial)
    }

    /// Takes the next frame; the report that it completes. Frames of other trials are passed over.
    ///
    /// # Errors
    /// When one before it is missing, or it is none of ours.
    pub fn take(&mut self, frame: &[u8]) -> Result<Option<Told>, Malformed> {
        if frame.len() > FRAME_MOST {
            return Err(Malformed::Long(frame.len()));
        }
        let end = frame.iter().position(|byte| *byte == b'\n');
        let (head, body) = end.map_or((frame, &[][..]), |end| {
            let (head, rest) = frame.split_at(end);
            (head, rest.get(1..).unwrap_or_default())
        });
        let head: Head = parsed(head)?;
        if head.trial != self.trial {
            return Ok(None);
        }
        if head.serial != self.next {
            return Err(Malformed::Gap);
        }
        if self.left == 0 && (1..=FRAMES_MOST).contains(&head.parts) {
            (self.parts, self.left) = (head.parts, head.parts);
        }
        // Part by part: a report without an end would take memory without an end.
        if self.left == 0 || head.parts != self.parts || head.part != self.parts - self.left {
            return Err(Malformed::Value("its parts"));
        }
        self.next += 1;
        self.left -= 1;
        self.body.extend_from_slice(body);
        if self.left > 0 {
            return Ok(None);
        }
        parsed(&std::mem::take(&mut self.body)).map(Some)
    }
}
