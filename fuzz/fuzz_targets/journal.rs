//! Whatever stands in a journal: no panic, and what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::report::record::JournalLine;

fuzz_target!(|line: &[u8]| {
    let Ok(read) = serde_json::from_slice::<JournalLine>(line) else { return };
    if let JournalLine::Trial(trial) = &read {
        for stream in &trial.streams {
            // Histograms may be cut short or made up.
            let _ = stream.hdr.lateness();
        }
    }
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let again: JournalLine = serde_json::from_slice(&written).expect("and read again");
    assert_eq!(written, serde_json::to_vec(&again).expect("and written again"));
});
