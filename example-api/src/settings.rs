//! The settings: environment variables, checked at the start, trusted afterwards.
//!
//! [`VARIABLES`] is the one list of names, defaults and meanings; `--help` prints it and
//! [`Settings::read`] takes the defaults from it, so that they cannot drift apart.

use std::fmt;
use std::str::FromStr;

use crate::clock::MILLISECOND_NS;
use crate::fault;
use crate::stall::Stalls;

/// One environment variable: name, default, meaning.
pub(crate) type Variable = (&'static str, &'static str, &'static str);

/// Every environment variable that the server reads.
pub(crate) const VARIABLES: &[Variable] = &[
    ("WORKERS", "4", "workers, each serving one request at a time (1 to 1024)"),
    (
        "FRONT",
        "pool",
        "pool: keep-alive connections and one queue; prefork: as gunicorn's sync workers",
    ),
    (
        "QUEUE",
        "1000",
        "pool: requests that may wait for a worker; more are answered 429 (0 to 1000000)",
    ),
    (
        "BACKLOG",
        "2048",
        "connections that the kernel may hold before they are accepted (1 to 65535)",
    ),
    (
        "MAX_REQUESTS",
        "2000",
        "prefork: requests after which a worker is replaced; 0: never (up to 1000000000)",
    ),
    ("RESTART_MS", "300", "prefork: how long the replacement of a worker takes (0 to 60000)"),
    (
        "ENGINE",
        "model",
        "model: workers sleep for the service time; compat: they burn CPU as the published server",
    ),
    ("SERVICE_MS", "10", "mean service time of a request; compat: CPU time (over 0, up to 60000)"),
    (
        "SERVICE_LAW",
        "const",
        "model: const, exp, or lognormal (coefficient of variation 0.5); the mean is the same",
    ),
    (
        "STALL_MS",
        "0",
        "model: all workers stand still for this long at the end of every STALL_EVERY_MS",
    ),
    (
        "STALL_EVERY_MS",
        "0",
        "model: period of the stalls, counted from the start; 0: none (up to 3600000)",
    ),
    (
        "FAULT",
        "",
        "faults on purpose, as in error:0.01,stall:5000/500; also reset, slow_body, reject_above, leak, \
         warm_up, recycle, lose, double",
    ),
];

/// How requests reach the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrontKind {
    /// Keep-alive connections, one queue, many workers.
    Pool,
    /// Every worker accepts connections itself and closes them after one answer.
    Prefork,
}

/// What a worker does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineKind {
    /// Sleeps for the service time.
    Model,
    /// Burns CPU for the service time.
    Compat,
}

/// How service times are spread about their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LawKind {
    /// All the same.
    Const,
    /// Exponential.
    Exp,
    /// Log-normal with a coefficient of variation of 0.5.
    Lognormal,
}

/// The settings of one server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Number of workers, at least one.
    pub(crate) workers: usize,
    /// How requests reach the workers.
    pub(crate) front: FrontKind,
    /// Requests that may wait in the pool's queue.
    pub(crate) queue: usize,
    /// Backlog of the listening socket.
    pub(crate) backlog: i32,
    /// Requests after which a pre-forked worker is replaced; `None` for never.
    pub(crate) max_requests: Option<u64>,
    /// How long the replacement takes.
    pub(crate) restart_ns: u64,
    /// What a worker does with a request.
    pub(crate) engine: EngineKind,
    /// Mean service time.
    pub(crate) service_mean_ns: f64,
    /// Spread of the service times.
    pub(crate) service_law: LawKind,
    /// When all workers stand still, by `FAULT` or by settings of their own.
    pub(crate) stalls: Stalls,
    /// What goes wrong on purpose.
    pub(crate) faults: fault::Plan,
}

/// A setting that cannot be used: one line that names the variable and the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingError(String);

