//! What is being tried: one live line on a terminal, plain lines elsewhere; a line for every trial.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::complain;

/// Seconds between two plain lines about the same trial.
const PLAIN_EVERY_S: f64 = 10.0;
/// Redraws of the live line per second; it changes twice a second.
const REDRAWS_HZ: u8 = 4;

/// The progress of a run on stderr.
#[derive(Debug)]
pub struct Progress {
    /// The live line; `None` where stderr is no terminal.
    live: Option<ProgressBar>,
    plain_last_s: f64,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// A live line if stderr is a terminal that can redraw one.
    #[must_use]
    pub fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let live = (stderr().is_terminal() && !dumb).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS_HZ));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { live, plain_last_s: f64::NEG_INFINITY }
    }

    /// Says what is going on at `elapsed_s`; elsewhere than on a terminal only now and then.
    pub fn update(&mut self, elapsed_s: f64, text: &str) {
        match &self.live {
            Some(bar) => {
                bar.set_message(text.to_owned());
                bar.tick();
            }
            None if elapsed_s - self.plain_last_s >= PLAIN_EVERY_S => {
                self.plain_last_s = elapsed_s;
                complain(text);
            }
            None => {}
        }
    }

    /// Writes a line that stays.
    pub fn note(&mut self, text: &str) {
        match &self.live {
            Some(bar) => bar.suspend(|| complain(text)),
            None => complain(text),
        }
    }

    /// Takes the live line away.
    pub fn end(&mut self) {
        if let Some(bar) = self.live.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
