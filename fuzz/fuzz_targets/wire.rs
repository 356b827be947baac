//! Whatever arrives on the bus: no panic, bounded memory, and what is taken in stays within its trial.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/replay.rs"]
mod replay;

fuzz_target!(|bytes: &[u8]| {
    replay::obeyed(bytes);
    // One agent sends the bytes as they are, the other one reports whose numbers are right.
    let raw = bytes.split(|byte| *byte == 0).map(|frame| (1, frame.to_vec()));
    let reports = bytes.split(|byte| *byte == 0).enumerate().map(|(serial, body)| {
        let head = format!("{{\"trial\":1,\"serial\":{serial},\"part\":0,\"parts\":1}}\n");
        (0, [head.as_bytes(), body].concat())
    });
    drop(replay::coordinated(reports.chain(raw)));
});