impl fmt::Display for SettingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Settings {
    /// Reads all settings; `lookup` gives the text of a variable, or `None` where it is not set.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let source = Source { lookup };
        let max_requests = source.whole("MAX_REQUESTS", 0, 1_000_000_000)?;
        let mut settings = Self {
            workers: source.whole("WORKERS", 1, 1024)?,
            front: source
                .one_of("FRONT", &[("pool", FrontKind::Pool), ("prefork", FrontKind::Prefork)])?,
            queue: source.whole("QUEUE", 0, 1_000_000)?,
            backlog: source.whole("BACKLOG", 1, 65_535)?,
            max_requests: (max_requests > 0).then_some(max_requests),
            restart_ns: source.whole("RESTART_MS", 0, 60_000)? * MILLISECOND_NS,
            engine: source.one_of(
                "ENGINE",
                &[("model", EngineKind::Model), ("compat", EngineKind::Compat)],
            )?,
            service_mean_ns: source.service_ms()? * MILLISECOND_NS as f64,
            service_law: source.one_of(
                "SERVICE_LAW",
                &[
                    ("const", LawKind::Const),
                    ("exp", LawKind::Exp),
                    ("lognormal", LawKind::Lognormal),
                ],
            )?,
            stalls: source.stalls()?,
            faults: source.faults()?,
        };
        settings.refuse_what_compat_lacks()?;
        settings.take_stalls_of_faults()?;
        Ok(settings)
    }

    /// The compat engine does what the published server does; a setting that it would silently
    /// leave out is refused, because the figures would then be read wrongly.
    fn refuse_what_compat_lacks(&self) -> Result<(), SettingError> {
        if self.engine == EngineKind::Model {
            return Ok(());
        }
        if self.service_law != LawKind::Const {
            return Err(complaint("SERVICE_LAW", "must be const with ENGINE=compat"));
        }
        if self.stalls != Stalls::default() {
            return Err(complaint("STALL_MS", "must be 0 with ENGINE=compat"));
        }
        Ok(())
    }

    fn take_stalls_of_faults(&mut self) -> Result<(), SettingError> {
        if self.faults.stalls() == Stalls::default() {
            return Ok(());
        }
        if self.stalls != Stalls::default() {
            return Err(complaint("FAULT", "must not have a stall item beside STALL_MS"));
        }
        self.stalls = self.faults.stalls();
        Ok(())
    }
}

/// Where the texts come from.
struct Source<F> {
    lookup: F,
}

impl<F: Fn(&str) -> Option<String>> Source<F> {
    fn text(&self, name: &str) -> String {
        (self.lookup)(name).unwrap_or_else(|| {
            let variable = VARIABLES.iter().find(|(known, ..)| *known == name);
            variable.map_or("", |(_, default, _)| default).to_owned()
        })
    }

    fn whole<T>(&self, name: &str, least: T, most: T) -> Result<T, SettingError>
    where
        T: Copy + FromStr + PartialOrd + fmt::Display,
    {
        let text = self.text(name);
        match text.parse::<T>() {
            Ok(value) if value >= least && value <= most => Ok(value),
            _ => Err(not(name, &format!("a whole number from {least} to {most}"), &text)),
        }
    }

    fn one_of<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, SettingError> {
        let text = self.text(name);
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        chosen.ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            not(name, &format!("one of {}", words.join(", ")), &text)
        })
    }

    fn service_ms(&self) -> Result<f64, SettingError> {
        let text = self.text("SERVICE_MS");
        match text.parse::<f64>() {
            // The least is one nanosecond: below, no service time would be left after rounding.
            Ok(service_ms) if (0.000_001..=60_000.0).contains(&service_ms) => Ok(service_ms),
            _ => Err(not("SERVICE_MS", "a number of milliseconds over 0, up to 60000", &text)),
        }
    }

    fn faults(&self) -> Result<fault::Plan, SettingError> {
        fault::Plan::parse(&self.text("FAULT")).map_err(|fault| complaint("FAULT", &fault))
    }

    fn stalls(&self) -> Result<Stalls, SettingError> {
        let stall_ms: u64 = self.whole("STALL_MS", 0, 3_600_000)?;
        let every_ms: u64 = self.whole("STALL_EVERY_MS", 0, 3_600_000)?;
        if stall_ms == 0 {
            return Ok(Stalls::default());
        }
        if every_ms == 0 {
            return Err(complaint("STALL_EVERY_MS", "must be set when STALL_MS is"));
        }
        Stalls::new(stall_ms * MILLISECOND_NS, every_ms * MILLISECOND_NS).ok_or_else(|| {
            complaint("STALL_MS", &format!("must be less than STALL_EVERY_MS={every_ms}"))
        })
    }
}

fn not(name: &str, wanted: &str, text: &str) -> SettingError {
    // Quoted as in source text, so that line breaks in the value keep the message on one line.
    let shown: String = text.chars().take(60).collect();
    complaint(name, &format!("must be {wanted}, not {shown:?}"))
}

fn complaint(name: &str, fault: &str) -> SettingError {
    SettingError(format!("{name} {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn every_default_can_be_used() {
        let settings = read(&[]).expect("the defaults");
        assert_eq!((settings.workers, settings.queue), (4, 1000), "workers and queue");
        assert_eq!(settings.max_requests, Some(2000), "requests before a replacement");
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        let bad = [
            ("WORKERS", &["0", "4x", "-1", "1025", "", "4.0"][..]),
            ("FRONT", &["thread", "POOL"]),
            ("QUEUE", &["-1", "1e3"]),
            ("BACKLOG", &["0", "99999"]),
            ("MAX_REQUESTS", &["-1", "many"]),
            ("RESTART_MS", &["-1", "60001"]),
            ("ENGINE", &["tantivy"]),
            ("SERVICE_MS", &["-1", "0", "NaN", "inf", "60001", "1e-9", "ten\nlines"]),
            ("SERVICE_LAW", &["normal"]),
            ("STALL_MS", &["-1", "5"]),
            ("STALL_EVERY_MS", &["x"]),
            ("FAULT", &["error", "error:2", "fire:1", "err\nor:1"]),
        ];
        for (name, texts) in bad {
            for text in texts {
                let error = read(&[(name, text)]).expect_err(text).to_string();
                assert!(error.contains(name) && !error.contains('\n'), "{name}={text}: {error}");
            }
        }
    }

    #[test]
    fn every_variable_in_the_list_is_read() {
        for (name, ..) in VARIABLES {
            assert!(read(&[(name, "?")]).is_err(), "{name} is listed but nothing reads it");
        }
    }

    #[test]
    fn a_stall_needs_a_longer_period() {
        let error = read(&[("STALL_MS", "5"), ("STALL_EVERY_MS", "5")]).expect_err("too long");
        assert!(error.to_string().starts_with("STALL_MS must be less"), "{error}");
        assert!(read(&[("STALL_MS", "5"), ("STALL_EVERY_MS", "6")]).is_ok(), "long enough");
    }

    #[test]
    fn stalls_come_from_one_place_only() {
        let stalls = [("STALL_MS", "5"), ("STALL_EVERY_MS", "6"), ("FAULT", "stall:9/4")];
        assert!(read(&stalls).expect_err("both").to_string().starts_with("FAULT"), "both");
        let faults = [("ENGINE", "compat"), ("FAULT", "stall:9/4")];
        let stalls = Stalls::new(4 * MILLISECOND_NS, 9 * MILLISECOND_NS);
        assert_eq!(read(&faults).map(|settings| settings.stalls).ok(), stalls, "in any engine");
    }

    #[test]
    fn compat_refuses_what_it_would_leave_out() {
        let law = read(&[("ENGINE", "compat"), ("SERVICE_LAW", "exp")]);
        assert!(law.expect_err("a law").to_string().contains("SERVICE_LAW"), "the law");
        let stall = read(&[("ENGINE", "compat"), ("STALL_MS", "5"), ("STALL_EVERY_MS", "9")]);
        assert!(stall.expect_err("a stall").to_string().contains("STALL_MS"), "the stall");
    }
}
